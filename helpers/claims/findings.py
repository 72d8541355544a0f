"""What a run has measured, and what may follow from it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from helpers.evaluation import Scores, paired_difference
from helpers.study import Study


class Verdict(StrEnum):
    """What follows for a claim."""

    CONFIRMED = "confirmed"
    RESERVED = "confirmed with reservation"
    NOT_CONFIRMED = "not confirmed"
    REFUTED = "refuted"
    UNDECIDED = "cannot be decided on these data"


VERDICTS = tuple(map(str, Verdict))

Assessment = tuple[dict[str, Any], Verdict]
"""What was measured, by the names that the claim's sentences in `claims.toml` use, and the verdict."""

REPORTED = {"forest": 0.87, "lenet_classic": 0.91, "alexnet": 0.80, "lenet_custom": 0.9397}
"""Model name -> accuracy in the original report; forest and lenet_custom on validation images, the others unknown."""


@dataclass(frozen=True)
class Findings:
    """What a run has measured."""

    study: Study
    statistics: pd.DataFrame  # its `development_statistics`
    validation_scores: Scores
    undertrained: dict[str, str]  # the networks trained too briefly to assess them, and why
    scores: Scores  # on the test split
    pairs: pd.DataFrame  # `helpers.evaluation.compare_models` of the models of seed 0 on the test split
    leak_scores: Scores  # of lenet_custom on "train", "validation", "test" and "all images"
    ladder: pd.DataFrame  # of `helpers.evaluation.compute_ladder`
    scalings: pd.DataFrame  # of `helpers.evaluation.compute_scalings`

    def paired(self, a: str, b: str) -> tuple[float, float]:
        """Return how far the accuracy of ``a`` lies above that of ``b`` on the test split, and p."""
        only_a, only_b, p = paired_difference(self.pairs, a, b)
        return (only_a - only_b) / self.scores[a]["n"], p

    def compare(self, a: str, b: str) -> Verdict:
        """Return whether it is confirmed that ``a`` is more accurate than ``b`` on the test split, or its contrary."""
        gain, p = self.paired(a, b)
        return Verdict.NOT_CONFIRMED if p >= 0.05 else Verdict.CONFIRMED if gain > 0 else Verdict.REFUTED
