"""What a run has measured, and the words for what follows from it."""

from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from helpers.evaluation import Scores, paired_difference
from helpers.notation import model_name, p_value, points, sentence
from helpers.study import Study


class Verdict(StrEnum):
    """What follows for a claim."""

    CONFIRMED = "confirmed"
    RESERVED = "confirmed with reservation"
    NOT_CONFIRMED = "not confirmed"
    REFUTED = "refuted"
    UNDECIDED = "cannot be decided on these data"


VERDICTS = tuple(map(str, Verdict))

Assessment = tuple[str, Verdict]
"""What was measured, in sentences, and the verdict."""

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

    def paired(self, a: str, b: str) -> Assessment:
        """Return how far ``a`` lies above ``b`` on the test split, and whether that is confirmed or its contrary is."""
        only_a, only_b, p = paired_difference(self.pairs, a, b)
        n, ours, other = self.scores[a]["n"], sentence(model_name(a)), model_name(b)
        gain, statistics = (only_a - only_b) / n, f"{p_value(p)}, n = {n:,}"
        if p >= 0.05:
            words = f"{ours} does not differ significantly from {other}"
            return f"{words} ({points(gain)}, {statistics}).", Verdict.NOT_CONFIRMED
        words = (
            f"{ours} is {100 * abs(gain):.1f} points {'more' if gain > 0 else 'less'} accurate than {other}"
        )
        return f"{words} ({statistics}).", Verdict.CONFIRMED if gain > 0 else Verdict.REFUTED
