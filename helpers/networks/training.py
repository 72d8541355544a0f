"""From a recipe, a seed and two parts of the data to a finished run: a folder that is whole or absent."""

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from helpers.data import Part
from helpers.files import code_key, key_of, unformatted
from helpers.networks.architectures import build
from helpers.networks.augmentation import FORMS, flip_and_turn, jitter_acquisition
from helpers.networks.backend import keras, tf
from helpers.networks.layers import with_fused_batch_norm
from helpers.networks.optimizers import ConvolutionMuon
from helpers.networks.runs import Run, computed_run
from helpers.recipes import BATCH, THREADS, Recipe

WEIGHT_DECAY = 0.05
"""Of AdamW and Muon, decoupled from the gradient (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

MUON_ADAM_RATIO = 0.3
"""Learning rate of the variables that are no kernels, as a part of Muon's."""

CODE = code_key("networks")
"""What a run's key says of the source and the libraries that train it."""


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
        # Two threads prepare them ahead and in order; with one, TensorFlow computed on half of two cores now and then.
        super().__init__(workers=2)
        self.part, self.recipe, self.seed = part, recipe, seed
        self.generator = np.random.default_rng(seed)
        self.epoch = 0  # Keras looks at its batches, ends it, and trains from epoch 1 on
        self._shuffle()

    def __len__(self) -> int:
        return -(-len(self.order) // self.recipe.batch_size)

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
        if self.recipe.acquisition_jitter:
            generator = np.random.default_rng((self.seed, self.epoch, index))
            images = jitter_acquisition(images, self.recipe.acquisition_jitter, generator)
        return images, self.part.labels[chosen]


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
    match recipe.optimizer:
        case "adam":
            return keras.optimizers.Adam(rate)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
        case "muon":
            return ConvolutionMuon(
                rate, weight_decay=WEIGHT_DECAY, adam_weight_decay=WEIGHT_DECAY, adam_lr_ratio=MUON_ADAM_RATIO
            )
    raise ValueError(f"optimizer {recipe.optimizer!r}: not known, expected adam, adamw or muon")


def run_key(recipe: Recipe, seed: int, train: Part, validation: Part) -> str:
    """Return the key of a run: it changes with recipe, seed, data, split, source and package versions."""
    precision = precision_of(recipe)
    return key_of(asdict(recipe), precision, seed, train.sha256, validation.sha256, THREADS, BATCH, CODE)


def train(recipe: Recipe, seed: int, train: Part, validation: Part, runs: Path) -> Run:
    """Return the finished run for these inputs: read from ``runs`` if nothing has changed, else trained now."""
    key = run_key(recipe, seed, train, validation)
    compute = partial(_train, recipe, seed, train, validation)
    return computed_run(runs, f"{recipe.name}-seed{seed}", key, compute, train, validation)


def precision_of(recipe: Recipe) -> str:
    """Return the Keras precision in which a recipe trains on this machine."""
    return fastest_precision() if recipe.mixed_precision else "float32"


def _scaling(scaling: str, images: np.ndarray) -> tuple[Any, Any]:
    """Return the factor and the offset that the first layer applies to pixels."""
    if scaling == "standardised":
        # counted by value: exact, and without a copy of the images in wide numbers
        counts = np.array([np.bincount(images[..., channel].ravel(), minlength=256) for channel in range(3)])
        mean = counts @ np.arange(256) / counts.sum(axis=1)
        square = (counts * (np.arange(256) - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
        deviation = np.sqrt(np.where(square > 0, square, 1))
        return (1 / deviation).tolist(), (-mean / deviation).tolist()
    return {"symmetric": (1 / 127.5, -1.0), "unit": (1 / 255, 0.0), "raw": (1.0, 0.0)}[scaling]


def _build(recipe: Recipe, images: np.ndarray, precision: str) -> keras.Model:
    keras.config.set_dtype_policy(precision)
    try:
        model = build(recipe.network)
    finally:
        keras.config.set_dtype_policy("float32")
    scale = model.get_layer("scale")
    scale.scale, scale.offset = _scaling(recipe.scaling, images)
    return model


def prepare(recipe: Recipe, seed: int, train: Part) -> tuple[keras.Model, keras.utils.PyDataset]:
    """Return the untrained network of a recipe, compiled, and the batches that train it."""
    keras.utils.set_random_seed(seed)
    model = with_fused_batch_norm(_build(recipe, train.images, precision_of(recipe)))
    batches = _Batches(train, recipe, seed)
    optimizer = _optimizer(recipe, recipe.epochs * len(batches))
    # One replica has nothing to sum, and TensorFlow's sum would keep every network ever trained in memory.
    optimizer._all_reduce_sum_gradients = list
    model.compile(
        optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=False,  # compiled kernels are not deterministic
    )
    # variables that exist before the first step spare TensorFlow a second trace of it
    optimizer.build(model.trainable_variables)
    return model, batches


def fit(
    model: keras.Model,
    batches: keras.utils.PyDataset,
    recipe: Recipe,
    validation: Part,
    weights: Path,
    progress: keras.callbacks.Callback,
) -> pd.DataFrame:
    """Train ``model`` and leave the weights in it that the recipe keeps; return one row per epoch.

    ``weights`` is where those of the best epoch lie meanwhile, a path that ends in .weights.h5.
    """
    callbacks = [progress]
    if recipe.keep_best_epoch:
        best = {"monitor": "val_accuracy", "mode": "max", "save_best_only": True, "save_weights_only": True}
        callbacks.append(keras.callbacks.ModelCheckpoint(unformatted(weights), **best))
    if recipe.patience is not None:
        callbacks.append(keras.callbacks.EarlyStopping("val_accuracy", patience=recipe.patience, mode="max"))
    fitted = model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(validation.images, validation.labels),
        validation_batch_size=BATCH,
        callbacks=callbacks,
        shuffle=False,  # the batches shuffle themselves
        verbose=0,
    )
    if recipe.keep_best_epoch:
        model.load_weights(weights)
        weights.unlink()
    history = pd.DataFrame(fitted.history).assign(seconds=progress.seconds)
    return history.set_index(pd.RangeIndex(1, len(history) + 1, name="epoch"))


def _train(
    recipe: Recipe, seed: int, train: Part, validation: Part, folder: Path
) -> tuple[dict[str, Any], np.ndarray]:
    """Train, save the network and its history in ``folder``; return the record and the validation probabilities."""
    keras.backend.clear_session()
    model, batches = prepare(recipe, seed, train)
    progress = _Progress(f"{recipe.name}, seed {seed}", recipe.epochs)
    started = time.perf_counter()
    history = fit(model, batches, recipe, validation, folder / "best.weights.h5", progress)
    seconds = time.perf_counter() - started
    best_epoch = int(history["val_accuracy"].argmax()) + 1 if recipe.keep_best_epoch else len(history)
    # The network that is kept is plain Keras in float32, whatever made its training fast.
    finished = _build(recipe, train.images, "float32")
    finished.set_weights(model.get_weights())
    finished.save(folder / "model.keras", include_optimizer=False)
    history.to_csv(folder / "history.csv", lineterminator="\n")
    probabilities = predict_probabilities(finished, validation.images)
    accuracy = np.mean(probabilities.argmax(axis=1) == validation.labels)
    progress.say(
        f"{recipe.name}, seed {seed}: trained in {seconds:.0f} s, validation accuracy "
        f"{accuracy:.4f} with the weights of epoch {best_epoch} of {len(history)}"
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
    starts = range(0, max(1, len(images)), BATCH)
    return np.concatenate([model.predict_on_batch(images[at : at + BATCH]) for at in starts])
