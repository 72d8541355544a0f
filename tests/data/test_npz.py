"""What an .npz file may look like, and what is said about those that are broken or hostile."""

import json
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_files import (
    BROKEN,
    COUNT,
    IMAGES,
    LABELS,
    ONE_HOT,
    UNIT,
    cell_images,
    npy_bytes,
    npz,
    objects,
    zipped,
)
from PIL import Image

from helpers.data import npz as archives
from helpers.data.cells import UNLABELLED
from helpers.data.constants import CLASS_NAMES
from helpers.data.source import load_cells
from helpers.errors import InputError

IN_ORDER = "The labels are numbers without names. In the order of BloodMNIST, " + ", ".join(
    f"{label} is {name}" for label, name in enumerate(CLASS_NAMES)
)
IN_ORDER += "."


@pytest.mark.parametrize("defect", BROKEN)
def test_broken_archive_is_refused_in_one_line_that_names_it(defect: str, tmp_path: Path) -> None:
    make, said = BROKEN[defect]
    path = make(tmp_path / "cells brought along.npz")
    with pytest.raises(InputError, match=said) as caught:
        load_cells(path)
    assert "cells brought along.npz" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("keys", ["images labels", "x y", "X Y", "data target", "arr_0 arr_1", "img class"])
def test_keys_do_not_matter(keys: str, tmp_path: Path) -> None:
    images, labels = keys.split()
    cells = load_cells(npz(tmp_path / "a.npz", **{labels: LABELS, images: IMAGES}))
    assert (cells.images == IMAGES).all()
    assert cells.labels is not None
    assert (cells.labels == LABELS).all()
    assert cells.notes == (IN_ORDER,)
    assert cells.warnings == ()
    assert cells.original_sizes is None
    assert not cells.is_synthetic


@pytest.mark.parametrize("keys", ["test_images labels", "x y_test", "test labels"])
def test_a_part_named_by_one_of_two_keys_does_not_part_them(keys: str, tmp_path: Path) -> None:
    images, labels = keys.split()
    np.testing.assert_array_equal(
        load_cells(npz(tmp_path / "a.npz", **{images: IMAGES, labels: LABELS})).labels, LABELS
    )


def test_notes_on_odd_keys_are_one_printable_line(tmp_path: Path) -> None:
    names = np.array(["basophil", "ig\n"])[LABELS % 2]
    notes = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=names)).notes
    assert any("is immature granulocyte" in note for note in notes)
    assert all(note.isprintable() for note in notes)


def test_usual_keys_decide_between_several(tmp_path: Path) -> None:
    extra = {"mask": IMAGES[..., :1], "patient": LABELS[::-1], "class_names": np.array(CLASS_NAMES)}
    cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS, **extra))
    assert (cells.images == IMAGES).all()
    assert cells.labels is not None
    assert (cells.labels == LABELS).all()


LABEL_FORMS = {
    "column": LABELS[:, None],
    "one-hot": ONE_HOT,
    "one-hot floats": ONE_HOT.astype(float),
    "one-hot bool": ONE_HOT.astype(bool),
    "int64": LABELS.astype(np.int64),
    "big-endian": LABELS.astype(">i4"),
    "whole floats": LABELS.astype(np.float16),
    "names": np.array(CLASS_NAMES)[LABELS],
    "plural, upper case": np.array([name.upper() + "S" for name in CLASS_NAMES])[LABELS][:, None],
    "abbreviations": np.array(["BA", "EO", "ERB", "ig", "LY", "MO", "NEUTRO", "plt"])[LABELS],
    "bytes": np.array([name.encode() for name in CLASS_NAMES])[LABELS],
    "digits": LABELS.astype("U1"),
    "digits of floats": LABELS.astype(float).astype("U3"),
}


@pytest.mark.parametrize("form", LABEL_FORMS)
def test_label_forms_mean_the_same(form: str, tmp_path: Path) -> None:
    cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABEL_FORMS[form]))
    assert cells.labels is not None
    assert cells.labels.dtype == np.uint8
    assert cells.labels.tolist() == LABELS.tolist()


