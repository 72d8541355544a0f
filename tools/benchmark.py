"""Measure speed: ``python -m tools.benchmark features|training|record``."""

# mypy: disable-error-code="no-untyped-call"
import sys
import time
import timeit
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from skimage.color import rgb2gray
from skimage.feature import local_binary_pattern
from skimage.filters import threshold_otsu
from skimage.measure import label, perimeter, regionprops
from threadpoolctl import threadpool_limits

from helpers.data import KEYWORDS, Part, load_cells
from helpers.errors import InputError, OneLineParser, with_exit_code
from helpers.evaluation import count_flops
from helpers.features import HISTOGRAM_BINS, PIXELS, REPORT_GROUPS, extract_features
from helpers.networks import precision_of, prepare, tf, train
from helpers.notation import percent, percent_range
from helpers.recipes import RECIPES, TESTED_NETWORKS
from helpers.study import open_study

TURN = 1024
"""Images that one way to extract features processes before the other takes its turn."""

ROUNDS = 3
"""Training runs of every network, of which the fastest counts."""

TARGETS = (0.97, 0.98, 0.985)
"""Validation accuracies of ``record``."""

LONGEST = 8
"""Epochs of training after which ``record`` gives up."""


def plain_features(image: np.ndarray) -> np.ndarray:
    """Return the original report's 62 features of one uint8 (48, 48, 3) image, by scikit-image's own functions."""
    grey = np.floor(rgb2gray(image) * 255 + 0.5 + 1e-9).astype(np.uint8)
    histograms = [
        np.histogram(image[..., channel], bins=HISTOGRAM_BINS, range=(0, 256))[0] / PIXELS for channel in range(3)
    ]
    codes = local_binary_pattern(grey, 8, 1, "uniform")
    patterns = np.histogram(codes, bins=10, range=(0, 10))[0] / PIXELS
    length = 0.0
    if grey.min() < grey.max():
        cell = max(regionprops(label(grey <= threshold_otsu(grey))), key=lambda region: region.area)
        length = perimeter(cell.image_filled, neighborhood=4)
    return np.concatenate([*histograms, patterns, image.mean(axis=(0, 1)), [length]])


def benchmark_features(images: np.ndarray) -> str:
    """Return a comparison of two ways to extract the original report's features, in CPU time of one core.

    The two take turns of 1,024 images, so that other work on the machine slows both alike.
    """
    seconds = {"plain": 0.0, "batch": 0.0}
    difference = 0.0
    with threadpool_limits(1):
        extract_features(images[:64], jobs=1)
        for start in range(0, len(images), TURN):
            chunk = images[start : start + TURN]
            began = time.process_time()
            plain = np.stack([plain_features(image) for image in chunk])
            between = time.process_time()
            batch = extract_features(chunk, REPORT_GROUPS, jobs=1).to_numpy()
            seconds["batch"] += time.process_time() - between
            seconds["plain"] += between - began
            difference = max(difference, float((np.abs(batch - plain) / np.maximum(np.abs(plain), 1)).max()))
    per_image = {way: 1e6 * spent / len(images) for way, spent in seconds.items()}
    return "\n".join(
        [
            f"{len(images):,} images, {len(REPORT_GROUPS)} feature groups, CPU time of one core",
            f"scikit-image, one image at a time: {seconds['plain']:7.2f} s ({per_image['plain']:6.0f} µs per image)",
            f"helpers.features, in blocks:       {seconds['batch']:7.2f} s ({per_image['batch']:6.0f} µs per image)",
            f"ratio {seconds['plain'] / seconds['batch']:.1f}, largest relative difference {difference:.1e}",
        ]
    )


def matrix_product_peak(precision: str) -> float:
    """Return the FLOP/s of a product of two square matrices, the best of three.

    ``precision`` is that of a training run, "float32" or "mixed_bfloat16".
    """
    size = 2048
    dtype = tf.bfloat16 if precision == "mixed_bfloat16" else tf.float32
    matrix = tf.cast(tf.fill((size, size), 0.5), dtype)
    seconds = timeit.repeat(lambda: tf.reduce_max(matrix @ matrix).numpy(), number=1, repeat=3)
    return float(2 * size**3 / min(seconds))


