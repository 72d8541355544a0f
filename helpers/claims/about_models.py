"""The claims about the models: C08 to C12 and C14 to C16. Each function's docstring is its rule."""

import pandas as pd

from helpers.claims.findings import (
    CONFIRMED,
    NOT_CONFIRMED,
    REFUTED,
    REPORTED,
    RESERVED,
    UNDECIDED,
    WIDEST_INTERVAL,
    Findings,
    Verdict,
    with_interval,
)
from helpers.evaluation import counted, is_larger, p_words, paired
from helpers.recipes import CHANGES


def _accuracy(f: Findings, model: str, on_validation: bool) -> Verdict:
    if model not in f.scores:
        return f"{model} is not trained in this profile", UNDECIDED
    test, validation = f.scores[model], f.validation_scores[model]
    measured = f"first seed, test {with_interval(test)}; validation {with_interval(validation)}"
    low, high = (validation if on_validation else test)["accuracy_ci95"]
    reported = REPORTED[model]
    if high - low > WIDEST_INTERVAL:
        return f"{measured}: too few images", UNDECIDED
    if low <= reported <= high:
        return measured, CONFIRMED
    if reported < low:
        return f"{measured}: higher than reported", RESERVED
    if model in f.undertrained:
        return f"{measured}: lower than reported, but {f.undertrained[model]}", UNDECIDED
    return f"{measured}: lower than reported", NOT_CONFIRMED


