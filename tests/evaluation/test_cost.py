"""Operations counted by hand, medians of a clock that is known."""

from itertools import count

import numpy as np
import pytest

from helpers.evaluation import cost
from helpers.networks.architectures import build
from helpers.networks.backend import keras


def test_operations_of_the_classical_lenet_by_hand() -> None:
    # 48x48 -> C1 5x5 valid: 44x44x6 -> 22x22 -> C3 5x5 valid: 18x18x16 -> 9x9 -> 1296 -> 120 -> 84 -> 8
    multiply_adds = 44 * 44 * 6 * (5 * 5 * 3) + 18 * 18 * 16 * (5 * 5 * 6)
    multiply_adds += 9 * 9 * 16 * 120 + 120 * 84 + 84 * 8
    assert cost.count_flops(build("lenet_classic")) == 2 * multiply_adds


def test_operations_of_strides_and_branches_by_hand() -> None:
    image = keras.Input((48, 48, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(keras.layers.Rescaling(1)(image))
    x = keras.layers.Add()([x, keras.layers.BatchNormalization()(x)])
    network = keras.Model(image, keras.layers.Dense(8)(keras.layers.GlobalAveragePooling2D()(x)))
    assert cost.count_flops(network) == 2 * (24 * 24 * 4 * 27 + 4 * 8)


def test_cellnet_counts_what_the_layers_before_its_head_do() -> None:
    sides, filters = (48, 24, 12), (32, 64, 128)
    before, total = 3, 0
    for side, width in zip(sides, filters, strict=True):
        total += side * side * 9 * (before * width + width * width)
        before = width
    assert cost.count_flops(build("cellnet")) == 2 * (total + 128 * 8)


def test_the_time_is_the_median_without_the_first_call(monkeypatch) -> None:
    # seconds between the two readings of each call: the warm-up takes 100, the others 1, 9, 2
    readings = iter(np.cumsum([value for step in (100, 1, 9, 2) for value in (0, step)]))
    monkeypatch.setattr(cost.time, "perf_counter", lambda: float(next(readings)))
    sizes = []
    images = np.zeros((10, 48, 48, 3), np.uint8)
    assert cost.inference_seconds(lambda batch: sizes.append(batch.shape), images) == 2
    assert sizes == [(10, 48, 48, 3)] * 4


@pytest.fixture
def table(monkeypatch):
    ticks = count()
    monkeypatch.setattr(cost.time, "perf_counter", lambda: 0.512 * next(ticks))
    usual = {
        "test_accuracy": 0.9,
        "train_seconds": 150.0,
        "train_threads": 4,
        "params": 44_000,
        "recipe": {"network": "lenet_classic"},
    }
    models = {"lenet_classic": usual, "lenet_custom": usual | {"test_accuracy": 1.0}}
    images = np.zeros((3, 48, 48, 3), np.uint8)
    return cost.cost_table(models, dict.fromkeys(models, lambda batch: batch), images)


def test_the_table_counts_the_operations_of_the_network_in_the_recipe(table) -> None:
    expected = cost.count_flops(build("lenet_classic")) / 1e6
    assert table["mflops"].tolist() == pytest.approx([expected] * 2)


def test_times_computed_by_hand(table) -> None:
    assert table["train_minutes"].tolist() == [2.5, 2.5]
    assert table["single_ms"].tolist() == pytest.approx([512, 512])
    assert table["batch_ms"].tolist() == pytest.approx([512 / 3, 512 / 3])
