"""Rooms of the blood-cell report; each notebook walks through a few of them, in one direction.

data -> preprocessing -> features / models -> training -> evaluation -> claims -> report
"""

import os

THREADS = 2
"""Threads of one training, on every machine: sums are taken in an order that depends on it, and so are last digits."""

# TensorFlow reads these when it starts, which is after this line: whoever imports a room imports this first.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(THREADS))
os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(THREADS))

# TensorFlow's notices about processor and graphics card would stand in every notebook; what matters is raised.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
