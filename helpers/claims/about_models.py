"""The claims about the models: C08 to C12 and C14 to C16. Each function's docstring is its rule."""

import pandas as pd

from helpers.claims.findings import REPORTED, Assessment, Findings, Verdict
from helpers.evaluation import is_larger, paired_difference
from helpers.notation import counted, model_name, p_value, points, sentence, signed, with_interval
from helpers.recipes import CHANGES


def _too_briefly(f: Findings, model: str) -> str:
    """Return why a model cannot be assessed, as a sentence after others."""
    return f" {sentence(model_name(model))} was trained too briefly, because {f.undertrained[model]}."


def _accuracy(f: Findings, model: str, on_validation: bool) -> Assessment:
    """Compare the reported accuracy with our interval on validation or on test images."""
    test, validation = f.scores[model], f.validation_scores[model]
    measured = f"Validation accuracy is {with_interval(validation)}. Test accuracy is {with_interval(test)}."
    low, high = (validation if on_validation else test)["accuracy_ci95"]
    reported, compared = REPORTED[model], "validation" if on_validation else "test"
    if f.study.cells.is_synthetic:  # no number of blood cells stands beside theirs
        return measured, Verdict.UNDECIDED
    if high - low > 0.05:
        return f"{measured} There are too few images to decide.", Verdict.UNDECIDED
    if low <= reported <= high:
        return measured, Verdict.CONFIRMED
    if reported < low:
        return f"{measured} The {compared} accuracy is higher than reported.", Verdict.RESERVED
    measured += f" The {compared} accuracy is lower than reported."
    if model in f.undertrained:
        return measured + _too_briefly(f, model), Verdict.UNDECIDED
    return measured, Verdict.NOT_CONFIRMED


def forest(f: Findings) -> Assessment:
    """Confirmed if the reported accuracy lies in our 95 % interval on validation images, with reservation if below it.

    Not confirmed if it lies above, or if the test accuracy lies below that interval, because the model then does not
    generalise well. Not decided if the interval is wider than 5 points.
    """
    measured, verdict = _accuracy(f, "forest", on_validation=True)
    generalises = f.scores["forest"]["accuracy"] >= f.validation_scores["forest"]["accuracy_ci95"][0]
    return measured, Verdict.NOT_CONFIRMED if verdict != Verdict.UNDECIDED and not generalises else verdict


def classic(f: Findings) -> Assessment:
    """Confirmed if the reported accuracy lies in our 95 % interval on test images, with reservation if below it.

    Not confirmed if it lies above. Not decided if the interval is wider than 5 points, or if the reported accuracy
    lies above it and the network was trained too briefly. Too briefly means on fewer images than there are, for a
    single epoch, with its accuracy still rising, or with less than half of its training accuracy in validation.
    """
    return _accuracy(f, "lenet_classic", on_validation=False)


def alexnet(f: Findings) -> Assessment:
    """Confirmed if the reported accuracy lies in our 95 % interval on test images, and not confirmed otherwise.

    If the same layers, retrained in another way, lie above the reported accuracy (95 %), the architecture is not at
    fault. The claim is then refuted, or confirmed with reservation if the reported accuracy is reproduced. Otherwise
    not decided if the network was trained too briefly (see C09) or the interval is wider than 5 points.
    """
    measured, verdict = _accuracy(f, "alexnet", on_validation=False)
    retrained = f.scores["alexnet_fixed"]
    measured += f" The retrained AlexNet reaches a test accuracy of {with_interval(retrained)}."
    if retrained["accuracy_ci95"][0] > REPORTED["alexnet"]:
        return measured, Verdict.RESERVED if verdict == Verdict.CONFIRMED else Verdict.REFUTED
    if "alexnet" in f.undertrained:
        measured += (
            _too_briefly(f, "alexnet") if verdict != Verdict.UNDECIDED else ""
        )  # which says why already
        return measured, Verdict.UNDECIDED
    return measured, Verdict.NOT_CONFIRMED if verdict == Verdict.RESERVED else verdict


