"""The ledger: every claim of the original report, the rule that judges it, and the verdict of this run.

Each claim is a function from the run's findings to (measured, verdict). Its docstring is the rule, and the
report prints it beside the verdict. One rule stands above all: drawn cells decide no claim about blood cells.
"""

from collections.abc import Callable

import pandas as pd

from helpers.claims import about_data as data, about_models as models
from helpers.claims.findings import Findings, Judgement, Scores, Verdict
from helpers.evaluation import compute_ladder, compute_scalings, find_undertrained, score
from helpers.networks import Run
from helpers.recipes import TESTED_NETWORKS
from helpers.study import Study

CLAIMS: tuple[tuple[str, str, str, Callable[[Findings], Judgement], str], ...] = (
    ("C01", "15,092 images, 48×48, RGB, eight classes", "15,092", data.size, "table-validation"),
    ("C02", "Classes 1, 3 and 6 are most frequent, 7 is moderate, the rest are less frequent", "a count plot",
     data.frequencies, "fig-label-counts"),
    ("C03", "Most pairs of the extracted colour features correlate positively", "scatter plots", data.correlations,
     "fig-colour-correlations"),
    ("C04", "… except mean black against mean white, which correlate negatively", "a scatter plot",
     data.black_and_white, "fig-colour-correlations"),
    ("C05", "At similar red and green, some classes have visibly higher mean blue", "a scatter plot", data.blue,
     "fig-blue-residual"),
    ("C06", "Class 7 is lighter (“smaller cells”)", "a scatter plot", data.platelets, "fig-grey-by-class"),
    ("C07", "Class 1 is darker (“larger cells”)", "a scatter plot", data.eosinophils, "fig-grey-by-class"),
    ("C08", "Random forest on hand-crafted features generalises well", "0.87 (validation)", models.forest,
     "table-test-scores"),
    ("C09", "Classical LeNet", "0.91", models.classic, "fig-model-comparison"),
    ("C10", "AlexNet-48, dropped for bad performance", "0.80", models.alexnet, "fig-model-comparison"),
    ("C11", "Custom LeNet, the best of those tested", "0.9397 (validation)", models.custom,
     "fig-model-comparison"),
    ("C12", "test_model on the original data.npz", "0.98", models.leak, "table-leak"),
    ("C13", "The images come from an electron microscope", "stated", data.microscope, "fig-examples"),
    ("C14", "Scaling to [-1, 1] makes training faster and more stable", "stated", models.scaling,
     "table-input-scaling"),
    ("C15", "Each listed LeNet change helps", "stated", models.changes, "table-ladder"),
    ("C16", "The CNN beats the hand-crafted model", "0.9397 against 0.87", models.network_wins,
     "table-mcnemar"),
)  # fmt: skip
"""Identifier, claim, reported value, judge, and the figure or table that shows it."""


def gather_findings(
    study: Study, runs: dict[str, list[Run]], scores: Scores, pairs: pd.DataFrame, leak_scores: Scores
) -> Findings:
    """Return what a run has measured: the given scores of test images, and what earlier chapters have kept."""
    known = {name: seeds[0].validation_probabilities() for name, seeds in runs.items()}
    return Findings(
        study=study,
        statistics=study.development_statistics(),
        validation_scores={name: score(study.validation.labels, each) for name, each in known.items()},
        undertrained=find_undertrained({name: runs[name] for name in TESTED_NETWORKS}),
        scores=scores,
        pairs=pairs,
        leak_scores=leak_scores,
        ladder=compute_ladder(study)[1],
        scalings=compute_scalings(study)[1],
    )


def assess_claims(findings: Findings) -> list[dict[str, str]]:
    """Return the ledger: id, claim, reported, measured, verdict, rule and evidence of every claim, in order."""
    ledger = []
    for identifier, claim, reported, judge, evidence in CLAIMS:
        measured, verdict = judge(findings)
        verdict = Verdict.UNDECIDED if findings.study.cells.is_synthetic else verdict
        ledger.append(
            {
                "id": identifier,
                "claim": claim,
                "reported": reported,
                "measured": measured,
                "verdict": verdict.value,
                "rule": " ".join((judge.__doc__ or "").split()),
                "evidence": f"#{evidence}",
            }
        )
    return ledger
