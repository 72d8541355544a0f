"""Which images a model gets wrong, and which ones every model gets wrong: there the label itself is in doubt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.cells import CLASS_NAMES


def worst_errors(labels: np.ndarray, probabilities: np.ndarray, count: int = 12) -> np.ndarray:
    """Return the positions of up to ``count`` errors, the one surest of its wrong class first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order][:count]


def shared_errors(
    labels: np.ndarray, probabilities: dict[str, np.ndarray], index: np.ndarray
) -> pd.DataFrame:
    """Return the images that every model gets wrong, the least probable label first: candidates for a wrong label.

    Parameters
    ----------
    labels : (N,) classes the images are said to be
    probabilities : (N, 8) by model name
    index : (N,) position of each image in the data, from 0

    Returns
    -------
    One row per image: ``index``, ``true class``, by model name the class it says, ``same answer`` (whether all
    models say the same), ``p(true class)`` (mean over the models)
    """
    said = {name: values.argmax(axis=1) for name, values in probabilities.items()}
    everywhere = np.flatnonzero(np.all([answer != labels for answer in said.values()], axis=0))
    names = np.array(CLASS_NAMES)
    answers = np.array([answer[everywhere] for answer in said.values()])
    p_true = np.mean([values[np.arange(len(labels)), labels] for values in probabilities.values()], axis=0)
    table = pd.DataFrame(
        {
            "index": index[everywhere],
            "true class": names[labels[everywhere]],
            **{name: names[answer[everywhere]] for name, answer in said.items()},
            "same answer": np.all(answers == answers[0], axis=0),
            "p(true class)": p_true[everywhere],
        }
    )
    return table.sort_values("p(true class)", kind="stable").reset_index(drop=True)
