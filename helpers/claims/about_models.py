"""The claims about the models: C08 to C12 and C14 to C16. Each function's docstring is its rule."""

from typing import Any

import pandas as pd

from helpers.claims.findings import REPORTED, Findings, Judgement, Verdict
from helpers.evaluation import is_larger, paired_difference
from helpers.notation import counted, p_value
from helpers.recipes import CHANGES


def _with_interval(score: dict[str, Any]) -> str:
    """Return accuracy, 95 % interval and n of a score as words."""
    low, high = score["accuracy_ci95"]
    return f"{score['accuracy']:.4f} [{low:.4f}, {high:.4f}], n = {score['n']:,}"


def _accuracy(f: Findings, model: str, on_validation: bool) -> Judgement:
    test, validation = f.scores[model], f.validation_scores[model]
    measured = f"first seed, test {_with_interval(test)}; validation {_with_interval(validation)}"
    low, high = (validation if on_validation else test)["accuracy_ci95"]
    reported = REPORTED[model]
    if high - low > 0.05:
        return f"{measured}: too few images", Verdict.UNDECIDED
    if low <= reported <= high:
        return measured, Verdict.CONFIRMED
    if reported < low:
        return f"{measured}: higher than reported", Verdict.RESERVED
    if model in f.undertrained:
        return f"{measured}: lower than reported, but {f.undertrained[model]}", Verdict.UNDECIDED
    return f"{measured}: lower than reported", Verdict.NOT_CONFIRMED


def forest(f: Findings) -> Judgement:
    """Confirmed if the reported value lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if the test accuracy lies below the interval on validation images ("generalises
    well"). Cannot be decided where the interval is wider than 0.05.
    """
    measured, verdict = _accuracy(f, "forest", on_validation=True)
    generalises = f.scores["forest"]["accuracy"] >= f.validation_scores["forest"]["accuracy_ci95"][0]
    return measured, Verdict.NOT_CONFIRMED if verdict != Verdict.UNDECIDED and not generalises else verdict


def classic(f: Findings) -> Judgement:
    """Confirmed if the reported value lies in our 95 % interval on test images, with reservation if below it.

    Not confirmed if it lies above. Cannot be decided where the interval is wider than 0.05, nor where the value lies
    above and the training is no fit to judge by (fewer images than there are, a single epoch, accuracy still rising, or
    less than half of that in training).
    """
    return _accuracy(f, "lenet_classic", on_validation=False)


def alexnet(f: Findings) -> Judgement:
    """Confirmed if the reported value lies in our 95 % interval on test images.

    Where the same layers, trained differently (alexnet_fixed), lie above the reported value (95 %), the architecture is
    not at fault: refuted then, or confirmed with reservation where the value itself is reproduced. Else not confirmed;
    cannot be decided where the training is no fit to judge by (see C09) or the interval is wider than 0.05.
    """
    measured, verdict = _accuracy(f, "alexnet", on_validation=False)
    measured += f"; alexnet_fixed, test {_with_interval(f.scores['alexnet_fixed'])}"
    if f.scores["alexnet_fixed"]["accuracy_ci95"][0] > REPORTED["alexnet"]:
        return measured, Verdict.RESERVED if verdict == Verdict.CONFIRMED else Verdict.REFUTED
    if "alexnet" in f.undertrained:
        if verdict != Verdict.UNDECIDED:  # which says why already
            measured += f"; alexnet as printed cannot be judged: {f.undertrained['alexnet']}"
        return measured, Verdict.UNDECIDED
    return measured, Verdict.NOT_CONFIRMED if verdict == Verdict.RESERVED else verdict


def custom(f: Findings) -> Judgement:
    """Confirmed if the reported value lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if another model of the original report is significantly better on test images;
    with reservation if not all of them are significantly worse, or if the training of one is no fit to judge by, which
    is then no rival (McNemar, Holm over all pairs of models, first seeds). Cannot be decided where the interval is
    wider than 0.05, nor where the value lies above and the training is no fit to judge by.
    """
    measured, verdict = _accuracy(f, "lenet_custom", on_validation=True)
    verdicts = []
    for name in ("forest", "lenet_classic", "alexnet"):
        if name in f.undertrained:
            measured += f"; {name} cannot be judged: {f.undertrained[name]}"
        else:
            words, against = _paired(f, "lenet_custom", name)
            measured += f"; against {name} {words}"
            verdicts.append(against)
    if verdict in (Verdict.UNDECIDED, Verdict.NOT_CONFIRMED) or Verdict.REFUTED in verdicts:
        return measured, Verdict.UNDECIDED if verdict == Verdict.UNDECIDED else Verdict.NOT_CONFIRMED
    return measured, verdict if verdicts == 3 * [Verdict.CONFIRMED] else Verdict.RESERVED


def leak(f: Findings) -> Judgement:
    """Refuted as a measure of accuracy if images the model was trained on score above those it never saw (95 %)."""
    scores = f.leak_scores
    measured = "; ".join(f"{part} {_with_interval(score)}" for part, score in scores.items())
    leaks = scores["train"]["accuracy_ci95"][0] > scores["test"]["accuracy_ci95"][1]
    low, high = scores["all images"]["accuracy_ci95"]
    if low <= 0.98 <= high:
        measured = f"the number is reproduced, on images most of which trained the model: {measured}"
    return measured, Verdict.REFUTED if leaks else Verdict.NOT_CONFIRMED


