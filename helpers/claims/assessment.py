"""The table of claims: every claim of the original report, its rule, and the verdict of this run.

Each claim is a function from the run's findings to what was measured and a verdict. Its docstring is the rule, which
the report prints beside the verdict. Synthetic images decide no claim.
"""

from collections.abc import Callable

import pandas as pd

from helpers.claims import about_data as data, about_models as models
from helpers.claims.findings import Assessment, Findings, Scores, Verdict
from helpers.evaluation import compute_ladder, compute_scalings, find_undertrained, score
from helpers.networks import Run
from helpers.recipes import TESTED_NETWORKS
from helpers.study import Study

CLAIMS: tuple[tuple[str, str, str, Callable[[Findings], Assessment], str], ...] = (
    ("C01", "There are 15,092 RGB images of 48×48 pixels in eight classes", "15,092 images", data.size,
     "table-validation"),
    ("C02", "Eosinophils, immature granulocytes and neutrophils (classes 1, 3 and 6) are the most frequent, platelets "
     "(class 7) are moderately frequent, and the others are rarer", "a count plot", data.frequencies,
     "fig-label-counts"),
    ("C03", "Most pairs of the extracted colour features correlate positively", "scatter plots", data.correlations,
     "fig-colour-correlations"),
    ("C04", "Mean black and mean white, the exception, correlate negatively", "a scatter plot",
     data.black_and_white, "fig-colour-correlations"),
    ("C05", "At similar red and green, some classes have visibly higher mean blue", "a scatter plot", data.blue,
     "fig-blue-residual"),
    ("C06", "Class 7, the platelets, is lighter (“smaller cells”)", "a scatter plot", data.platelets,
     "fig-grey-by-class"),
    ("C07", "Class 1, the eosinophils, is darker (“larger cells”)", "a scatter plot", data.eosinophils,
     "fig-grey-by-class"),
    ("C08", "The random forest on hand-crafted features generalises well", "87 % on validation images",
     models.forest, "table-test-scores"),
    ("C09", "Accuracy of the classical LeNet", "91 %", models.classic, "fig-model-comparison"),
    ("C10", "Accuracy of AlexNet-48, which was dropped for bad performance", "80 %", models.alexnet,
     "fig-model-comparison"),
    ("C11", "Accuracy of the custom LeNet, the best of the models tested", "94.0 % on validation images",
     models.custom, "fig-model-comparison"),
    ("C12", "Accuracy that test_model gives on the original data.npz", "98 %", models.leak, "table-leak"),
    ("C13", "The images come from an electron microscope", "stated", data.microscope, "fig-examples"),
    ("C14", "Scaling to [−1, 1] makes training faster and more stable", "stated", models.scaling,
     "table-input-scaling"),
    ("C15", "Each of the listed changes to LeNet helps", "stated", models.changes, "table-ladder"),
    ("C16", "The convolutional network beats the hand-crafted model", "94.0 % against 87 %", models.network_wins,
     "fig-differences"),
)  # fmt: skip
"""Identifier, claim, reported value, rule, and the figure or table that shows it."""


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
    """Return the table of claims, in order: id, claim, reported, measured, verdict, rule and evidence of each."""
    table = []
    for identifier, claim, reported, assess, evidence in CLAIMS:
        measured, verdict = assess(findings)
        verdict = Verdict.UNDECIDED if findings.study.cells.is_synthetic else verdict
        table.append(
            {
                "id": identifier,
                "claim": claim,
                "reported": reported,
                "measured": measured,
                "verdict": verdict.value,
                "rule": " ".join((assess.__doc__ or "").split()),
                "evidence": f"#{evidence}",
            }
        )
    return table
