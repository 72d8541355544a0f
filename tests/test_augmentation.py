"""Augmented images are the same cells: mirrored, turned, in other light, and the same ones for the same seed."""

import numpy as np

from helpers.augmentation import flip_and_turn, jitter_colours
from helpers.preprocessing import Part
from helpers.recipes import Recipe
from helpers.training import prepare


def test_flips_and_turns_are_the_eight_of_a_square() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    forms = flip_and_turn(np.repeat(image, 8, axis=0), np.arange(8))
    assert len({form.tobytes() for form in forms}) == 8
    np.testing.assert_array_equal(forms[0, ..., 0], image[0, ..., 0])
    np.testing.assert_array_equal(forms[1, ..., 0], [[2, 5, 8], [1, 4, 7], [0, 3, 6]])
    np.testing.assert_array_equal(forms[4, ..., 0], [[2, 1, 0], [5, 4, 3], [8, 7, 6]])


def test_jitter_of_strength_zero_changes_nothing() -> None:
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    np.testing.assert_array_equal(jitter_colours(images, 0.0, np.random.default_rng(0)), images)


def test_jitter_keeps_the_order_of_grey_levels_and_draws_anew_for_each_image() -> None:
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3).repeat(2, axis=0)
    changed = jitter_colours(images, 0.2, np.random.default_rng(0)).reshape(2, 256, 3).astype(int)
    assert (np.diff(changed, axis=1) >= 0).all()
    assert not np.array_equal(changed[0], changed[1])
    assert not np.array_equal(changed[0, :, 0], changed[0, :, 1])


def test_eight_epochs_show_each_image_in_each_of_its_forms() -> None:
    generator = np.random.default_rng(0)
    part = Part(generator.integers(0, 256, (6, 48, 48, 3), dtype=np.uint8), np.arange(6, dtype=np.uint8))
    _, batches = prepare(Recipe("small", "lenet_classic", batch_size=6, flips_and_turns=True), 0, part)
    seen: dict[int, set[bytes]] = {label: set() for label in range(6)}
    for _ in range(8):
        images, labels = batches[0]
        for image, label in zip(images, labels, strict=True):
            seen[int(label)].add(image.tobytes())
        batches.on_epoch_end()
    assert {len(forms) for forms in seen.values()} == {8}
