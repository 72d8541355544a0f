"""Augmented images are the same cells: mirrored, turned, in other light, and the same ones for the same seed."""

import numpy as np

from helpers.data.split import Part
from helpers.data.synthetic import draw_cells
from helpers.networks.augmentation import flip_and_turn, jitter_acquisition, recolour, show_elsewhere
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


def test_acquisition_jitter_leaves_about_half_of_the_images_as_they_are() -> None:
    images = drawn_images(400)
    changed = jitter_acquisition(images, 0.2, np.random.default_rng(0))
    same = (changed == images).all(axis=(1, 2, 3))
    assert changed.dtype == np.uint8
    assert 160 < same.sum() < 240


def test_acquisition_jitter_draws_the_same_for_the_same_generator_and_anew_for_each_image() -> None:
    images = np.repeat(drawn_images(1), 20, axis=0)
    first, again, other = (jitter_acquisition(images, 0.2, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    changed = first[(first != images).any(axis=(1, 2, 3))]
    assert len({image.tobytes() for image in changed}) == len(changed)


def test_a_stronger_jitter_changes_images_more() -> None:
    images = np.full((200, 48, 48, 3), (150, 100, 180), np.uint8)
    changes = [
        np.abs(jitter_acquisition(images, strength, np.random.default_rng(0)).astype(int) - images).mean()
        for strength in (0.0, 0.1, 0.3)
    ]
    assert changes[0] == 0
    assert changes[0] < changes[1] < changes[2]


def test_jitter_that_magnifies_keeps_the_middle_in_place() -> None:
    images = np.zeros((100, 48, 48, 3), np.uint8)
    images[:, 20:28, 20:28] = 200
    changed = jitter_acquisition(images, 0.2, np.random.default_rng(0)).astype(float)[..., 1]
    rows = np.arange(48)
    for axis in (1, 2):
        centre = (changed.sum(axis=3 - axis) * rows).sum(axis=1) / changed.sum(axis=(1, 2))
        np.testing.assert_allclose(centre, 23.5, atol=0.1)


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
