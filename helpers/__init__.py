"""The rooms of the blood-cell report. Imports run one way, from the top of this list to its end.

cells           the value every room hands on: images, labels, where they came from
command_line    one line and exit code 2 for whatever cannot be used
storage         files that are whole or absent, keys that change with what they stand for
data            the door through which cells come in; behind it archives, folders, download, conversions,
                stored_arrays and synthetic (cells drawn by this project)
preprocessing   exact copies, the split, scaling, one-hot labels
audit           near copies and other defects
colour          the six colour statistics of the exploration
features        hand-made features, with shape_features behind them
classical       the forest and the best classical model
backend         TensorFlow, started deterministic and quiet
models          the networks
training        from a recipe and a seed to a finished run; runs reads and writes its folder
study           profiles: what is trained on what, loaded or computed
scoring         any saved model as a function from images to probabilities
evaluation      scores, intervals, paired tests
claims          the ledger and its rules
results         results.json and what stands beside it; provenance says where numbers come from
figures, plots  one look for all figures; the drawings
report          executed notebooks -> one HTML page, with markup behind it
run             the runner behind run_all.sh, with execution and progress; the other commands: test_model, compare,
                benchmark
"""

THREADS = 2
"""Threads of one training on every machine: the order of sums depends on it, and so do the last digits."""

__version__ = "0.1.0"