def benchmark_training(part: Part) -> str:
    """Return a table of training speeds on the images of ``part``.

    One line per network: images/s with its recipe, the arithmetic that this amounts to (three forward passes per image)
    and its share of the machine's speed in a large matrix product of the same precision, measured alternately.
    """
    lines = [f"{'network':16}{'precision':>16}{'images/s':>10}{'GFLOP/s':>10}{'of peak':>9}"]
    for name in TESTED_NETWORKS:
        recipe = replace(RECIPES[name], epoch_images=min(256, len(part.labels)))
        precision = precision_of(recipe)
        model, batches = prepare(recipe, 0, part)
        seconds, peaks = [], []
        for _ in range(ROUNDS + 1):
            peaks.append(matrix_product_peak(precision))
            started = time.perf_counter()
            model.fit(batches, shuffle=False, verbose=0)
            seconds.append(time.perf_counter() - started)
        speed = len(batches.order) / min(seconds[1:])  # the first one compiles
        flops = 3 * count_flops(model) * speed
        lines.append(f"{name:16}{precision:>16}{speed:10.0f}{flops / 1e9:10.0f}{flops / max(peaks):9.3f}")
    return "\n".join(lines)


def benchmark_record(runs: int, watts: float, part: Part, validation: Part) -> Iterator[str]:
    """Yield a line for each target: the shortest training that reaches it, on average over ``runs`` seeds.

    The recipe is the step of the ladder before cellnet trains on changed stains, light and lenses, and for longer. Each
    number of epochs has a schedule of its own. Seconds include the first step, in which TensorFlow traces the network,
    and the validation after each epoch. The energy is that of ``watts`` for so long.
    """
    yield "| target | epochs | seconds (range) | Wh | validation accuracy (range) | runs that reach it |"
    yield "|---|---|---|---|---|---|"
    targets = list(TARGETS)
    for epochs in range(1, LONGEST + 1):
        recipe = replace(RECIPES["muon"], epochs=epochs)
        with TemporaryDirectory() as folder:
            records = [train(recipe, seed, part, validation, Path(folder)).record for seed in range(runs)]
        seconds, reached = np.array([(record["train_seconds"], record["val_accuracy"]) for record in records]).T
        while targets and reached.mean() >= targets[0]:
            target = targets.pop(0)
            took = f"{seconds.mean():.1f} ({seconds.min():.1f}–{seconds.max():.1f})"
            found = f"{percent(reached.mean(), 2)} ({percent_range(reached.min(), reached.max())})"
            share = f"{(reached >= target).sum()} of {runs}"
            energy = f"{watts * seconds.mean() / 3600:.2f}"
            yield f"| {percent(target)} | {epochs} | {took} | {energy} | {found} | {share} |"
        if not targets:
            return
    yield f"{', '.join(map(percent, targets))}: not reached in {LONGEST} epochs"


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code, which is 2 if the input cannot be used."""
    parser = OneLineParser(prog="python -m tools.benchmark", description=__doc__)
    benchmarks = parser.add_subparsers(dest="benchmark", required=True)
    features = benchmarks.add_parser("features", help="speed of the feature extractor, beside scikit-image's functions")
    features.add_argument("--count", type=int, default=None, help="use only the first COUNT images")
    training = benchmarks.add_parser("training", help="training speed, beside that of a matrix product")
    record = benchmarks.add_parser("record", help="seconds and energy of training to three validation accuracies")
    record.add_argument("--runs", type=int, default=10, help="of each number of epochs (default: 10)")
    record.add_argument("--watts", type=float, default=10, help="of the cores and memory in use (default: 10)")
    for benchmark in (features, training, record):
        benchmark.add_argument("--data", default="auto", help="any data source that ./run_all.sh accepts")
    options = parser.parse_args(arguments)
    for option in ("count", "runs"):
        if (number := vars(options).get(option)) is not None and number < 1:
            raise InputError(f"--{option}: {number} found, expected at least 1")
    if options.benchmark == "features":
        print(benchmark_features(load_cells(options.data).images[: options.count]))
        return 0
    study = open_study(options.data if options.data in KEYWORDS else str(Path(options.data).absolute()))
    if options.benchmark == "training":
        print(benchmark_training(study.train))
    else:
        for line in benchmark_record(options.runs, options.watts, study.train, study.validation):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
