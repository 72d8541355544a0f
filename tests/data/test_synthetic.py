"""Drawn cells: reproducible, as frequent as real ones, and alike in the averages that the report looks at."""

import tracemalloc

import numpy as np
import pytest

from helpers.data.constants import CLASS_NAMES, SIDE
from helpers.data.synthetic import CLASS_COUNTS, MORPHOLOGY, draw_cells
from helpers.features.colour import blue_residual, colour_statistics


@pytest.fixture(scope="module")
def cells():
    return draw_cells(2000, seed=7)


@pytest.fixture(scope="module")
def averages(cells):
    return colour_statistics(cells.images)


def class_means(cells, values):
    return {name: values[cells.labels == label].mean() for label, name in enumerate(CLASS_NAMES)}


def test_cells_are_labelled_images_that_say_they_are_synthetic(cells):
    assert cells.images.shape == (2000, SIDE, SIDE, 3)
    assert cells.images.dtype == cells.labels.dtype == np.uint8
    assert cells.is_synthetic
    assert cells.source == "synthetic images (seed 7)"


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    first, again, other = draw_cells(150, 3), draw_cells(150, 3), draw_cells(150, 4)
    assert first.sha256 == again.sha256
    assert first.sha256 != other.sha256
    assert not np.array_equal(first.labels, other.labels)


def test_cells_look_as_in_earlier_versions():
    cells = draw_cells(40)
    images = cells.images.astype(float)
    columns = (images[..., 0].mean((1, 2)), images[..., 2].mean((1, 2)), images.std((1, 2)).mean(1))
    columns += (np.abs(np.diff(images, axis=1)).mean((1, 2, 3)),)  # between neighbours
    found = np.stack([np.mean(columns, axis=1, where=cells.labels == label) for label in range(8)])
    earlier = [
        (192.6, 173.3, 57.3, 10.9),
        (199.0, 171.2, 52.4, 10.5),
        (208.4, 179.5, 48.2, 7.4),
        (199.3, 178.0, 51.5, 8.8),
        (209.2, 180.1, 50.7, 6.7),
        (183.4, 174.1, 49.7, 10.2),
        (206.8, 179.2, 50.1, 8.7),
        (225.0, 184.0, 28.2, 6.3),
    ]  # red, blue, spread and roughness of each class
    np.testing.assert_allclose(found, earlier, atol=0.1)


def test_drawing_leaves_the_global_random_state_alone():
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    draw_cells(10)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("count", [1, 2, 8, 63, 64, 65, 500])
def test_classes_are_as_frequent_as_in_the_real_set(count):
    labels = draw_cells(count).labels
    quota = count * np.array(CLASS_COUNTS) / sum(CLASS_COUNTS)
    assert len(labels) == count
    assert np.abs(np.bincount(labels, minlength=8) - quota).max() < 1


def test_eight_cells_show_each_class_and_one_cell_is_the_most_frequent():
    assert sorted(draw_cells(8).labels) == list(range(8))
    assert CLASS_NAMES[draw_cells(1).labels[0]] == "neutrophil"


def test_labels_come_in_random_order(cells):
    first, second = np.split(cells.labels, 2)
    assert np.abs(np.bincount(first) - np.bincount(second)).max() < 100


def test_no_two_images_are_alike(cells):
    assert len(np.unique(cells.images.reshape(len(cells), -1), axis=0)) == len(cells)


def test_morphology_has_one_entry_per_class_and_spreads_that_belong_to_a_quantity():
    assert tuple(MORPHOLOGY) == CLASS_NAMES
    assert MORPHOLOGY.notna().all(axis=None)
    quantities = {*MORPHOLOGY.index, "cytoplasm"}  # whose red, green and blue vary together
    assert all(name.removesuffix("_spread") in quantities for name in quantities)


def test_memory_beyond_the_result_does_not_grow_with_the_number_of_cells():
    def overhead(count):
        tracemalloc.start()
        result = draw_cells(count)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - result.images.nbytes

    draw_cells(8)
    assert overhead(1280) < 1.2 * overhead(256)


def test_colours_correlate_as_on_real_cells(averages):
    assert averages[["red", "green", "blue", "grey", "white"]].corr().to_numpy().min() > 0.2
    assert abs(averages["black"].corr(averages["white"])) < 0.4


def test_platelets_are_the_lightest_and_the_large_cells_the_darkest(cells, averages):
    grey = class_means(cells, averages["grey"])
    ranking = sorted(grey, key=grey.__getitem__)
    assert ranking[-1] == "platelet"
    assert set(ranking[:4]) == {"monocyte", "immature granulocyte", "basophil", "eosinophil"}
    assert grey["eosinophil"] < np.mean(list(grey.values()))


def test_some_classes_are_bluer_than_others_at_the_same_red_and_green(cells, averages):
    excess = class_means(cells, blue_residual(averages))
    assert min(excess["monocyte"], excess["eosinophil"]) > 0 > max(excess["lymphocyte"], excess["erythroblast"])


# Mean red, green and blue per class over the real images, rounded to whole levels.
REAL_MEANS = {
    "basophil": (193, 156, 174),
    "eosinophil": (201, 161, 173),
    "erythroblast": (212, 182, 182),
    "immature granulocyte": (190, 155, 175),
    "lymphocyte": (205, 173, 179),
    "monocyte": (186, 151, 175),
    "neutrophil": (204, 170, 178),
    "platelet": (228, 197, 186),
}


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_mean_colours_are_those_of_real_cells(cells, name):
    drawn = cells.images[cells.labels == CLASS_NAMES.index(name)].mean((0, 1, 2))
    np.testing.assert_allclose(drawn, REAL_MEANS[name], atol=6)
