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


def test_a_record_is_the_shortest_training_that_reaches_a_target_on_average(part: Part, monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "TARGETS", (0.0, 1.01))
    monkeypatch.setattr(benchmark, "LONGEST", 2)
    *_, always, never = benchmark.benchmark_record(2, 36.0, part, part)
    target, epochs, seconds, energy, _, share = always.strip("| ").split(" | ")
    assert (target, epochs, share) == ("0.0 %", "1", "2 of 2")
    assert float(energy) == pytest.approx(36 * float(seconds.split()[0]) / 3600, abs=0.006)
    assert never == "101.0 %: not reached in 2 epochs"


def test_an_unknown_benchmark_or_a_bad_option_is_one_line(capsys) -> None:
    for arguments in (
        ["colours"],
        ["record", "--runs", "0"],
        ["record", "--watts", "high"],
        ["features", "--count", "0"],
    ):
        assert benchmark.main(arguments) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