IMAGE_FORMS = {
    "int64": (IMAGES.astype(np.int64), "int64 from 0 to 255, as 0 to 255"),
    "big-endian": (IMAGES.astype(">u2"), "0 to 255"),
    "[0, 1]": (UNIT.astype(np.float32), "[0, 1]"),
    "[0, 1] float16": (UNIT.astype(np.float16), "[0, 1]"),
    "[-1, 1]": (UNIT * 2 - 1, "[-1, 1]"),
    "[0, 1] with overshoot": (np.where(IMAGES == 255, 1.04, np.where(IMAGES == 0, -0.03, UNIT)), "[0, 1], and clipped"),
    "float 0 to 255": (IMAGES.astype(np.float64), "0 to 255"),
    "channels first": (np.moveaxis(IMAGES, -1, 1).copy(), "moved the channels"),
    "channels first, [0, 1]": (np.moveaxis(UNIT, -1, 1).copy(), "moved the channels"),
    "Fortran order": (np.asfortranarray(IMAGES), ""),
    "Fortran order, [0, 1]": (np.asfortranarray(UNIT), "[0, 1]"),
    "Fortran order, channels first": (np.asfortranarray(np.moveaxis(IMAGES, -1, 1)), "moved the channels"),
}


@pytest.mark.parametrize("form", IMAGE_FORMS)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_image_forms_are_understood_and_the_conversion_is_stated(
    form: str, save: Callable[..., None], tmp_path: Path
) -> None:
    stored, note = IMAGE_FORMS[form]
    save(tmp_path / "a.npz", images=stored, labels=LABELS)
    cells = load_cells(tmp_path / "a.npz")
    assert (cells.images == IMAGES).all()
    assert note in " ".join(cells.notes)
    assert bool(note) == (cells.notes != (IN_ORDER,))


def test_grey_images_become_rgb(tmp_path: Path) -> None:
    for grey in (IMAGES[..., 0], IMAGES[..., :1], np.moveaxis(IMAGES[..., :1], -1, 1)):
        cells = load_cells(npz(tmp_path / "a.npz", images=grey.copy(), labels=LABELS))
        assert all((cells.images[..., channel] == IMAGES[..., 0]).all() for channel in range(3))
        assert "grey" in " ".join(cells.notes)


def test_one_image_without_a_first_axis_is_one_cell(tmp_path: Path) -> None:
    cells = load_cells(npz(tmp_path / "a.npz", image=IMAGES[0]))
    assert (cells.images == IMAGES[:1]).all()
    assert "single image" in " ".join(cells.notes)


def test_one_image_with_its_channels_first_is_one_cell_and_three_grey_ones_are_three(tmp_path: Path) -> None:
    stored = np.moveaxis(IMAGES[0], -1, 0).copy()
    assert (load_cells(npz(tmp_path / "a.npz", x=stored)).images == IMAGES[:1]).all()
    assert len(load_cells(npz(tmp_path / "a.npz", x=IMAGES[:3, ..., 0].copy(), y=LABELS[:3]))) == 3