def custom(f: Findings) -> Assessment:
    """Confirmed if the reported accuracy lies in our 95 % interval on validation images and all other models are worse.

    The others are the forest, the classical LeNet and AlexNet, on test images (McNemar's test, Holm-corrected over all
    pairs of models). With reservation if the reported accuracy lies below the interval, or if one of them is not
    significantly worse or was trained too briefly. Not confirmed if the reported accuracy lies above, or if one of them
    is significantly better. Not decided if the interval is wider than 5 points, or if the reported accuracy lies above
    it and the custom LeNet was trained too briefly.
    """
    measured, verdict = _accuracy(f, "lenet_custom", on_validation=True)
    verdicts = []
    for name in ("forest", "lenet_classic", "alexnet"):
        if name in f.undertrained:
            measured += _too_briefly(f, name)
        else:
            words, against = _paired(f, "lenet_custom", name)
            measured += f" {words}"
            verdicts.append(against)
    if verdict in (Verdict.UNDECIDED, Verdict.NOT_CONFIRMED) or Verdict.REFUTED in verdicts:
        return measured, Verdict.UNDECIDED if verdict == Verdict.UNDECIDED else Verdict.NOT_CONFIRMED
    return measured, verdict if verdicts == 3 * [Verdict.CONFIRMED] else Verdict.RESERVED


def leak(f: Findings) -> Assessment:
    """Refuted as a measure of accuracy if images that trained the model score above those it never saw (95 %).

    Otherwise not confirmed.
    """
    train, test, everything = (f.leak_scores[part] for part in ("train", "test", "all images"))
    low, high = everything["accuracy_ci95"]
    measured = (
        f"The custom LeNet reaches {with_interval(everything)} on all images, most of which trained it."
    )
    if low <= 0.98 <= high and not f.study.cells.is_synthetic:
        measured += " This reproduces the reported accuracy."
    measured += f" It reaches {with_interval(train)} on the training images. "
    measured += f"On the test images, which it never saw, it reaches {with_interval(test)}."
    leaks = train["accuracy_ci95"][0] > test["accuracy_ci95"][1]
    return measured, Verdict.REFUTED if leaks else Verdict.NOT_CONFIRMED


def scaling(f: Findings) -> Assessment:
    """Faster means a higher validation accuracy averaged over epochs, and more stable means smaller falls between them.

    Confirmed if pixels in [−1, 1] are better than raw pixels in both and faster than [0, 1] and standardised pixels
    (classical LeNet, Welch's t-test over seeds, p < 0.05). With reservation if they are better than raw pixels in one
    only, or not faster than all others. Refuted if raw pixels are better in either, and not confirmed otherwise. Only
    epochs that all runs reached are compared. Learning means a last accuracy of at least 1.5 times the share of the
    largest class. Without learning on [−1, 1], or with fewer than two seeds, the claim is not decided. Without
    learning, raw pixels do not count as stable.
    """
    by_scaling = dict(iter(f.scalings.groupby("scaling", sort=False)))
    if "raw" not in by_scaling:
        return "This profile trains no network on raw pixels.", Verdict.UNDECIDED

    def words(values: pd.Series, unit: str) -> str:
        spread = f" ± {100 * values.std():.1f}" if len(values) > 1 else ""
        return f"{100 * values.mean():.1f}{spread} {unit}"

    measured = ""
    for name, rows in by_scaling.items():
        pixels = f"{name} pixels" if name.isalpha() else f"pixels in {name.replace('-', '−')}"
        measured += f"On {pixels}, validation accuracy averages {words(rows['speed'], '%')}"
        if name in ("[-1, 1]", "raw"):
            measured += f", falls by {words(rows['falls'], 'points')} and ends at {words(rows['last'], '%')}"
        measured += ". "
    ours, raw = by_scaling.pop("[-1, 1]"), by_scaling.pop("raw")
    over = f"{counted(int(ours['epochs'].iloc[0]), 'epoch')} and {counted(len(ours), 'seed')}"
    measured += f"Each number covers {over}" + (" (mean ± standard deviation)." if len(ours) > 1 else ".")
    validation = f.validation_scores["lenet_classic"]
    least = 1.5 * max(validation["support"].values()) / validation["n"]
    raw_has_learned = raw["last"].mean() > least
    if len(ours) < 2 or not ours["last"].mean() > least:
        return measured, Verdict.UNDECIDED
    if is_larger(raw["speed"], ours["speed"]) or (raw_has_learned and is_larger(ours["falls"], raw["falls"])):
        return measured, Verdict.REFUTED
    is_faster = is_larger(ours["speed"], raw["speed"])
    is_steadier = not raw_has_learned or is_larger(raw["falls"], ours["falls"])
    unmatched = all(is_larger(ours["speed"], rows["speed"]) for rows in by_scaling.values())
    if is_faster and is_steadier and unmatched:
        return measured, Verdict.CONFIRMED
    return measured, Verdict.RESERVED if is_faster or is_steadier else Verdict.NOT_CONFIRMED


