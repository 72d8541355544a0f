"""From a recipe, a seed and two parts of the data to a finished run: a folder that is whole or absent."""

import math
import re
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from helpers.cache_keys import code_key, key_of, source_files
from helpers.data import FORMS, Part, draw_cells, flip_and_turn, show_elsewhere
from helpers.networks.architectures import build, with_fused_batch_norm
from helpers.networks.backend import keras, tf
from helpers.networks.optimizers import optimizer_for
from helpers.networks.runs import Run, load_or_compute_run
from helpers.notation import MODEL_NAMES, percent
from helpers.recipes import BATCH, THREADS, Recipe

CODE = code_key("networks")
"""What a run's key says of the source and the libraries that train it."""


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled uint8 batches; nothing is converted before its batch is due."""

    def __init__(self, part: Part, recipe: Recipe, seed: int) -> None:
        # Two threads prepare them ahead and in order; with one, TensorFlow computed on half of two cores now and then.
        super().__init__(workers=2)
        self.part, self.recipe, self.seed = part, recipe, seed
        self.generator = np.random.default_rng(seed)
        self.epoch = 0  # Keras looks at its batches, ends it, and trains from epoch 1 on
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.recipe.batch_size)

    def on_epoch_end(self) -> None:
        # not at the beginning of the next one, when Keras' threads prepare batches already
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        count = len(self.part.labels)
        if self.epoch == 0 or self.epoch % FORMS == 1:
            # Each image goes through all its forms, in an order of its own, before one of them comes again.
            self.forms = self.generator.random((count, FORMS)).argsort(axis=1)
        self.order = self.generator.permutation(count)[: self.recipe.epoch_images]

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.recipe.batch_size : (index + 1) * self.recipe.batch_size]
        images = self.part.images[chosen]
        if self.recipe.flips_and_turns:
            images = flip_and_turn(images, self.forms[chosen, self.epoch % FORMS])
        if self.recipe.shown_elsewhere:
            generator = np.random.default_rng((self.seed, self.epoch, index))
            images = show_elsewhere(images, self.recipe.shown_elsewhere, generator, self.recipe.strength)
        return images, self.part.labels[chosen]


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """The seconds of each epoch, and in a notebook a line that is rewritten after each."""

    def __init__(self, title: str, epochs: int) -> None:
        super().__init__()
        self.title, self.epochs = title, epochs
        self.seconds: list[float] = []
        first = {"text/plain": f"{title}: epoch 1 of {epochs}"}
        self.line = display(first, raw=True, display_id=True) if get_ipython() else None

    def on_epoch_begin(self, epoch: int, logs: Any) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.seconds.append(time.perf_counter() - self.started)
        left = (self.epochs - epoch - 1) * np.mean(self.seconds)
        accuracy = f"validation accuracy {percent(logs['val_accuracy'])}"
        self.say(f"epoch {epoch + 1} of {self.epochs}, {accuracy}, about {left:.0f} s left")

    def say(self, words: str) -> None:
        if self.line:
            self.line.update({"text/plain": f"{self.title}: {words}"}, raw=True)


def run_name(recipe: Recipe, seed: int, train: Part, validation: Part) -> str:
    """Return the name of a run's folder: it changes with recipe, seed, data, split, source and package versions."""
    drawn = source_files("data/synthetic.py") if recipe.synthetic_images else {}
    inputs = (asdict(recipe), precision_of(recipe), seed, train.sha256, validation.sha256, drawn)
    return f"{recipe.name}-seed{seed}-{key_of(*inputs, THREADS, BATCH, CODE)}"


def train(recipe: Recipe, seed: int, train: Part, validation: Part, runs: Path) -> Run:
    """Return the finished run for these inputs: read from ``runs`` if nothing has changed, else trained now."""
    folder = runs / run_name(recipe, seed, train, validation)
    return load_or_compute_run(folder, partial(_train, recipe, seed, train, validation), train, validation)