def scaling(f: Findings) -> Judgement:
    """Faster is a higher validation accuracy averaged over epochs, more stable are smaller falls from one to the next.

    Epochs that a run did not get to, ending early, are left out of all.

    Confirmed if the classical LeNet on [-1, 1] beats itself on raw pixels in both beyond chance (Welch's t-test over
    seeds, p < 0.05); with reservation if only in one, or if [0, 1] or standardised pixels do no worse; refuted if raw
    pixels win in either. Nothing is learnt where the last accuracy stays under 1.5 times the share of the largest
    class: if that happens on [-1, 1], the claim cannot be decided, nor with fewer than two seeds; on raw pixels, no
    falls count as none of stability.
    """
    by_scaling = dict(iter(f.scalings.groupby("scaling", sort=False)))
    if "raw" not in by_scaling:
        return "this profile does not train on raw pixels", Verdict.UNDECIDED

    def words(values: pd.Series) -> str:
        return f"{values.mean():.4f}" + (f" ± {values.std():.4f}" if len(values) > 1 else "")

    measured = "; ".join(
        f"{name}: {words(rows['speed'])}, falls {words(rows['falls'])}, last {words(rows['last'])}"
        for name, rows in by_scaling.items()
    )
    ours, raw = by_scaling.pop("[-1, 1]"), by_scaling.pop("raw")
    epochs = int(ours["epochs"].iloc[0])
    measured += f"; over {counted(epochs, 'epoch')}, mean ± sd over {counted(len(ours), 'seed')}"
    validation = f.validation_scores["lenet_classic"]
    least = 1.5 * max(validation["support"].values()) / validation["n"]
    raw_has_learnt = raw["last"].mean() > least
    if len(ours) < 2 or not ours["last"].mean() > least:
        return measured, Verdict.UNDECIDED
    if is_larger(raw["speed"], ours["speed"]) or (raw_has_learnt and is_larger(ours["falls"], raw["falls"])):
        return measured, Verdict.REFUTED
    is_faster = is_larger(ours["speed"], raw["speed"])
    is_steadier = not raw_has_learnt or is_larger(raw["falls"], ours["falls"])
    unmatched = all(is_larger(ours["speed"], rows["speed"]) for rows in by_scaling.values())
    if is_faster and is_steadier and unmatched:
        return measured, Verdict.CONFIRMED
    return measured, Verdict.RESERVED if is_faster or is_steadier else Verdict.NOT_CONFIRMED


def changes(f: Findings) -> Judgement:
    """Each change is made on top of those before it, filters together with kernels; gains are on validation images.

    Max pooling, softmax, cross-entropy and Adam are in the report's classical LeNet already, so that the claim
    can be confirmed with reservation at best, namely if the 95 % interval of every gain (over seeds and images) lies
    above zero. Refuted if one lies below zero; not confirmed otherwise. Cannot be decided where a change is not trained
    alone.
    """
    ours = f.ladder.reindex(CHANGES).dropna(subset="gain")
    if len(ours) < len(CHANGES):
        why = "the changes are not trained one by one in this profile"
        return f"{why}; four of them are in the classical LeNet already", Verdict.UNDECIDED
    measured = "; ".join(
        f"{row.change}: {100 * row.gain:+.2f} points [{100 * row.gain_low:+.2f}, {100 * row.gain_high:+.2f}]"
        for row in ours.itertuples()
    )
    n, seeds = f.validation_scores["lenet_custom"]["n"], counted(int(ours["seeds"].min()), "seed")
    measured += f"; {seeds}, n = {n:,} validation images; the other four are in the classical one already"
    if (ours["gain_high"] < 0).any():
        return measured, Verdict.REFUTED
    return measured, Verdict.RESERVED if (ours["gain_low"] > 0).all() else Verdict.NOT_CONFIRMED


def network_wins(f: Findings) -> Judgement:
    """Confirmed if the custom LeNet beats the report's forest and our best hand-crafted model.

    By McNemar's test, Holm-corrected over all pairs of models, first seeds. With reservation if it beats the forest
    only, refuted if the forest beats it, not confirmed if neither beats the other. Cannot be decided where it does not
    beat the forest and its training is no fit to judge by.
    """
    forest, verdict = _paired(f, "lenet_custom", "forest")
    best, best_verdict = _paired(f, "lenet_custom", "handcrafted_best")
    measured = f"against the report's own forest {forest}; against a better hand-crafted model {best}"
    if verdict in (Verdict.REFUTED, Verdict.NOT_CONFIRMED) and "lenet_custom" in f.undertrained:
        measured += f"; lenet_custom cannot be judged: {f.undertrained['lenet_custom']}"
        return measured, Verdict.UNDECIDED
    if verdict == Verdict.CONFIRMED and best_verdict != Verdict.CONFIRMED:
        return measured, Verdict.RESERVED
    return measured, verdict


def _paired(f: Findings, a: str, b: str) -> Judgement:
    """Return how far ``a`` lies above ``b`` on the test split, and whether that is confirmed or its contrary is."""
    only_a, only_b, p = paired_difference(f.pairs, a, b)
    n = f.scores[a]["n"]
    measured = f"{100 * (only_a - only_b) / n:+.2f} points (first seeds, {p_value(p)}, n = {n:,})"
    if p >= 0.05:
        return measured, Verdict.NOT_CONFIRMED
    return measured, Verdict.CONFIRMED if only_a > only_b else Verdict.REFUTED