@pytest.mark.parametrize("side", [28, 64, 128, 224])
def test_medmnist_layout_is_resampled_and_keeps_its_split(side: int, tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    stored = cell_images(8, side)
    for part, rows in (("test", slice(6, 8)), ("train", slice(0, 5)), ("val", slice(5, 6))):
        arrays |= {f"{part}_labels": LABELS[rows][:, None], f"{part}_images": stored[rows]}
    cells = load_cells(npz(tmp_path / "a.npz", **arrays))
    expected = [np.asarray(Image.fromarray(image).resize((48, 48), Image.Resampling.BICUBIC)) for image in stored]
    assert (cells.images == expected).all()
    assert cells.labels is not None
    assert cells.source_split is not None
    assert cells.original_sizes is not None
    assert cells.labels.tolist() == LABELS[:8].tolist()
    assert cells.source_split.tolist() == ["train"] * 5 + ["validation"] + ["test"] * 2
    assert (cells.original_sizes == side).all()
    assert f"{side} × {side} pixels (n = 8) to 48 × 48 pixels by Pillow’s antialiased" in " ".join(cells.notes)
    assert "5 train, 1 validation, 2 test" in " ".join(cells.notes)


@pytest.mark.parametrize("keys", ["x_train y_train x_test y_test", "trainX trainY testX testY"])
def test_keras_keys_are_parts_too(keys: str, tmp_path: Path) -> None:
    arrays = dict(zip(keys.split(), (IMAGES[:9], LABELS[:9], IMAGES[9:], LABELS[9:]), strict=True))
    cells = load_cells(npz(tmp_path / "a.npz", **arrays))
    assert cells.source_split is not None
    assert cells.source_split.tolist() == ["train"] * 9 + ["test"] * 3
    assert (cells.images == IMAGES).all()


def test_each_part_has_a_scale_and_a_size_of_its_own_and_it_is_said(tmp_path: Path) -> None:
    large = cell_images(COUNT, 96)
    cells = load_cells(npz(tmp_path / "a.npz", x_train=UNIT, y_train=LABELS, x_test=large, y_test=LABELS))
    assert (cells.images[:COUNT] == IMAGES).all()
    assert cells.images[COUNT:].mean() == pytest.approx(large.mean(), abs=2)
    assert "We read train pixels, float64 from 0 to 1, as [0, 1]." in cells.notes
    assert any("96 × 96 pixels (n = 12) to 48 × 48" in note for note in cells.notes)


def test_images_with_hidden_labels_are_kept_apart_from_the_others(tmp_path: Path) -> None:
    arrays = {"X_train": IMAGES[:9], "y_train": LABELS[:9], "X_test": IMAGES[9:]}
    cells = load_cells(npz(tmp_path / "a.npz", **arrays))
    assert cells.labels is not None
    assert cells.labels.tolist() == [*LABELS[:9].tolist(), UNLABELLED, UNLABELLED, UNLABELLED]
    assert "3 of 12 images have no label." in cells.notes
    known = cells.labelled()
    assert (known.images == IMAGES[:9]).all()
    assert "left out 3 of 12 images" in known.notes[-1]


def test_objects_that_nobody_needs_do_not_matter_and_are_never_unpickled(tmp_path: Path) -> None:
    entries = {"x.npy": npy_bytes(IMAGES), "y.npy": npy_bytes(LABELS), "meta.npy": objects(COUNT)}
    assert (load_cells(zipped(tmp_path / "a.npz", entries)).labels == LABELS).all()


FOUR = np.array([1, 2, 3, 4], np.uint8)[np.arange(COUNT) % 4]


def test_names_in_the_file_say_what_its_numbers_mean(tmp_path: Path) -> None:
    names = np.array(["Neutrophil", "Eosinophil", "Monocyte", "Lymphocyte"])
    for numbers in (FOUR, FOUR - 1):
        cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=numbers, class_names=names))
        assert cells.labels is not None
        assert cells.labels.tolist() == np.array([6, 1, 5, 4])[FOUR - 1].tolist()
        assert "By the names in the file" in cells.notes[0]
        assert cells.warnings == ()


ORDER = np.random.default_rng(1).permutation(8)  # of the class that each number means
NAMES = np.array(CLASS_NAMES)[ORDER]
NAME_FORMS = {
    "a key in camel case": {"classNames": NAMES},
    "a key that says nothing": {"info": NAMES.astype("S")},
    "with a part": {"train_class_names": NAMES, "test_class_names": NAMES},
    "a row": {"class_names": NAMES[None]},
    "a column": {"class_names": NAMES[:, None]},
}


@pytest.mark.parametrize("form", NAME_FORMS)
def test_names_are_found_in_any_form_and_outrank_bloodmnists_order(form: str, tmp_path: Path) -> None:
    cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS, **NAME_FORMS[form]))
    assert cells.labels is not None
    assert cells.labels.tolist() == ORDER[LABELS].tolist()
    assert cells.warnings == ()


