"""TensorFlow, started in one place: deterministic, on a fixed number of threads, without notices to the terminal."""

import logging
import os

from helpers.recipes import THREADS

os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(THREADS)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# TensorFlow's start heeds no log level: what it writes to the process's standard error is dropped
_terminal, _nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nothing, 2)
try:
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # else it warns of every network after the fifth
    tf.zeros(1)  # looks for a graphics card now, where nobody has to read about it
finally:
    os.dup2(_terminal, 2)
    os.close(_terminal)
    os.close(_nothing)

__all__ = ["keras", "tf"]