def changes(f: Findings) -> Assessment:
    """Confirmed with reservation if the 95 % interval of every gain lies above zero, and refuted if one lies below.

    Each change is made on top of those before it, filters together with kernels, and gains are measured on validation
    images. Full confirmation is not possible, because max pooling, softmax, cross-entropy and Adam are in the original
    report's classical LeNet already. Not confirmed otherwise, and not decided if a change is not trained alone.
    """
    ours = f.ladder.reindex(CHANGES).dropna(subset="gain")
    if len(ours) < len(CHANGES):
        return "This profile does not train the changes one by one.", Verdict.UNDECIDED
    gains, losses = int((ours["gain_low"] > 0).sum()), int((ours["gain_high"] < 0).sum())
    n, seeds = f.validation_scores["lenet_custom"]["n"], counted(int(ours["seeds"].min()), "seed")
    lowest, highest = (signed(100 * gain) for gain in (ours["gain"].min(), ours["gain"].max()))
    measured = f"The changes in accuracy range from {lowest} to {highest} points ({seeds}, n = {n:,}). "
    measured += (
        f"Their 95 % interval lies above zero for {gains} of {len(ours)} and below zero for {losses}. "
    )
    measured += "The classical LeNet has the other four listed changes already."
    if losses:
        return measured, Verdict.REFUTED
    return measured, Verdict.RESERVED if gains == len(ours) else Verdict.NOT_CONFIRMED


def network_wins(f: Findings) -> Assessment:
    """Confirmed if the custom LeNet beats the original random forest and our support vector machine on test images.

    With reservation if it beats the forest only, refuted if the forest beats it, and not confirmed if neither beats the
    other (McNemar's test, Holm-corrected over all pairs of models). Not decided if the custom LeNet does not beat the
    forest and was trained too briefly.
    """
    forest, verdict = _paired(f, "lenet_custom", "forest")
    best, best_verdict = _paired(f, "lenet_custom", "handcrafted_best")
    measured = f"{forest} {best}"
    if verdict in (Verdict.REFUTED, Verdict.NOT_CONFIRMED) and "lenet_custom" in f.undertrained:
        return measured + _too_briefly(f, "lenet_custom"), Verdict.UNDECIDED
    if verdict == Verdict.CONFIRMED and best_verdict != Verdict.CONFIRMED:
        return measured, Verdict.RESERVED
    return measured, verdict


def _paired(f: Findings, a: str, b: str) -> Assessment:
    """Return how far ``a`` lies above ``b`` on the test split, and whether that is confirmed or its contrary is."""
    only_a, only_b, p = paired_difference(f.pairs, a, b)
    n = f.scores[a]["n"]
    gain, statistics = (only_a - only_b) / n, f"{p_value(p)}, n = {n:,}"
    if p >= 0.05:
        words = f"No difference between {model_name(a)} and {model_name(b)} is shown"
        return f"{words} ({points(gain)}, {statistics}).", Verdict.NOT_CONFIRMED
    words = f"{sentence(model_name(a))} is {100 * abs(gain):.1f} points {'better' if gain > 0 else 'worse'}"
    return f"{words} than {model_name(b)} ({statistics}).", Verdict.CONFIRMED if gain > 0 else Verdict.REFUTED
