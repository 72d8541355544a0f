"""From a recipe, a seed and two parts of the data to a finished run: a folder that is whole or absent."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from helpers.backend import THREADS, keras, tf
from helpers.models import BUILDERS
from helpers.preprocessing import Part
from helpers.runs import RECORD, Run, read_run, write_run
from helpers.storage import folder_written_atomically, key_of, source_key


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training, apart from seed and data.

    Adam, or AdamW where there is a ``weight_decay``; categorical cross-entropy on integer labels.
    ``patience`` epochs without a better validation accuracy end the training; the best epoch's weights stay.
    ``flips_and_turns`` shows each image in one of its eight mirrored and quarter-turned forms per epoch.
    """

    network: str
    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float | None = None
    cosine_decay: bool = False
    flips_and_turns: bool = False
    keep_best_epoch: bool = True
    patience: int | None = None
    precision: str = "float32"


def fastest_precision() -> str:
    """Return "mixed_bfloat16" where the processor, or a GPU, multiplies bfloat16 natively, else "float32"."""
    if tf.config.list_physical_devices("GPU"):
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled uint8 batches; nothing is converted before its batch is due."""

    def __init__(self, part: Part, recipe: Recipe, seed: int) -> None:
        super().__init__()
        self.part, self.recipe = part, recipe
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.part.labels) // self.recipe.batch_size)

    def on_epoch_end(self) -> None:
        self.order = self.generator.permutation(len(self.part.labels))
        self.turns = self.generator.integers(0, 8, len(self.order))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.s_[index * self.recipe.batch_size : (index + 1) * self.recipe.batch_size]
        images = self.part.images[self.order[chosen]]
        if self.recipe.flips_and_turns:
            images = flip_and_turn(images, self.turns[chosen])
        return images, self.part.labels[self.order[chosen]]


def flip_and_turn(images: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Return square images (N, S, S, C), each turned by ``turns`` quarter turns and mirrored from 4 on."""
    turned = np.empty_like(images)
    for turn in range(8):
        chosen = turns == turn
        view = np.rot90(images[chosen], turn % 4, axes=(1, 2))
        turned[chosen] = view[:, :, ::-1] if turn >= 4 else view
    return turned


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """One line in the notebook, rewritten after each epoch; silent outside notebooks."""

    def __init__(self, title: str, epochs: int) -> None:
        super().__init__()
        self.title, self.epochs = title, epochs
        self.seconds: list[float] = []
        self.handle: Any = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self.started)
        left = (self.epochs - epoch - 1) * sum(self.seconds) / len(self.seconds)
        accuracy = (logs or {}).get("val_accuracy", float("nan"))
        line = f"{self.title}: epoch {epoch + 1} of {self.epochs}, validation accuracy {accuracy:.4f}"
        self.say(f"{line}, about {left:.0f} s left" if left else line)

    def say(self, line: str) -> None:
        if get_ipython() is None:
            return
        bundle = {"text/plain": line}
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self.handle.update(bundle, raw=True)


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = recipe.learning_rate
    if recipe.cosine_decay:
        warmup = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warmup), warmup_target=recipe.learning_rate, warmup_steps=warmup
        )
    if recipe.weight_decay is not None:
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    return keras.optimizers.Adam(rate)


def run_key(recipe: Recipe, seed: int, train: Part, validation: Part) -> str:
    """Return the key of a run: it changes with recipe, seed, data, split, source and package versions."""
    versions = [tf.__version__, keras.__version__, np.__version__]
    source = source_key("backend", "models", "training")
    return key_of(asdict(recipe), seed, train.sha256, validation.sha256, THREADS, versions, source)


def train(recipe: Recipe, seed: int, train: Part, validation: Part, runs: Path) -> Run:
    """Return the finished run for these inputs: read from ``runs`` if nothing has changed, else trained now."""
    folder = runs / f"{recipe.network}-seed{seed}-{run_key(recipe, seed, train, validation)}"
    if not (folder / RECORD).exists():
        with folder_written_atomically(folder) as temporary:
            _train(recipe, seed, train, validation, temporary)
    return read_run(folder)


def _train(recipe: Recipe, seed: int, train: Part, validation: Part, folder: Path) -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(recipe.precision)
    try:
        model = BUILDERS[recipe.network]()
    finally:
        keras.config.set_dtype_policy("float32")
    batches = _Batches(train, recipe, seed)
    model.compile(
        _optimizer(recipe, recipe.epochs * len(batches)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # compiled kernels are not deterministic
    )
    progress = _Progress(f"{recipe.network}, seed {seed}", recipe.epochs)
    callbacks: list[keras.callbacks.Callback] = [progress]
    best = folder / "best.weights.h5"
    if recipe.keep_best_epoch:
        callbacks.append(
            keras.callbacks.ModelCheckpoint(
                best, monitor="val_accuracy", mode="max", save_best_only=True, save_weights_only=True
            )
        )
    if recipe.patience is not None:
        callbacks.append(keras.callbacks.EarlyStopping("val_accuracy", patience=recipe.patience, mode="max"))
    started = time.perf_counter()
    fitted = model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(validation.images, validation.labels),
        validation_batch_size=256,
        callbacks=callbacks,
        shuffle=False,  # the batches shuffle themselves
        verbose=0,
    )
    seconds = time.perf_counter() - started
    if recipe.keep_best_epoch:
        model.load_weights(best)
        best.unlink()
    probabilities = predict_probabilities(model, validation.images)
    history = pd.DataFrame(fitted.history).assign(seconds=progress.seconds)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    best_epoch = int(history["val_accuracy"].argmax()) + 1 if recipe.keep_best_epoch else len(history)

    model.save(folder / "model.keras", include_optimizer=False)
    history.to_csv(folder / "history.csv", lineterminator="\n")
    record = {
        "name": recipe.network,
        "seed": seed,
        "model_file": "model.keras",
        "recipe": asdict(recipe),
        "params": model.count_params(),
        "epochs_run": len(history),
        "best_epoch": best_epoch,
        "train_seconds": round(seconds, 1),
        "threads": THREADS,
        "tensorflow": tf.__version__,
    }
    record = write_run(folder, record, probabilities, train, validation)
    progress.say(
        f"{recipe.network}, seed {seed}: {len(history)} epochs in {seconds:.0f} s, "
        f"validation accuracy {record['val_accuracy']:.4f} with the weights of epoch {best_epoch}"
    )


def predict_probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return (N, 8) float32 probabilities of uint8 images (N, 48, 48, 3), 256 at a time."""
    batches = [
        np.asarray(model(images[start : start + 256], training=False)) for start in range(0, len(images), 256)
    ]
    return np.concatenate(batches).astype(np.float32)


def renew_batch_statistics(model: keras.Model, images: np.ndarray, batch_size: int = 64) -> None:
    """Replace the running averages of every batch normalisation by plain averages over batches of ``images``.

    The weights stay as they are. What changes tells how far the averages had lagged behind the training
    (Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.1).
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for count, start in enumerate(range(0, len(images), batch_size)):
        for norm in norms:
            norm.momentum = count / (count + 1)  # makes the running average the mean of all batches so far
        model(images[start : start + batch_size], training=True)
