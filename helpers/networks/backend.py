"""TensorFlow, started in one place: deterministic, on a fixed number of threads, without notices to the terminal."""

import logging
import os
import re
from pathlib import Path

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

__all__ = ["keras", "multiplies_bfloat16", "tf"]


def multiplies_bfloat16() -> bool:
    """Return whether the processor, or a GPU, multiplies bfloat16 natively."""
    if tf.config.list_physical_devices("GPU"):
        return True
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and re.search("avx512_bf16|amx_bf16", cpuinfo.read_text()) is not None
