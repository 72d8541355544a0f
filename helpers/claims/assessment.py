"""The table of claims: every claim of the original report, its rule, and the verdict of this run.

`claims.toml` holds the claims and their rules, which the report prints beside the verdicts, and the sentences for what
was measured. A function applies each rule to the run's findings. Synthetic images decide no claim.
"""

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from helpers.claims import rules
from helpers.claims.rules import Assessment, Findings, Verdict
from helpers.data import SIDE
from helpers.evaluation import Scores, compute_ladder, compute_scalings, find_undertrained, score
from helpers.notation import worded
from helpers.recipes import TESTED_NETWORKS
from helpers.study import Runs, Study

CLAIMS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))
"""Identifier -> claim, reported value, the anchor of its evidence, its rule, and its sentences as a template."""

_MACROS = CLAIMS.pop("shared")["macros"]

ASSESSMENTS: tuple[Callable[[Findings], Assessment], ...] = (
    *(rules.size, rules.frequencies, rules.correlations, rules.black_and_white, rules.blue),
    *(partial(rules.lightness_and_size, label=7, sign=1), partial(rules.lightness_and_size, label=1, sign=-1)),
    *(rules.forest, partial(rules.accuracy, model="lenet_classic", on_validation=False), rules.alexnet),
    *(rules.custom, rules.leak, rules.microscope, rules.scaling, rules.changes, rules.network_wins),
)
"""The functions that apply the rules, in the order of the claims."""


def gather_findings(study: Study, runs: Runs, scores: Scores, pairs: pd.DataFrame, leak_scores: Scores) -> Findings:
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
        scalings=compute_scalings(study),
    )


def assess_claims(findings: Findings) -> list[dict[str, str]]:
    """Return the table of claims, in order: id, claim, reported, measured, verdict, rule and evidence of each."""
    table = []
    for (identifier, claim), assess in zip(CLAIMS.items(), ASSESSMENTS, strict=True):
        values, verdict = assess(findings)
        measured = worded(_MACROS + claim["measured"], f=findings, SIDE=SIDE, **values)
        verdict = Verdict.UNDECIDED if findings.study.cells.is_synthetic else verdict
        assessed = {"measured": measured, "verdict": verdict.value, "evidence": f"#{claim['evidence']}"}
        table.append({"id": identifier} | claim | assessed | {"rule": " ".join(claim["rule"].split())})
    return table
