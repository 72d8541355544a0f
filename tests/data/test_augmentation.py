"""Augmented images are the same cells: mirrored, turned, in other light, and the same ones for the same seed."""

import numpy as np

from helpers.data.augmentation import flip_and_turn, recolour, show_elsewhere
from helpers.data.split import Part
from helpers.data.synthetic import draw_cells
from helpers.networks.backend import tf
from helpers.networks.training import prepare
from helpers.recipes import Recipe


def test_flips_and_turns_are_the_eight_of_a_square() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    forms = flip_and_turn(np.repeat(image, 8, axis=0), np.arange(8))
    assert len({form.tobytes() for form in forms}) == 8
    np.testing.assert_array_equal(forms[0, ..., 0], image[0, ..., 0])
    np.testing.assert_array_equal(forms[1, ..., 0], [[2, 5, 8], [1, 4, 7], [0, 3, 6]])
    np.testing.assert_array_equal(forms[4, ..., 0], [[2, 1, 0], [5, 4, 3], [8, 7, 6]])


def drawn_images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48, 3), dtype=np.uint8)


def test_a_weaker_strength_changes_images_less_and_none_changes_no_colour() -> None:
    images = draw_cells(60, seed=5).images
    changes = [
        np.abs(recolour(images, np.random.default_rng(0), strength) - images).mean() for strength in (0.0, 0.3, 1.0)
    ]
    assert changes[0] < 0.5  # single pixels brighter than the background lose a little
    assert changes[0] < changes[1] < changes[2] / 2


def test_eight_epochs_show_each_image_in_each_of_its_forms() -> None:
    generator = np.random.default_rng(0)
    part = Part(generator.integers(0, 256, (6, 48, 48, 3), dtype=np.uint8), np.arange(6, dtype=np.uint8))
    recipe = Recipe("small", "lenet_classic", epochs=16, batch_size=6, flips_and_turns=True)
    model, batches = prepare(recipe, 0, part)
    trained_on: list[tuple[np.ndarray, np.ndarray]] = []
    step = model.train_step

    def train_step(data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        trained_on.append((data[0].numpy(), data[1].numpy()))
        return step(data)

    model.train_step, model.run_eagerly = train_step, True
    model.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=0)
    for eight_epochs in (trained_on[:8], trained_on[8:]):
        seen: dict[int, set[bytes]] = {label: set() for label in range(6)}
        for images, labels in eight_epochs:
            for image, label in zip(images, labels, strict=True):
                seen[int(label)].add(image.tobytes())
        assert {len(forms) for forms in seen.values()} == {8}


def test_about_the_asked_share_is_shown_elsewhere_and_the_rest_stays_as_it_is() -> None:
    images = draw_cells(400, seed=5).images
    changed = show_elsewhere(images, 0.25, np.random.default_rng(0))
    moved = (changed != images).any(axis=(1, 2, 3))
    assert changed.dtype == np.uint8
    assert 70 <= moved.sum() <= 130
    again, other = (show_elsewhere(images, 0.25, np.random.default_rng(seed)) for seed in (0, 1))
    np.testing.assert_array_equal(again, changed)
    assert (other != changed).any()


def test_a_batch_of_which_chance_shows_no_image_elsewhere_stays_as_it_is() -> None:
    images = draw_cells(2, seed=5).images
    np.testing.assert_array_equal(show_elsewhere(images, 0.0, np.random.default_rng(0)), images)


def test_a_cell_shown_elsewhere_is_still_the_same_size_within_half_and_lies_near_the_middle() -> None:
    rows, columns = np.mgrid[:48, :48] - 23.5
    disc = np.where(np.hypot(rows, columns) < 10, 90, 230).astype(np.uint8)
    images = np.repeat(disc[None, :, :, None], 3, axis=3).repeat(200, axis=0)
    changed = show_elsewhere(images, 1.0, np.random.default_rng(0)).astype(float).mean(axis=-1)
    middle = (changed.min(axis=(1, 2)) + changed.max(axis=(1, 2)))[:, None, None] / 2
    dark = changed < middle
    radius = np.sqrt(dark.sum(axis=(1, 2)) / np.pi)
    assert 5 < radius.min() < 7.5
    assert 12.5 < radius.max() < 16.5
    shift = [np.hypot(*(np.argwhere(each).mean(axis=0) - 23.5)) for each in dark]
    assert np.mean(shift) < 4


def test_recolouring_keeps_the_order_of_densities_and_gives_another_background() -> None:
    grey = np.linspace(40, 240, 48).astype(np.uint8)
    images = np.tile(grey[None, None, :, None], (50, 48, 1, 3))
    changed = recolour(images, np.random.default_rng(0))
    brightness = changed.mean(axis=(1, 3))
    assert np.all(np.diff(brightness, axis=1) > -1e-3)
    backgrounds = changed[:, 0, -1]
    assert backgrounds.std(axis=0).min() > 15  # grey levels
    assert np.ptp(backgrounds, axis=1).max() > 10  # and tinted ones


def test_a_pixel_is_recoloured_without_regard_to_its_neighbours() -> None:
    images = drawn_images(3)
    other = images.copy()
    other[:, 1, 1] = 0  # is no part of the background, which every third pixel gives
    same = recolour(images, np.random.default_rng(0)) == recolour(other, np.random.default_rng(0))
    assert not same[:, 1, 1].any()
    same[:, 1, 1] = True
    assert same.all()