def precision_of(recipe: Recipe) -> str:
    """Return the Keras precision in which a recipe trains here: bfloat16 if a GPU or the processor multiplies it."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    is_native = tf.config.list_physical_devices("GPU") or re.search("avx512_bf16|amx_bf16", flags)
    return "mixed_bfloat16" if recipe.mixed_precision and is_native else "float32"


def _build(recipe: Recipe, images: np.ndarray) -> keras.Model:
    """Return the untrained network of a recipe, its first layer set to the recipe's scaling of pixels."""
    model = build(recipe.network)
    scale = model.get_layer("scale")
    if recipe.scaling == "standardised":
        # counted by value: exact, and without a copy of the images in wide numbers
        counts = np.stack([np.bincount(channel, minlength=256) for channel in images.reshape(-1, 3).T])
        mean = counts @ np.arange(256) / counts.sum(axis=1)
        square = (counts * (np.arange(256) - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
        deviation = np.sqrt(np.where(square > 0, square, 1))
        scale.scale, scale.offset = (1 / deviation).tolist(), (-mean / deviation).tolist()
    else:
        known = {"symmetric": (1 / 127.5, -1.0), "unit": (1 / 255, 0.0), "raw": (1.0, 0.0)}
        scale.scale, scale.offset = known[recipe.scaling]
    return model


def prepare(recipe: Recipe, seed: int, train: Part) -> tuple[keras.Model, keras.utils.PyDataset]:
    """Return the untrained network of a recipe, compiled, and the batches that train it."""
    keras.utils.set_random_seed(seed)
    model = with_fused_batch_norm(_build(recipe, train.images), precision_of(recipe))
    if recipe.synthetic_images:
        drawn = draw_cells(recipe.synthetic_images, seed)
        train = Part(np.concatenate([train.images, drawn.images]), np.concatenate([train.labels, drawn.labels]))
    batches = _Batches(train, recipe, seed)
    model.compile(
        optimizer_for(recipe, steps=recipe.epochs * len(batches)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # compiled kernels are not deterministic
    )
    # variables that exist before the first step spare TensorFlow a second trace of it
    model.optimizer.build(model.trainable_variables)
    return model, batches


def fit(
    model: keras.Model, batches: keras.utils.PyDataset, recipe: Recipe, validation: Part, progress: Progress
) -> pd.DataFrame:
    """Train ``model`` and leave the weights in it that the recipe keeps; return one row per epoch."""
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy",
        mode="max",
        patience=recipe.patience or recipe.epochs,
        restore_best_weights=recipe.keep_best_epoch,
    )
    fitted = model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(validation.images, validation.labels),
        validation_batch_size=BATCH,
        callbacks=[progress, stopping],
        shuffle=False,  # the batches shuffle themselves
        verbose=0,
    )
    epochs = pd.RangeIndex(1, len(progress.seconds) + 1, name="epoch")
    return pd.DataFrame(fitted.history, epochs).assign(seconds=progress.seconds)


def _train(recipe: Recipe, seed: int, train: Part, validation: Part, folder: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Train, save the network and its history in ``folder``; return the record and the validation probabilities."""
    keras.backend.clear_session()
    model, batches = prepare(recipe, seed, train)
    progress = Progress(f"{MODEL_NAMES.get(recipe.name, recipe.name)} (seed {seed})", recipe.epochs)
    history = fit(model, batches, recipe, validation, progress)
    seconds = float(history["seconds"].sum())
    best_epoch = int(history["val_accuracy"].argmax()) + 1 if recipe.keep_best_epoch else len(history)
    # The network that is kept is plain Keras in float32, whatever made its training fast.
    finished = _build(recipe, train.images)
    finished.set_weights(model.get_weights())
    finished.save(folder / "model.keras", include_optimizer=False)
    history.to_csv(folder / "history.csv", lineterminator="\n")
    probabilities = predict_probabilities(finished, validation.images)
    accuracy = np.mean(probabilities.argmax(axis=1) == validation.labels)
    progress.say(
        f"trained in {seconds:.0f} s, validation accuracy {percent(accuracy)} "
        f"with the weights of epoch {best_epoch} of {len(history)}"
    )
    record = {
        "name": recipe.name,
        "seed": seed,
        "model_file": "model.keras",
        "recipe": asdict(recipe),
        "precision": precision_of(recipe),
        "epoch_images": len(batches.order),
        "params": model.count_params(),
        "epochs_run": len(history),
        "best_epoch": best_epoch,
        "train_seconds": round(seconds, 1),
        "threads": THREADS,
        "tensorflow": tf.__version__,
    }
    return record, probabilities


def predict_probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return (N, 8) float32 probabilities of uint8 images (N, 48, 48, 3)."""
    model.jit_compile = False
    # not `predict`, which takes 0.1 s for a single image
    starts = range(0, len(images), BATCH)
    return np.concatenate([model.predict_on_batch(images[at : at + BATCH]) for at in starts])
