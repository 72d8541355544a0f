"""What a run has measured, and the words in which a claim is judged."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.data import Cells, Split

CONFIRMED = "confirmed"
RESERVED = "confirmed with reservation"
NOT_CONFIRMED = "not confirmed"
REFUTED = "refuted"
UNDECIDED = "cannot be decided on these data"

VERDICTS = (CONFIRMED, RESERVED, NOT_CONFIRMED, REFUTED, UNDECIDED)

REPORTED = {"forest": 0.87, "lenet_classic": 0.91, "alexnet": 0.80, "lenet_custom": 0.9397}
"""Model name -> accuracy in the original report; forest and lenet_custom on validation images, the others unknown."""

LARGEST_OF_EIGHT = 2.73
"""Standard errors that bound the largest of eight means with 95 % (Bonferroni)."""

WIDEST_INTERVAL = 0.05
"""Width of an accuracy's 95 % interval from which on it decides nothing."""

Verdict = tuple[str, str]
"""What was measured, in words, and one of the five verdicts."""


@dataclass(frozen=True)
class Findings:
    """What a run has measured.

    Parameters
    ----------
    cells, split : all images and their parts
    statistics : `helpers.study.development_statistics`, a row per training and validation image
    validation_scores : what `helpers.evaluation.score` says of the validation images, by model name
    is_sample : True where the profile uses only a sample of the images
    undertrained : networks trained too briefly to assess them, and why (`helpers.evaluation.convergence`)
    scores : what `helpers.evaluation.score` says of the test split, by model name
    pairs : `helpers.evaluation.compare_models` of their first seeds, every model against every other
    leak_scores : scores of ``lenet_custom`` on "train", "validation", "test" and "all images"
    ladder : `helpers.evaluation.ladder_table` of the rungs that were trained
    scalings : `helpers.evaluation.scaling_table` of the scalings that were trained
    """

    cells: Cells
    split: Split
    statistics: pd.DataFrame
    validation_scores: dict[str, dict[str, Any]]
    is_sample: bool
    undertrained: dict[str, str]
    scores: dict[str, dict[str, Any]]
    pairs: pd.DataFrame
    leak_scores: dict[str, dict[str, Any]]
    ladder: pd.DataFrame
    scalings: pd.DataFrame


def with_interval(score: dict[str, Any]) -> str:
    """Return accuracy, 95 % interval and n of a score as words."""
    low, high = score["accuracy_ci95"]
    return f"{score['accuracy']:.4f} [{low:.4f}, {high:.4f}], n = {score['n']:,}"
