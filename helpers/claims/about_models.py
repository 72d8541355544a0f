"""The claims about the models: C08 to C12 and C14 to C16. Their rules and sentences are in `claims.toml`."""

from helpers.claims.findings import REPORTED, Assessment, Findings, Verdict
from helpers.evaluation import is_larger
from helpers.notation import percent
from helpers.recipes import CHANGES


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
    by_scaling = dict(iter(f.scalings.groupby("scaling", sort=False)))
    if "raw" not in by_scaling:
        return {}, Verdict.UNDECIDED
    ours, raw = by_scaling["[-1, 1]"], by_scaling["raw"]
    speeds = [
        f"{percent(rows['speed'].mean())} on {f'{name} pixels' if name.isalpha() else f'pixels in {name}'}"
        for name, rows in by_scaling.items()
    ]
    values = {
        "speeds": [speed.replace("-", "\N{MINUS SIGN}") for speed in speeds],
        "epochs": int(ours["epochs"].iloc[0]),
        "seeds": len(ours),
        "falls": ours["falls"].mean(),
        "raw_falls": raw["falls"].mean(),
    }
    validation = f.validation_scores["lenet_classic"]
    least = 1.5 * max(validation["support"].values()) / validation["n"]
    raw_has_learned = raw["last"].mean() > least
    if len(ours) < 2 or not ours["last"].mean() > least:
        return values, Verdict.UNDECIDED
    if is_larger(raw["speed"], ours["speed"]) or (raw_has_learned and is_larger(ours["falls"], raw["falls"])):
        return values, Verdict.REFUTED
    is_faster = is_larger(ours["speed"], raw["speed"])
    is_steadier = not raw_has_learned or is_larger(raw["falls"], ours["falls"])
    others = [rows for name, rows in by_scaling.items() if name not in ("[-1, 1]", "raw")]
    if is_faster and is_steadier and all(is_larger(ours["speed"], rows["speed"]) for rows in others):
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
    if too_brief:
        return {"too_brief": too_brief}, Verdict.UNDECIDED
    is_best = best == Verdict.CONFIRMED
    return {"too_brief": False}, Verdict.RESERVED if forest == Verdict.CONFIRMED and not is_best else forest
