"""A study says which names it does not know, and each step of its ladder names all that has changed."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.data.split import split_cells
from helpers.data.synthetic import draw_cells
from helpers.errors import InputError
from helpers.evaluation.ladder import trained_steps
from helpers.features import colour_statistics
from helpers.files import ROOT
from helpers.study import Study, open_study


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    cells = draw_cells(64)
    return Study(cells, split_cells(cells), "smoke", tmp_path_factory.mktemp("study"))


def test_names_that_are_not_known_are_refused_before_anything_is_computed(study: Study) -> None:
    train, fit = study.load_or_train, study.load_or_fit
    for use, name in ((train, "residual"), (train, "resnet"), (fit, "cellnet")):
        with pytest.raises(InputError, match=f"'{name}'.*expected one of"):
            use(name)
    assert list(study.out.iterdir()) == []


def test_statistics_are_those_of_training_and_validation_images_in_their_order(study: Study) -> None:
    found = study.development_statistics()
    positions = study.split.indices("train", "validation")
    expected = colour_statistics(study.cells.images[positions])
    assert found.index.tolist() == positions.tolist()
    np.testing.assert_array_equal(found[expected.columns], expected)
    np.testing.assert_array_equal(found["label"], study.cells.labels[positions])


def test_the_order_of_the_images_in_the_file_changes_no_part(study: Study) -> None:
    cells = study.cells.take(np.random.default_rng(0).permutation(len(study.cells)))
    other = replace(study, cells=cells, split=split_cells(cells))
    for one, same in ((study.train, other.train), (study.validation, other.validation)):
        np.testing.assert_array_equal(one.images, same.images)
        np.testing.assert_array_equal(one.labels, same.labels)
    np.testing.assert_array_equal(study.open_test().images, other.open_test().images)


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="profile 'fast': unknown, expected one of smoke, quick, full"):
        open_study("synthetic", "fast", tmp_path)


def test_a_step_names_the_changes_of_those_before_it_that_are_kept_but_not_trained(study: Study) -> None:
    ladder = trained_steps(study.profile)
    assert list(ladder) == ["lenet_classic", "lenet_custom", "muon", "standardised", "cellnet"]
    assert ladder["lenet_custom"].change == (
        "ReLU instead of tanh, 32 and 64 filters of 3×3, same padding, 128 dense units"
    )
    assert "AdamW instead of Adam, three stages" in ladder["muon"].change
    assert "residual" not in ladder["muon"].change
    assert ladder["cellnet"].change == "training for 1 epoch"


KILLED = "import joblib, os, helpers.study; joblib.Parallel(2)([joblib.delayed(abs)(1)] * 2); os.kill(os.getpid(), 9)"


def test_the_workers_of_a_killed_kernel_end_with_it() -> None:
    # they hold its output open: with one left, the end is waited for
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, timeout=100)
    assert killed.returncode == -signal.SIGKILL