@pytest.mark.parametrize("key", ["class_names", "species"])
def test_a_name_for_each_image_outranks_its_number_and_it_is_said(key: str, tmp_path: Path) -> None:
    arrays = {key: NAMES[LABELS], "files": np.array(["a.png"] * COUNT)}
    cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS, **arrays))
    assert cells.labels is not None
    assert cells.labels.tolist() == ORDER[LABELS].tolist()
    assert cells.warnings == (f"We took “{key}” for the labels, and not “labels”.",)


NUMBERED = dict(enumerate(NAMES.tolist()))
UNREAD_NAMES = {
    "pickled": objects(8),
    "numbers and names": npy_bytes(np.stack([np.arange(8).astype("U1"), NAMES], axis=1)),
    "JSON": npy_bytes(np.array(json.dumps(NUMBERED))),
    "between commas": npy_bytes(np.array(", ".join(NAMES))),
}


@pytest.mark.parametrize("form", UNREAD_NAMES)
def test_names_in_other_forms_are_missed_aloud_until_the_user_says(form: str, tmp_path: Path) -> None:
    entries = {"x.npy": npy_bytes(IMAGES), "y.npy": npy_bytes(LABELS), "label_map.npy": UNREAD_NAMES[form]}
    path = zipped(tmp_path / "a.npz", entries)
    (warning,) = load_cells(path).warnings
    assert "We did not read 'label_map' " in warning
    assert "--classes" in warning
    assert load_cells(path, classes=",".join(CLASS_NAMES)).warnings == ()


DOUBTS = {
    "numbers with another name": ({"patient": LABELS}, "We did not read 'patient' uint8 (12,). Call labels “labels”"),
    "nothing but file names": ({"files": np.array([f"{n}.png" for n in range(COUNT)])}, "We did not read 'files'"),
    "nothing but a list of names": ({"class_names": np.array(CLASS_NAMES)}, "We did not read 'class_names'"),
    "labels of another number": ({"species": np.array(CLASS_NAMES)[LABELS[:9]]}, "We did not read 'species'"),
    "blank labels": ({"labels": np.array([""] * COUNT)}, "We did not read 'labels' <U1 (12,)"),
    "predictions": ({"predicted": np.array(CLASS_NAMES)[LABELS]}, "We did not read 'predicted'"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_arrays_that_may_be_labels_and_are_not_used_are_named(doubt: str, tmp_path: Path) -> None:
    arrays, said = DOUBTS[doubt]
    cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, **arrays))
    assert cells.labels is None
    assert said in " ".join(cells.warnings)


def test_a_label_without_an_axis_belongs_to_a_single_image(tmp_path: Path) -> None:
    cells = load_cells(npz(tmp_path / "a.npz", image=IMAGES[0], label=np.array("Monocyte")))
    assert cells.labels is not None
    assert cells.labels.tolist() == [5]


