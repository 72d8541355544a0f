"""TensorFlow, started in one place: deterministic, on a fixed number of threads, without notices to the terminal."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.recipes import THREADS

os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(THREADS)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def _silent_terminal() -> Iterator[None]:
    """Drop what is written to the process's standard error: TensorFlow's start heeds no log level."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


with _silent_terminal():
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # else it warns of every network after the fifth
    tf.zeros(1)  # looks for a graphics card now, where nobody has to read about it

__all__ = ["keras", "matrix_product_peak", "tf"]


def matrix_product_peak(precision: str, repeats: int = 8) -> float:
    """Return the FLOP/s of a product of two square matrices, the best of ``repeats``: what this machine can do.

    ``precision`` is that of a training: "float32" or "mixed_bfloat16".
    """
    size = 2048
    dtype = tf.bfloat16 if precision == "mixed_bfloat16" else tf.float32
    matrix = tf.cast(tf.fill((size, size), 0.5), dtype)
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        tf.reduce_max(tf.matmul(matrix, matrix)).numpy()
        seconds.append(time.perf_counter() - started)
    return float(2 * size**3 / min(seconds[1:]))