def forest(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if the test accuracy lies below the interval on validation images ("generalises
    well"). Cannot be decided where the interval is wider than 0.05.
    """
    measured, verdict = _accuracy(f, "forest", on_validation=True)
    generalises = f.scores["forest"]["accuracy"] >= f.validation_scores["forest"]["accuracy_ci95"][0]
    return measured, NOT_CONFIRMED if verdict != UNDECIDED and not generalises else verdict


def classic(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on test images, with reservation if below it.

    Not confirmed if it lies above. Cannot be decided where the interval is wider than 0.05, nor where the value lies
    above and the training is no fit to judge by (fewer images than there are, a single epoch, accuracy still rising, or
    less than half of that in training).
    """
    return _accuracy(f, "lenet_classic", on_validation=False)


def alexnet(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on test images.

    Where the same layers, trained differently (alexnet_fixed), lie above the reported value (95 %), the architecture is
    not at fault: refuted then, or confirmed with reservation where the value itself is reproduced. Else not confirmed;
    cannot be decided where the training is no fit to judge by (see C09) or the interval is wider than 0.05.
    """
    measured, verdict = _accuracy(f, "alexnet", on_validation=False)
    if "alexnet_fixed" in f.scores:
        measured += f"; alexnet_fixed, test {with_interval(f.scores['alexnet_fixed'])}"
    if "alexnet_fixed" in f.scores and f.scores["alexnet_fixed"]["accuracy_ci95"][0] > REPORTED["alexnet"]:
        return measured, RESERVED if verdict == CONFIRMED else REFUTED
    if "alexnet" in f.undertrained:
        if verdict != UNDECIDED:  # which says why already
            measured += f"; alexnet as printed cannot be judged: {f.undertrained['alexnet']}"
        return measured, UNDECIDED
    return measured, NOT_CONFIRMED if verdict == RESERVED else verdict


def custom(f: Findings) -> Verdict:
    """Confirmed if the reported value lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if another model of the original report is significantly better on test images;
    with reservation if not all of them are significantly worse, or if the training of one is no fit to judge by, which
    is then no rival (McNemar, Holm over all pairs of models, first seeds). Cannot be decided where the interval is
    wider than 0.05, nor where the value lies above and the training is no fit to judge by.
    """
    measured, verdict = _accuracy(f, "lenet_custom", on_validation=True)
    reported = [name for name in ("forest", "lenet_classic", "alexnet") if name in f.scores]
    verdicts = []
    for name in reported:
        if name in f.undertrained:
            measured += f"; {name} cannot be judged: {f.undertrained[name]}"
        else:
            words, against = _paired(f, "lenet_custom", name)
            measured += f"; against {name} {words}"
            verdicts.append(against)
    if verdict in (UNDECIDED, NOT_CONFIRMED) or REFUTED in verdicts:
        return measured, UNDECIDED if verdict == UNDECIDED else NOT_CONFIRMED
    return measured, verdict if verdicts.count(CONFIRMED) == len(reported) else RESERVED


def leak(f: Findings) -> Verdict:
    """Refuted as a measure of accuracy if images the model was trained on score above those it never saw (95 %)."""
    scores = f.leak_scores
    measured = "; ".join(f"{part} {with_interval(score)}" for part, score in scores.items())
    leaks = scores["train"]["accuracy_ci95"][0] > scores["test"]["accuracy_ci95"][1]
    low, high = scores["all images"]["accuracy_ci95"]
    if low <= 0.98 <= high:
        measured = f"the number is reproduced, on images most of which trained the model: {measured}"
    return measured, REFUTED if leaks else NOT_CONFIRMED


def scaling(f: Findings) -> Verdict:
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
        return "this profile does not train on raw pixels", UNDECIDED
    ours, raw = by_scaling["[-1, 1]"], by_scaling["raw"]

    def words(values: pd.Series) -> str:
        return f"{values.mean():.4f}" + (f" ± {values.std():.4f}" if len(values) > 1 else "")

    measured = "; ".join(
        f"{name}: {words(rows['speed'])}, falls {words(rows['falls'])}, last {words(rows['last'])}"
        for name, rows in by_scaling.items()
    )
    epochs = int(ours["epochs"].iloc[0])
    measured += f"; over {counted(epochs, 'epoch')}, mean ± sd over {counted(len(ours), 'seed')}"
    validation = f.validation_scores["lenet_classic"]
    least = 1.5 * max(validation["support"].values()) / validation["n"]
    has_learnt, raw_has_learnt = ours["last"].mean() > least, raw["last"].mean() > least
    if len(ours) < 2 or not has_learnt:
        return measured, UNDECIDED
    if is_larger(raw["speed"], ours["speed"]) or (raw_has_learnt and is_larger(ours["falls"], raw["falls"])):
        return measured, REFUTED
    is_faster = is_larger(ours["speed"], raw["speed"])
    is_steadier = not raw_has_learnt or is_larger(raw["falls"], ours["falls"])
    others = [rows for name, rows in by_scaling.items() if name not in ("[-1, 1]", "raw")]
    unmatched = all(is_larger(ours["speed"], rows["speed"]) for rows in others)
    if is_faster and is_steadier and unmatched:
        return measured, CONFIRMED
    return measured, RESERVED if is_faster or is_steadier else NOT_CONFIRMED


def changes(f: Findings) -> Verdict:
    """Each change is made on top of those before it, filters together with kernels; gains are on validation images.

    Max pooling, softmax, cross-entropy and Adam are in the report's classical LeNet already, so that the claim
    can be confirmed with reservation at best, namely if the 95 % interval of every gain (over seeds and images) lies
    above zero. Refuted if one lies below zero; not confirmed otherwise. Cannot be decided where a change is not trained
    alone.
    """
    ours = f.ladder.reindex(CHANGES).dropna(subset="gain")
    measured = "; ".join(
        "{}: {:+.2f} points [{:+.2f}, {:+.2f}]".format(
            row["change"], *(100 * row[["gain", "gain_low", "gain_high"]].astype(float))
        )
        for _, row in ours.iterrows()
    )
    if len(ours) < len(CHANGES):
        return (
            "the changes are not trained one by one in this profile; four of them are in the classical LeNet already",
            UNDECIDED,
        )
    images = f.validation_scores["lenet_custom"]["n"]
    seeds = int(ours["seeds"].min())
    measured += f"; {counted(seeds, 'seed')}, n = {images:,} validation images; "
    measured += "the other four are in the classical one already"
    if (ours["gain_high"] < 0).any():
        return measured, REFUTED
    return measured, RESERVED if (ours["gain_low"] > 0).all() else NOT_CONFIRMED


def network_wins(f: Findings) -> Verdict:
    """Confirmed if the custom LeNet beats the report's forest and our best hand-crafted model.

    By McNemar's test, Holm-corrected over all pairs of models, first seeds. With reservation if it beats the forest
    only, refuted if the forest beats it, not confirmed if neither beats the other. Cannot be decided where it does not
    beat the forest and its training is no fit to judge by.
    """
    forest, verdict = _paired(f, "lenet_custom", "forest")
    best, best_verdict = _paired(f, "lenet_custom", "handcrafted_best")
    measured = f"against the report's own forest {forest}; against a better hand-crafted model {best}"
    if verdict in (REFUTED, NOT_CONFIRMED) and "lenet_custom" in f.undertrained:
        return f"{measured}; lenet_custom cannot be judged: {f.undertrained['lenet_custom']}", UNDECIDED
    if verdict == CONFIRMED and best_verdict != CONFIRMED:
        return measured, RESERVED
    return measured, verdict


def _paired(f: Findings, a: str, b: str) -> Verdict:
    """Return how far ``a`` lies above ``b`` on the test split, and whether that is confirmed or its contrary is."""
    if a not in f.scores or b not in f.scores:
        return f"{a} or {b} is missing", UNDECIDED
    only_a, only_b, p = paired(f.pairs, a, b)
    n = f.scores[a]["n"]
    measured = f"{100 * (only_a - only_b) / n:+.2f} points (first seeds, {p_words(p)}, n = {n:,})"
    return measured, NOT_CONFIRMED if p >= 0.05 else CONFIRMED if only_a > only_b else REFUTED
