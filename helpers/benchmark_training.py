"""How fast the networks train, beside this machine's matrix product and beside PyTorch; how soon cellnet is good."""

# mypy: disable-error-code="no-untyped-call"
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from helpers import THREADS
from helpers.backend import keras, matrix_product_peak
from helpers.cost import count_flops
from helpers.preprocessing import Part
from helpers.recipes import NETWORKS, RECIPES
from helpers.training import precision_of, prepare, train

ROUNDS = 3
"""Turns that every network has; the fastest counts."""

SHORT_TRAINING = 4
"""Epochs of the training whose time to an accuracy is measured."""


def benchmark_training(part: Part) -> str:
    """Return a table of training speeds, each network in turn with the others, on the images of ``part``.

    One line per network: images/s with its recipe, the arithmetic this amounts to (three forward passes per image) and
    its share of what this machine reaches in a large matrix product of the same precision. Where PyTorch is installed,
    the same layers follow, in Keras and in PyTorch, both with Adam and images as they are.
    """
    heading = f"{'network':16}{'precision':>16}{'images/s':>10}{'GFLOP/s':>10}{'of peak':>9}"
    has_torch = find_spec("torch") is not None
    lines = [heading + (f"{'plain':>8}{'PyTorch':>9}{'ratio':>7}" if has_torch else "")]
    for name in NETWORKS:
        recipe = replace(RECIPES[name], epoch_images=min(256, len(part.labels)))
        precision = precision_of(recipe)
        model, batches = prepare(recipe, 0, part)
        count = len(batches.order)
        steps: dict[str, Callable[[], Any]] = {"keras": partial(model.fit, batches, shuffle=False, verbose=0)}
        if has_torch:
            alike = replace(recipe, optimizer="adam", flips_and_turns=False, acquisition_jitter=0.0)
            plain, images = prepare(alike, 0, part)
            steps["plain"] = partial(plain.fit, images, shuffle=False, verbose=0)
            steps["torch"] = torch_step(model, part, recipe.batch_size, count, precision)
        seconds: dict[str, list[float]] = {way: [] for way in steps}
        peaks = []
        for _ in range(ROUNDS + 1):
            peaks.append(matrix_product_peak(precision, repeats=3))
            for way, step in steps.items():
                started = time.perf_counter()
                step()
                seconds[way].append(time.perf_counter() - started)
        speed = {way: count / min(values[1:]) for way, values in seconds.items()}
        flops = 3 * count_flops(model) * speed["keras"]
        line = f"{name:16}{precision:>16}{speed['keras']:10.0f}{flops / 1e9:10.0f}{flops / max(peaks):9.3f}"
        if has_torch:
            line += f"{speed['plain']:8.0f}{speed['torch']:9.0f}{speed['plain'] / speed['torch']:7.2f}"
        lines.append(line)
    return "\n".join(lines)


def torch_step(
    model: keras.Model, part: Part, batch_size: int, count: int, precision: str
) -> Callable[[], Any]:
    """Return a function that trains the same layers in PyTorch on ``count`` images, once."""
    import torch  # type: ignore[import-not-found, unused-ignore]  # not a dependency: compared with where present
    from torch import nn  # type: ignore[import-not-found, unused-ignore]

    torch.set_num_threads(THREADS)
    stack: list[nn.Module] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        settings, inputs = layer.get_config(), layer.input.shape
        match type(layer).__name__:
            case "Conv2D":
                same = settings["padding"] == "same"
                bias = settings["use_bias"]
                size = settings["kernel_size"]
                stack.append(
                    nn.Conv2d(inputs[-1], settings["filters"], size, padding="same" if same else 0, bias=bias)
                )
            case "Dense":
                stack.append(nn.Linear(inputs[-1], settings["units"]))
            case "BatchNormalization" | "FusedBatchNormalization":
                stack.append(nn.BatchNorm2d(inputs[-1], momentum=1 - settings["momentum"]))
            case "MaxPooling2D":
                stack.append(nn.MaxPool2d(2))
            case "GlobalAveragePooling2D":
                stack += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            case "Flatten":
                stack.append(nn.Flatten())
            case "Dropout":
                stack.append(nn.Dropout(settings["rate"]))
            case "ReLU":
                stack.append(nn.ReLU())
        if settings.get("activation") in ("relu", "tanh"):
            stack.append({"relu": nn.ReLU(), "tanh": nn.Tanh()}[settings["activation"]])
    network = nn.Sequential(*stack).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters())
    loss = nn.CrossEntropyLoss()
    labels = torch.from_numpy(part.labels[:count].astype(np.int64))
    low = precision == "mixed_bfloat16"

    def step() -> None:
        for start in range(0, count, batch_size):
            chosen = np.s_[start : start + batch_size]
            pixels = torch.from_numpy(part.images[:count][chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                found = loss(network(pixels.contiguous(memory_format=torch.channels_last)), labels[chosen])
            optimizer.zero_grad()
            found.backward()
            optimizer.step()

    return step


def benchmark_time_to(accuracy: float, part: Part, validation: Part) -> str:
    """Return after how many seconds of training our network's quickest recipe reaches a validation accuracy.

    That recipe is the rung of the ladder below those that make cellnet bear other acquisitions and train it longer.
    """
    recipe = replace(RECIPES["muon"], epochs=SHORT_TRAINING)
    with TemporaryDirectory() as folder:
        history = train(recipe, 0, part, validation, Path(folder)).history()
    lines = [
        f"epoch {epoch:2}: {seconds:6.1f} s, validation accuracy {value:.4f}"
        for epoch, seconds, value in zip(
            history.index, history["seconds"].cumsum(), history["val_accuracy"], strict=True
        )
    ]
    reached = history["val_accuracy"] >= accuracy
    when = f"{history['seconds'].cumsum()[reached.idxmax()]:.0f} s" if reached.any() else "never"
    return "\n".join([*lines, f"{accuracy} reached after: {when} (n = {len(validation.labels):,})"])
