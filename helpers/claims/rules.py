"""The rules of the sixteen claims, applied to what a run has measured. Their words are in `claims.toml`."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import CLASS_NAMES
from helpers.evaluation import Scores, correlation_interval, paired_difference
from helpers.features import COLOURS, blue_residual
from helpers.notation import counted
from helpers.recipes import CHANGES
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


def size(f: Findings) -> Assessment:
    """Count the images, the classes and the exact copies (C01)."""
    n, classes = len(f.study.cells), len(np.unique(np.asarray(f.study.cells.labels)))
    copies = n - len(set(f.study.split.pixel_sha256))
    values = {"n": n, "classes": classes, "copies": copies}
    if n >= (f.study.profile.largest_sample or np.inf):
        return values, Verdict.UNDECIDED
    if (n, classes) != (15_092, 8):
        return values, Verdict.NOT_CONFIRMED
    return values, Verdict.RESERVED if copies else Verdict.CONFIRMED


def frequencies(f: Findings) -> Assessment:
    """Rank the classes by their number of images (C02)."""
    counts = np.bincount(np.asarray(f.study.cells.labels), minlength=len(CLASS_NAMES))
    holds = counts[[1, 3, 6]].min() > counts[7] > counts[[0, 2, 4, 5]].max()
    values = {"shown": [counted(counts[label], CLASS_NAMES[label]) for label in np.argsort(-counts, kind="stable")]}
    if not counts.all():
        return values, Verdict.UNDECIDED
    return values, Verdict.CONFIRMED if holds else Verdict.NOT_CONFIRMED


def correlations(f: Findings) -> Assessment:
    """Correlate the colour statistics pair by pair (C03)."""
    pairs = combinations(f.statistics[list(COLOURS)].to_numpy().T, 2)
    is_positive = [correlation_interval(a, b)[1] > 0 for a, b in pairs]
    values = {"positive": sum(is_positive), "pairs": len(is_positive)}
    return values, Verdict.CONFIRMED if np.mean(is_positive) > 0.5 else Verdict.NOT_CONFIRMED


def black_and_white(f: Findings) -> Assessment:
    """Correlate mean black with mean white (C04)."""
    both = f.statistics[["black", "white", "label"]].dropna()
    r, low, high = correlation_interval(both["black"].to_numpy(), both["white"].to_numpy())
    if np.isnan(r):
        return {}, Verdict.UNDECIDED
    within = [group["black"].corr(group["white"]) for _, group in both.groupby("label")]
    values = {"r": r, "low": low, "high": high, "n": len(both), "within": list(filter(np.isfinite, within))}
    return values, Verdict.CONFIRMED if high < 0 else Verdict.REFUTED if low > 0 else Verdict.NOT_CONFIRMED


def blue(f: Findings) -> Assessment:
    """Compare blue after a linear fit on red and green, among images with the more frequent background colour (C05)."""
    has_blue = f.statistics["has_blue_background"]
    chosen = has_blue == (has_blue.mean() > 0.5)  # the others would widen the deviation
    groups = blue_residual(f.statistics[chosen]).groupby(f.statistics["label"])
    means, errors, spread = groups.mean(), groups.sem().dropna(), float(np.sqrt(groups.var().mean()))
    if not spread > 1e-6:  # NaN, or no more than rounding leaves
        return {}, Verdict.UNDECIDED
    top = int(means[errors.index].idxmax())
    excess, error = means[top], errors[top]
    values = {"top": CLASS_NAMES[top], "excess": excess, "error": error, "spread": spread}
    values |= {"n": groups.size()[top], "left_out": (~chosen).sum()}
    if not excess > 2.73 * error:  # bounds the largest of eight means with 95 % (Bonferroni)
        return values, Verdict.NOT_CONFIRMED
    return values, Verdict.CONFIRMED if excess >= 0.5 * spread else Verdict.RESERVED


def _compare(f: Findings, column: str, label: int, sign: int) -> dict[str, Any]:
    """Return a class mean, n, and how many others it exceeds; its gap from their average with half the 95 % interval.

    ``sign`` is 1 where the mean should be higher than the others', -1 where it should be lower. ``is_apart`` says
    whether it differs so from each of them (95 %).
    """
    groups = f.statistics.groupby("label")[column]
    means, variances = groups.mean(), groups.sem() ** 2
    others = means.index != label
    gaps = sign * (means[label] - means[others])
    errors = 1.96 * np.sqrt(variances[label] + variances[others])
    error = 1.96 * np.sqrt(variances[label] + variances[others].sum() / others.sum() ** 2)
    values = {"mean": means[label], "n": groups.count()[label], "sign": sign, "gap": gaps.mean()}
    values |= {"error": error, "beaten": (gaps > 0).sum(), "others": len(gaps)}
    return values | {"is_apart": (gaps > errors).all()}


def lightness_and_size(f: Findings, label: int, sign: int) -> Assessment:
    """Assess whether a class is lighter and smaller (``sign`` 1, C06) or darker and larger (-1, C07) than others."""
    measurable = f.statistics.groupby("label")["dark_area"].count().reindex(range(8), fill_value=0)
    scarce = [f"{CLASS_NAMES[each]}s" for each in measurable.index[measurable < 2]]
    if scarce:
        return {"scarce": scarce}, Verdict.UNDECIDED
    grey, area = _compare(f, "grey", label, sign), _compare(f, "dark_area", label, -sign)
    values = {"scarce": scarce, "of_class": CLASS_NAMES[label], "grey": grey, "area": area}
    if grey["is_apart"] and area["is_apart"]:  # the size of eosinophils cannot be confirmed: see the rule
        return values, Verdict.CONFIRMED if sign > 0 else Verdict.RESERVED
    holds_on_average = all(each["gap"] > each["error"] > 0 for each in (grey, area))
    return values, Verdict.RESERVED if holds_on_average else Verdict.NOT_CONFIRMED


def microscope(f: Findings) -> Assessment:
    """Count the images that carry colour (C13)."""
    spread = np.ptp(f.statistics[["red", "green", "blue"]].to_numpy(), axis=1)
    coloured = float((spread > 5).mean())
    return {"coloured": coloured}, Verdict.REFUTED if coloured > 0.99 else Verdict.NOT_CONFIRMED


def accuracy(f: Findings, model: str, on_validation: bool) -> Assessment:
    """Compare the reported accuracy with our interval on validation or on test images (C09)."""
    low, high = (f.validation_scores if on_validation else f.scores)[model]["accuracy_ci95"]
    compared, reported = "validation" if on_validation else "test", REPORTED[model]
    values = {"model": model, "compared": compared, "position": "", "too_brief": False}
    if f.study.cells.is_synthetic:  # no number of blood cells stands beside theirs
        return values, Verdict.UNDECIDED
    if high - low > 0.05:
        return values | {"position": "unclear"}, Verdict.UNDECIDED
    if low <= reported <= high:
        return values, Verdict.CONFIRMED
    if reported < low:
        return values | {"position": "higher"}, Verdict.RESERVED
    too_brief = model in f.undertrained
    verdict = Verdict.UNDECIDED if too_brief else Verdict.NOT_CONFIRMED
    return values | {"position": "lower", "too_brief": too_brief}, verdict


def forest(f: Findings) -> Assessment:
    """Compare the reported validation accuracy of the forest with ours, and ours with the test accuracy (C08)."""
    values, verdict = accuracy(f, "forest", on_validation=True)
    generalises = f.scores["forest"]["accuracy"] >= f.validation_scores["forest"]["accuracy_ci95"][0]
    return values, Verdict.NOT_CONFIRMED if verdict != Verdict.UNDECIDED and not generalises else verdict


def alexnet(f: Findings) -> Assessment:
    """Compare the reported accuracy of AlexNet with our test accuracy, and with that of other training (C10)."""
    values, verdict = accuracy(f, "alexnet", on_validation=False)
    is_refuted = f.scores["alexnet_fixed"]["accuracy_ci95"][0] > REPORTED["alexnet"]
    # where the verdict is undecided already, the sentences say why
    too_brief = not is_refuted and "alexnet" in f.undertrained and verdict != Verdict.UNDECIDED
    values |= {"too_brief_to_refute": too_brief}
    if is_refuted:
        return values, Verdict.RESERVED if verdict == Verdict.CONFIRMED else Verdict.REFUTED
    if "alexnet" in f.undertrained:
        return values, Verdict.UNDECIDED
    return values, Verdict.NOT_CONFIRMED if verdict == Verdict.RESERVED else verdict


def custom(f: Findings) -> Assessment:
    """Compare the reported validation accuracy of the custom LeNet with ours, and the model with its rivals (C11)."""
    values, verdict = accuracy(f, "lenet_custom", on_validation=True)
    rivals = ("forest", "lenet_classic", "alexnet")
    verdicts = [f.compare("lenet_custom", name) for name in rivals if name not in f.undertrained]
    values |= {"rivals": rivals}
    if verdict != Verdict.UNDECIDED and Verdict.REFUTED in verdicts:
        return values, Verdict.NOT_CONFIRMED
    if verdict in (Verdict.UNDECIDED, Verdict.NOT_CONFIRMED):
        return values, verdict
    return values, verdict if verdicts == 3 * [Verdict.CONFIRMED] else Verdict.RESERVED


def leak(f: Findings) -> Assessment:
    """Compare the accuracy on images that trained the custom LeNet with that on images it never saw (C12)."""
    train, test, everything = (f.leak_scores[part]["accuracy_ci95"] for part in ("train", "test", "all images"))
    reproduced = everything[0] <= 0.98 <= everything[1] and not f.study.cells.is_synthetic
    return {"reproduced": reproduced}, Verdict.REFUTED if train[0] > test[1] else Verdict.NOT_CONFIRMED


def scaling(f: Findings) -> Assessment:
    """Compare the classical LeNet over epochs on pixels scaled in several ways (C14)."""
    from helpers.evaluation import is_larger  # loads TensorFlow, without which the page is rendered

    by_scaling = f.scalings.groupby("scaling", sort=False)
    groups = dict(iter(by_scaling))
    if "raw" not in groups:
        return {}, Verdict.UNDECIDED
    ours, raw = groups.pop("[-1, 1]"), groups.pop("raw")
    values = {"means": by_scaling.mean().to_dict(), "seeds": len(ours)}
    validation = f.validation_scores["lenet_classic"]
    least = 1.5 * max(validation["support"].values()) / validation["n"]
    raw_has_learned = raw["last"].mean() > least
    if len(ours) < 2 or not ours["last"].mean() > least:
        return values, Verdict.UNDECIDED
    if is_larger(raw["speed"], ours["speed"]) or (raw_has_learned and is_larger(ours["falls"], raw["falls"])):
        return values, Verdict.REFUTED
    is_faster = is_larger(ours["speed"], raw["speed"])
    is_steadier = not raw_has_learned or is_larger(raw["falls"], ours["falls"])
    if is_faster and is_steadier and all(is_larger(ours["speed"], other["speed"]) for other in groups.values()):
        return values, Verdict.CONFIRMED
    return values, Verdict.RESERVED if is_faster or is_steadier else Verdict.NOT_CONFIRMED


def changes(f: Findings) -> Assessment:
    """Look at the gain of each change, made on top of those before it (C15)."""
    ours = f.ladder.reindex(CHANGES).dropna(subset="gain")
    if len(ours) < len(CHANGES):
        return {}, Verdict.UNDECIDED
    above, below = int((ours["gain_low"] > 0).sum()), int((ours["gain_high"] < 0).sum())
    values = {"gains": list(ours["gain"]), "above": above, "below": below, "seeds": int(ours["seeds"].min())}
    if below:
        return values, Verdict.REFUTED
    return values, Verdict.RESERVED if above == len(ours) else Verdict.NOT_CONFIRMED


def network_wins(f: Findings) -> Assessment:
    """Compare the custom LeNet with both hand-crafted models (C16)."""
    forest, best = (f.compare("lenet_custom", name) for name in ("forest", "handcrafted_best"))
    too_brief = forest != Verdict.CONFIRMED and "lenet_custom" in f.undertrained
    verdict = Verdict.RESERVED if forest == Verdict.CONFIRMED != best else forest
    return {"too_brief": too_brief}, Verdict.UNDECIDED if too_brief else verdict
