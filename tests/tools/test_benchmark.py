"""The benchmarks print what they measured, for every network, and refuse what they cannot use in one line."""

import numpy as np
import pytest

from helpers.data.split import Part
from helpers.recipes import TESTED_NETWORKS
from tools import benchmark


@pytest.fixture(scope="module")
def part() -> Part:
    labels = np.tile(np.arange(8), 2).astype(np.uint8)
    return Part(np.random.default_rng(0).integers(0, 256, (16, 48, 48, 3), dtype=np.uint8), labels)


def test_every_network_has_a_speed_and_a_share_of_the_matrix_product(part: Part, monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "TESTED_NETWORKS", TESTED_NETWORKS[:2])  # the others take longer and add nothing
    heading, *rows = benchmark.benchmark_training(part).splitlines()
    assert heading.split() == ["network", "precision", "images/s", "GFLOP/s", "of", "peak"]
    assert [row.split()[0] for row in rows] == list(TESTED_NETWORKS[:2])
    for row in rows:
        assert float(row.split()[2]) > 0
        assert 0 < float(row.split()[4]) < 1.5


def test_the_time_to_an_accuracy_is_that_of_the_epoch_that_reaches_it(part: Part) -> None:
    always, never = (benchmark.benchmark_time_to(accuracy, part, part) for accuracy in (0.0, 1.01))
    assert always.splitlines()[0].startswith("epoch  1:")
    assert "0.0 % reached after: " in always
    assert "101.0 % reached after: never" in never


def test_an_unknown_benchmark_or_a_bad_option_is_one_line(capsys) -> None:
    for arguments in (["colours"], ["time-to", "--accuracy", "high"], ["features", "--count", "0"]):
        assert benchmark.main(arguments) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
