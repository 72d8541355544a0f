"""The claims about the models: C08 to C12 and C14 to C16. Their rules are in `claims.toml`."""

from helpers.claims.findings import REPORTED, Assessment, Findings, Verdict
from helpers.evaluation import is_larger
from helpers.notation import counted, listed, model_name, out_of, percent, sentence, signed, with_interval
from helpers.recipes import CHANGES


def _too_briefly(f: Findings, model: str) -> str:
    """Return why a model cannot be assessed, as a sentence after others."""
    return f" {sentence(model_name(model))} was trained too briefly, because {f.undertrained[model]}."


def accuracy(f: Findings, model: str, on_validation: bool) -> Assessment:
    """Compare the reported accuracy with our interval on validation or on test images (C09)."""
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
    """Compare the reported validation accuracy of the forest with ours, and ours with the test accuracy (C08)."""
    measured, verdict = accuracy(f, "forest", on_validation=True)
    generalises = f.scores["forest"]["accuracy"] >= f.validation_scores["forest"]["accuracy_ci95"][0]
    return measured, Verdict.NOT_CONFIRMED if verdict != Verdict.UNDECIDED and not generalises else verdict


def alexnet(f: Findings) -> Assessment:
    """Compare the reported accuracy of AlexNet with our test accuracy, and with that of other training (C10)."""
    measured, verdict = accuracy(f, "alexnet", on_validation=False)
    retrained = f.scores["alexnet_fixed"]
    measured += f" The retrained AlexNet reaches a test accuracy of {with_interval(retrained)}."
    if retrained["accuracy_ci95"][0] > REPORTED["alexnet"]:
        return measured, Verdict.RESERVED if verdict == Verdict.CONFIRMED else Verdict.REFUTED
    if "alexnet" in f.undertrained:
        is_said = verdict == Verdict.UNDECIDED  # which says why already
        return measured + ("" if is_said else _too_briefly(f, "alexnet")), Verdict.UNDECIDED
    return measured, Verdict.NOT_CONFIRMED if verdict == Verdict.RESERVED else verdict


def custom(f: Findings) -> Assessment:
    """Compare the reported validation accuracy of the custom LeNet with ours, and the model with its rivals (C11)."""
    measured, verdict = accuracy(f, "lenet_custom", on_validation=True)
    verdicts = []
    for name in ("forest", "lenet_classic", "alexnet"):
        if name in f.undertrained:
            measured += _too_briefly(f, name)
        else:
            words, against = f.paired("lenet_custom", name)
            measured += f" {words}"
            verdicts.append(against)
    if verdict in (Verdict.UNDECIDED, Verdict.NOT_CONFIRMED) or Verdict.REFUTED in verdicts:
        return measured, Verdict.UNDECIDED if verdict == Verdict.UNDECIDED else Verdict.NOT_CONFIRMED
    return measured, verdict if verdicts == 3 * [Verdict.CONFIRMED] else Verdict.RESERVED


def leak(f: Findings) -> Assessment:
    """Compare the accuracy on images that trained the custom LeNet with that on images it never saw (C12)."""
    train, test, everything = (f.leak_scores[part] for part in ("train", "test", "all images"))
    low, high = everything["accuracy_ci95"]
    measured = f"The custom LeNet reaches {with_interval(everything)} on all images, mostly training images."
    if low <= 0.98 <= high and not f.study.cells.is_synthetic:
        measured += " This reproduces the reported accuracy."
    measured += f" It reaches {with_interval(train)} on the training images. "
    measured += f"On the test images, which it never saw, it reaches {with_interval(test)}."
    leaks = train["accuracy_ci95"][0] > test["accuracy_ci95"][1]
    return measured, Verdict.REFUTED if leaks else Verdict.NOT_CONFIRMED


def scaling(f: Findings) -> Assessment:
    """Compare the classical LeNet over epochs on pixels scaled in several ways (C14)."""
    by_scaling = dict(iter(f.scalings.groupby("scaling", sort=False)))
    if "raw" not in by_scaling:
        return "This profile trains no network on raw pixels.", Verdict.UNDECIDED
    speeds = (
        f"{percent(rows['speed'].mean())} on {f'{name} pixels' if name.isalpha() else f'pixels in {name}'}"
        for name, rows in by_scaling.items()
    )
    ours, raw = by_scaling["[-1, 1]"], by_scaling["raw"]
    falls = [f"{100 * rows['falls'].mean():.1f} points" for rows in (ours, raw)]
    over = f"{counted(int(ours['epochs'].iloc[0]), 'epoch')} and {counted(len(ours), 'seed')}"
    measured = f"Validation accuracy averages {listed(speeds)}, over {over}. Falls between epochs add up "
    measured += f"to {falls[0]} on pixels in [-1, 1] and {falls[1]} on raw pixels."
    measured = measured.replace("-", "−")
    validation = f.validation_scores["lenet_classic"]
    least = 1.5 * max(validation["support"].values()) / validation["n"]
    raw_has_learned = raw["last"].mean() > least
    if len(ours) < 2 or not ours["last"].mean() > least:
        return measured, Verdict.UNDECIDED
    if is_larger(raw["speed"], ours["speed"]) or (raw_has_learned and is_larger(ours["falls"], raw["falls"])):
        return measured, Verdict.REFUTED
    is_faster = is_larger(ours["speed"], raw["speed"])
    is_steadier = not raw_has_learned or is_larger(raw["falls"], ours["falls"])
    others = [rows for name, rows in by_scaling.items() if name not in ("[-1, 1]", "raw")]
    if is_faster and is_steadier and all(is_larger(ours["speed"], rows["speed"]) for rows in others):
        return measured, Verdict.CONFIRMED
    return measured, Verdict.RESERVED if is_faster or is_steadier else Verdict.NOT_CONFIRMED


def changes(f: Findings) -> Assessment:
    """Look at the gain of each change, made on top of those before it (C15)."""
    ours = f.ladder.reindex(CHANGES).dropna(subset="gain")
    if len(ours) < len(CHANGES):
        return "This profile does not train the changes one by one.", Verdict.UNDECIDED
    gains, losses = int((ours["gain_low"] > 0).sum()), int((ours["gain_high"] < 0).sum())
    n, seeds = f.validation_scores["lenet_custom"]["n"], counted(int(ours["seeds"].min()), "seed")
    lowest, highest = (signed(100 * gain) for gain in (ours["gain"].min(), ours["gain"].max()))
    above, below = (out_of(count, len(ours), "change") for count in (gains, losses))
    measured = f"The gains in accuracy range from {lowest} to {highest} points ({seeds}, n = {n:,}). "
    measured += f"The 95 % interval lies above zero for {above} and below zero for {below}. "
    measured += "The classical LeNet has the other four listed changes already."
    if losses:
        return measured, Verdict.REFUTED
    return measured, Verdict.RESERVED if gains == len(ours) else Verdict.NOT_CONFIRMED


def network_wins(f: Findings) -> Assessment:
    """Compare the custom LeNet with both hand-crafted models (C16)."""
    forest, verdict = f.paired("lenet_custom", "forest")
    best, best_verdict = f.paired("lenet_custom", "handcrafted_best")
    measured = f"{forest} {best}"
    if verdict in (Verdict.REFUTED, Verdict.NOT_CONFIRMED) and "lenet_custom" in f.undertrained:
        return measured + _too_briefly(f, "lenet_custom"), Verdict.UNDECIDED
    if verdict == Verdict.CONFIRMED and best_verdict != Verdict.CONFIRMED:
        return measured, Verdict.RESERVED
    return measured, verdict