def test_what_macos_adds_to_an_archive_is_skipped_and_a_packed_archive_is_refused(tmp_path: Path) -> None:
    entries = {"x.npy": npy_bytes(IMAGES), "y.npy": npy_bytes(LABELS), "__MACOSX/._x.npy": b"Mac OS X"}
    path = zipped(tmp_path / "a.npz", entries)
    assert load_cells(path).labels is not None
    with pytest.raises(InputError, match=r"b\.zip: holds no images \(files: cells\.npz\)"):
        load_cells(zipped(tmp_path / "b.zip", {"cells.npz": path.read_bytes()}))


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (IMAGES.astype(np.uint16) * 257, "values 0 to 65535, .* divide by the largest possible value"),
        ((UNIT - 0.6) / 0.2, "values -3 to 2, .* undo the shift or standardisation"),
        (np.where(UNIT == 1, np.nan, UNIT), "holds NaN or infinite values; replace them"),
    ],
)
def test_other_ranges_are_refused_with_what_to_do(stored: np.ndarray, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        load_cells(npz(tmp_path / "a.npz", images=stored, labels=LABELS))


def test_numbers_that_may_be_those_of_another_collection_are_questioned_until_the_user_says(
    tmp_path: Path,
) -> None:
    path = npz(tmp_path / "a.npz", images=IMAGES, labels=FOUR)
    cells = load_cells(path)
    assert (cells.labels == FOUR).all()
    assert "1 is eosinophil, 2 is erythroblast" in cells.notes[0]
    (warning,) = cells.warnings
    assert "No image has the label 0 or 5 or 6 or 7" in warning
    assert "--classes eosinophil,lymphocyte,monocyte,neutrophil" in warning
    settled = load_cells(path, classes="neutrophil,eosinophil,monocyte,lymphocyte")
    assert settled.labels is not None
    assert settled.labels.tolist() == np.array([6, 1, 5, 4])[FOUR - 1].tolist()
    assert settled.warnings == ()
    with pytest.raises(
        InputError,
        match="a list of 2 does not name 4 labels, expected one name for each: 1, 2, 3, 4",
    ):
        load_cells(path, classes="neutrophil,eosinophil")
    with pytest.raises(InputError, match="--classes: 'thyroid': no class has this name"):
        load_cells(path, classes="neutrophil,eosinophil,thyroid,lymphocyte")


def test_a_gap_among_bloodmnists_numbers_suggests_no_other_names(tmp_path: Path) -> None:
    some = ~np.isin(LABELS, (2, 3))
    (warning,) = load_cells(npz(tmp_path / "a.npz", images=IMAGES[some], labels=LABELS[some])).warnings
    assert "No image has the label 2 or 3." in warning
    assert "perhaps" not in warning


ODD = {
    "blue, green, red": (IMAGES[..., ::-1].copy(), "red and blue were exchanged"),
    "negative": (255 - IMAGES, "negatives"),
    "dark": (IMAGES // 3, "are dark"),
    "grey": (IMAGES[..., 0].copy(), "hardly any colour"),
    "pale": (np.uint8(200) + IMAGES // 8, "little contrast"),
}


@pytest.mark.parametrize("form", ODD)
def test_odd_images_are_read_with_a_warning(form: str, tmp_path: Path) -> None:
    stored, said = ODD[form]
    assert any(said in warning for warning in load_cells(npz(tmp_path / "a.npz", x=stored, y=LABELS)).warnings)


def test_parts_that_differ_in_brightness_are_pointed_out(tmp_path: Path) -> None:
    arrays = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES // 2 + 20, "y_test": LABELS}
    (warning,) = load_cells(npz(tmp_path / "a.npz", **arrays)).warnings
    assert "The test images are much darker than the train images" in warning


@pytest.mark.parametrize(
    ("crop", "side", "kept"),
    [("auto", 360, 200), ("full-frame", 360, 360), ("cell", 360, 200), ("cell", 90, 50)],
)
def test_the_frame_is_stated_and_can_be_chosen(crop: str, side: int, kept: int, tmp_path: Path) -> None:
    stored, edge = cell_images(2, side), (side - kept) // 2
    cells = load_cells(npz(tmp_path / "a.npz", images=stored), crop=crop)
    framed = stored[:, edge : edge + kept, edge : edge + kept]
    expected = [Image.fromarray(each).resize((48, 48), Image.Resampling.BICUBIC) for each in framed]
    assert (cells.images == np.stack(expected)).all()
    assert f"the central {kept} × {kept} of {side} × {side} pixels (n = 2)" in cells.notes[0]
    assert f"The frame follows from --crop {crop}." in cells.notes[0]


def test_reduction_is_antialiased(tmp_path: Path) -> None:
    """A pattern of single-pixel lines turns to its mean; sampling without a filter would keep it or alias."""
    lines = cell_images(1, 192)
    lines[:, :96:2], lines[:, 1:96:2] = 0, 200
    cells = load_cells(npz(tmp_path / "a.npz", images=lines))
    assert np.abs(cells.images[0, 4:20].astype(int) - 100).max() <= 3


def test_images_that_are_not_square_keep_their_centre(tmp_path: Path) -> None:
    wide = np.concatenate([np.zeros_like(IMAGES[:, :, :6]), IMAGES, np.zeros_like(IMAGES[:, :, :6])], axis=2)
    cells = load_cells(npz(tmp_path / "a.npz", images=wide))
    assert (cells.images == IMAGES).all()
    assert "central 48 × 48" in " ".join(cells.notes)


def test_the_format_does_not_change_the_identity_of_the_data(tmp_path: Path) -> None:
    plain = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS))
    other = load_cells(npz(tmp_path / "b.npz", y=ONE_HOT, x=UNIT))
    assert plain.sha256 == other.sha256


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    monkeypatch.setattr(archives, "MOST_BYTES", IMAGES.nbytes)
    with pytest.raises(InputError, match="holds more than"):
        load_cells(path)


def test_what_is_unpacked_for_reading_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, place = npz(tmp_path / "a.npz", images=UNIT, version=np.array(2)), tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    assert len(load_cells(path)) == COUNT
    assert list(place.iterdir()) == []


def damaged(content: bytes, generator: np.random.Generator) -> bytes:
    """Return ``content`` with one to four places changed, cut or repeated, most of them near the start."""
    changed = bytearray(content)
    for _ in range(generator.integers(1, 5)):
        end = min(len(changed), 160) if generator.random() < 0.7 else len(changed)
        place, length = int(generator.integers(end)), int(generator.integers(1, 40))
        match int(generator.integers(4)):
            case 0 | 1:
                changed[place] = generator.integers(256)
            case 2 if len(changed) > 300:
                del changed[place : place + length]
            case _:
                changed[place:place] = changed[place : place + length]
    return bytes(changed)


def test_damaged_bytes_never_cause_anything_but_a_refusal(tmp_path: Path) -> None:
    """Damage whole files, and arrays inside files whose checksums are right; the seed is fixed."""
    generator = np.random.default_rng(7)
    arrays = {"x.npy": npy_bytes(UNIT[:2, :16, :16].copy()), "y.npy": npy_bytes(np.array(["ig", "BA"]))}
    good = zipped(tmp_path / "good.npz", arrays, zipfile.ZIP_DEFLATED).read_bytes()
    path, lines, loaded = tmp_path / "damaged.npz", list[str](), 0
    for attempt in range(600):
        if attempt % 3:
            key = ("x.npy", "y.npy")[attempt % 2]
            zipped(path, {**arrays, key: damaged(arrays[key], generator)})
        else:
            path.write_bytes(damaged(good, generator))
        try:
            loaded += load_cells(path).images.shape == (2, 48, 48, 3)
        except InputError as error:
            lines += str(error).splitlines()
    assert loaded + len(lines) == 600
    assert len(lines) > 300
    assert all("damaged.npz" in line for line in lines)


@pytest.mark.parametrize("form", ["uint8", "float32", "Fortran order", "MedMNIST layout"])
def test_memory_stays_below_two_and_a_half_times_the_pixels(form: str, tmp_path: Path) -> None:
    images = np.resize(IMAGES, (5_000, 48, 48, 3)).astype(np.float32 if form == "float32" else np.uint8)
    labels = np.zeros(len(images), np.uint8)
    if form == "MedMNIST layout":
        halves = {"train_images": images[:2_500], "test_images": images[2_500:]}
        path = npz(tmp_path / "a.npz", train_labels=labels[:2_500], test_labels=labels[2_500:], **halves)
    else:
        stored = np.asfortranarray(images) if form == "Fortran order" else images
        path = npz(tmp_path / "a.npz", images=stored, labels=labels)
    del images
    tracemalloc.start()
    cells = load_cells(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2.5 * cells.images.nbytes


def test_labels_of_a_split_that_are_all_the_same_are_said_to_be_hidden_perhaps(tmp_path: Path) -> None:
    images, labels = cell_images(40), np.arange(40) % 8
    hidden = {"test_images": images[:20], "test_labels": 0 * labels[:20]}
    cells = load_cells(npz(tmp_path / "a.npz", train_images=images[20:], train_labels=labels[20:], **hidden))
    assert cells.warnings == ("All test images have the label 0. Perhaps their labels are hidden.",)
