"""What an .npz file may look like, and what is said about those that are broken or hostile."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy
from PIL import Image

from helpers.cells import CLASS_NAMES, InputError
from helpers.data import load_cells

COUNT = 12


def cell_images(count: int = COUNT, side: int = 48, seed: int = 0) -> np.ndarray:
    """Return (count, side, side, 3) uint8 noise that uses the whole range."""
    images = np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return images


IMAGES = cell_images()
LABELS = np.arange(COUNT, dtype=np.uint8) % 8


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def npy_bytes(values: np.ndarray, **header: object) -> bytes:
    """Return .npy content of ``values`` under a header that may claim something else."""
    stream = io.BytesIO()
    claims = {"descr": values.dtype.str, "fortran_order": False, "shape": values.shape, **header}
    npy.write_array_header_1_0(stream, claims)
    return stream.getvalue() + values.tobytes()


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def with_images(content: bytes, labels: bytes | None = None) -> Callable[[Path], Path]:
    """Return a maker of an archive with the given .npy content under ``images`` and good labels."""
    entries = {"images.npy": content, "labels.npy": npy_bytes(LABELS) if labels is None else labels}
    return lambda path: zipped(path, entries)


def with_arrays(**arrays: np.ndarray) -> Callable[[Path], Path]:
    return lambda path: npz(path, **arrays)


def with_labels(labels: object) -> Callable[[Path], Path]:
    return with_arrays(images=IMAGES, labels=np.asarray(labels))


def changed(change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """Return a maker of a good archive whose bytes are then changed."""

    def make(path: Path) -> Path:
        path.write_bytes(change(npz(path, images=IMAGES, labels=LABELS).read_bytes()))
        return path

    return make


def marked_as_encrypted(content: bytes) -> bytes:
    central = content.index(b"PK\x01\x02")
    return content[:6] + b"\x01" + content[7 : central + 8] + b"\x01" + content[central + 9 :]


def with_size_claim(content: bytes) -> bytes:
    """Return the archive whose directory claims 3 GiB for its first entry, stored and real alike."""
    central = content.index(b"PK\x01\x02")
    return content[: central + 20] + (3 * 2**30).to_bytes(4, "little") * 2 + content[central + 28 :]


def bomb(path: Path) -> Path:
    """Write an archive whose 4 MB unfold to 4 GB, announced truthfully, but too many images."""
    shape = (600_000, 48, 48, 3)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as stream:
        npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 20 : central + 24] = (5_000_000).to_bytes(4, "little")
    size = 600_000 * 48 * 48 * 3 + 128
    content[central + 24 : central + 28] = size.to_bytes(4, "little")
    path.write_bytes(content)
    return path


def deflated_short(path: Path) -> Path:
    """Write an archive with a directory that claims more than the compressed data unfold to."""
    zipped(path, {"images.npy": npy_bytes(IMAGES[:6], shape=IMAGES.shape)}, zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    central = content.index(b"PK\x01\x02")
    size = (128 + IMAGES.size).to_bytes(4, "little")
    path.write_bytes(content[: central + 24] + size + content[central + 28 :])
    return path


def many_entries(path: Path) -> Path:
    return zipped(path, {f"a{index}.npy": npy_bytes(LABELS) for index in range(1001)})


def two_of_one_key(path: Path) -> Path:
    zipped(path, {"images.npy": npy_bytes(IMAGES), "imagez.npy": npy_bytes(IMAGES)})
    path.write_bytes(path.read_bytes().replace(b"imagez", b"images"))
    return path


def objects(*shape: int) -> bytes:
    """Return a .npy that claims Python objects; its bytes are those of None, pickled."""
    return npy_bytes(np.frombuffer(b"\x80\x04N.", np.uint8), descr="|O", shape=shape)


def text(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


UNIT = IMAGES / 255
ONE_HOT = np.eye(8, dtype=np.uint8)[LABELS]
NAN_PIXELS = np.where(np.arange(UNIT.size).reshape(UNIT.shape) == 77, np.nan, UNIT)
TERABYTES = {"shape": (10**9, 48, 48, 3)}

BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    # The file
    "empty file": (text(b""), "expected an .npz file"),
    "text file": (text(b"label,pixels\n1,2\n"), "expected an .npz file"),
    "single .npy": (text(npy_bytes(IMAGES)), "single .npy"),
    "pickle": (text(b"\x80\x04\x95 posix system"), "expected an .npz file"),
    "gzip": (text(b"\x1f\x8b\x08\x00rest"), "expected an .npz file"),
    "zip magic only": (text(b"PK\x03\x04" + bytes(64)), "zip"),
    "empty zip": (lambda p: zipped(p, {}), "holds 0 arrays"),
    "zip of text files": (lambda p: zipped(p, {"readme.txt": b"hello"}), "holds 0 arrays"),
    "1001 arrays": (many_entries, "holds 1001 arrays"),
    "two arrays of one key": (two_of_one_key, "same key"),
    "truncated at half": (changed(lambda b: b[: len(b) // 2]), "zip"),
    "truncated by a byte": (changed(lambda b: b[:-1]), "npz"),
    "first half missing": (changed(lambda b: b"PK\x03\x04" + b[len(b) // 2 :]), "npz"),
    "a pixel's bit flipped": (changed(lambda b: b[:5000] + bytes([b[5000] ^ 1]) + b[5001:]), "CRC"),
    "encrypted": (changed(marked_as_encrypted), "encrypted"),
    "directory claims 3 GiB": (changed(with_size_claim), "does not hold"),
    "bzip2": (lambda p: zipped(p, {"x.npy": npy_bytes(IMAGES)}, zipfile.ZIP_BZIP2), "method 12"),
    "zip bomb": (bomb, "at most|more than 500,000|does not hold"),
    "deflated data end early": (deflated_short, "ends before|zip|damaged"),
    # Headers
    "no .npy magic": (with_images(b"hello, I am no array"), "magic"),
    "empty entry": (with_images(b""), "npz"),
    "header cut off": (with_images(npy_bytes(IMAGES)[:40]), "npz"),
    "header is no dictionary": (with_images(b"\x93NUMPY\x01\x00\x0a\x00[1, 2, 3]\n"), "npz"),
    "header with code": (with_images(b"\x93NUMPY\x01\x00\x1c\x00__import__('os').getcwd()   \n"), "npz"),
    "header nested deep": (with_images(b"\x93NUMPY\x01\x00\xa0\x0f" + b"(" * 4000), "npz"),
    "header of 65,000 bytes": (with_images(npy_bytes(IMAGES)[:8] + b"\xe8\xfd" + b" " * 65_000), "npz"),
    "unknown .npy version": (with_images(b"\x93NUMPY\x09\x00" + npy_bytes(IMAGES)[8:]), "version"),
    "declares terabytes": (with_images(npy_bytes(IMAGES, **TERABYTES)), "declares 6,912,000,000,000 bytes"),
    "declares 10**40": (with_images(npy_bytes(IMAGES, shape=(10**40, 48, 48, 3))), "declares"),
    "declares one more image": (with_images(npy_bytes(IMAGES, shape=(13, 48, 48, 3))), "does not hold"),
    "declares one fewer": (with_images(npy_bytes(IMAGES, shape=(11, 48, 48, 3))), "does not hold"),
    "negative length": (with_images(npy_bytes(IMAGES, shape=(-12, 48, 48, 3))), "no array|npz"),
    "two negative lengths": (with_images(npy_bytes(IMAGES, shape=(-12, -48, 48, 3))), "no array|npz"),
    "shape of text": (with_images(npy_bytes(IMAGES, shape=("a", 48, 48, 3))), "npz"),
    "dtype unknown": (with_images(npy_bytes(IMAGES, descr="?!")), "npz"),
    "zero-width text": (
        with_images(npy_bytes(IMAGES), npy_bytes(LABELS[:0], descr="<U0", shape=(12,))),
        "no",
    ),
    # What is never unpickled
    "object images": (with_images(objects(3)), "never unpickled"),
    "object labels": (with_images(npy_bytes(IMAGES), objects(COUNT)), "never unpickled"),
    "objects beside good arrays": (
        lambda p: zipped(p, {"x.npy": npy_bytes(IMAGES), "meta.npy": objects()}),
        "never unpickled",
    ),
    # Images
    "no images": (with_arrays(labels=LABELS), "no array of images"),
    "flat pixels": (with_arrays(x=IMAGES.reshape(COUNT, -1), y=LABELS), "no array of images"),
    "five dimensions": (with_arrays(x=IMAGES[None], y=LABELS), "no array of images"),
    "zero images": (with_arrays(images=IMAGES[:0], labels=LABELS[:0]), "holds no images"),
    "two image arrays": (with_arrays(a=IMAGES, b=IMAGES, labels=LABELS), "2 arrays could be the images"),
    "split and whole": (with_arrays(x=IMAGES, x_test=IMAGES, y=LABELS, y_test=LABELS), "both with and"),
    "two channels": (with_arrays(x=IMAGES[..., :2], y=LABELS), "no array of cell images"),
    "five channels": (with_arrays(x=np.zeros((COUNT, 48, 48, 5), np.uint8), y=LABELS), "no array of cell"),
    "channels in the middle": (with_arrays(x=IMAGES.transpose(0, 1, 3, 2).copy(), y=LABELS), "no array of"),
    "images counted last": (with_arrays(x=IMAGES.transpose(1, 2, 3, 0).copy(), y=LABELS), "no array of"),
    "8 pixels a side": (with_arrays(x=IMAGES[:, :8, :8], y=LABELS), "no array of cell images"),
    "a strip": (with_arrays(x=np.zeros((COUNT, 48, 400, 3), np.uint8), y=LABELS), "no array of cell images"),
    "no pixels": (with_arrays(x=IMAGES[:, :0], y=LABELS), "no array of cell images"),
    "bool images": (with_arrays(x=IMAGES > 99, y=LABELS), "bool"),
    "complex images": (with_arrays(x=IMAGES.astype(complex), y=LABELS), "complex"),
    "structured images": (with_arrays(x=IMAGES.view([("v", "u1")])[..., :], y=LABELS), "no array of"),
    "dates as images": (with_arrays(x=IMAGES.astype("M8[s]"), y=LABELS), "datetime64"),
    "words as images": (with_arrays(x=IMAGES[:, :16, :16].astype("U3"), y=LABELS), "no array of cell"),
    "NaN pixel": (with_arrays(x=NAN_PIXELS, y=LABELS), "NaN"),
    "infinite pixel": (with_arrays(x=np.where(np.isnan(NAN_PIXELS), np.inf, UNIT), y=LABELS), "infinite"),
    "standardised": (with_arrays(x=(UNIT - UNIT.mean()) / UNIT.std(), y=LABELS), "has values -1"),
    "[0, 2]": (with_arrays(x=UNIT * 2, y=LABELS), "has values 0 to 2,"),
    "[-0.5, 0.5]": (with_arrays(x=UNIT - 0.5, y=LABELS), "has values -0.5 to 0.5"),
    "[-128, 127] floats": (with_arrays(x=IMAGES - 128.0, y=LABELS), "has values -128"),
    "[-128, 127] int8": (
        with_arrays(x=(IMAGES.astype(int) - 128).astype(np.int8), y=LABELS),
        "has values -128",
    ),
    "16-bit": (with_arrays(x=IMAGES.astype(np.uint16) * 257, y=LABELS), "0 to 65535"),
    "1e300": (with_arrays(x=UNIT * 1e300, y=LABELS), "1e\\+300"),
    # Labels
    "counts differ": (with_labels(LABELS[:-1]), "12 images .* but the labels are .*11"),
    "far fewer labels": (with_labels(LABELS[:1]), "12 images"),
    "labels transposed": (with_labels(LABELS[None]), "12 images"),
    "labels by the million": (with_labels(np.zeros((COUNT, 2**20), np.uint8)), r"is \(12, 1048576\)"),
    "labels of a mebibyte": (
        with_labels(np.array(["a" * 2**18] * COUNT)),
        "is <U262144, expected numbers or",
    ),
    "two label arrays": (with_arrays(images=IMAGES, a=LABELS, b=LABELS), "2 arrays could be the labels"),
    "label 8": (with_labels(LABELS + 1), "holds 8 .1 labels out of range"),
    "label -1": (with_labels(LABELS.astype(int) - 1), "holds -1"),
    "label 200": (with_labels(np.full(COUNT, 200)), "holds 200"),
    "label 1.5": (with_labels(LABELS + 0.5), "whole numbers"),
    "label NaN": (with_labels(np.where(LABELS == 1, np.nan, LABELS)), "NaN"),
    "label infinite": (with_labels(np.where(LABELS == 1, np.inf, LABELS)), "infinite"),
    "bool labels": (with_labels(LABELS > 3), "is bool"),
    "complex labels": (with_labels(LABELS + 0j), "is complex"),
    "date labels": (with_labels(LABELS.astype("M8[D]")), "is datetime64"),
    "word that is no class": (with_labels(["basophil"] * 11 + ["thyroid"]), "'thyroid'"),
    "a line break as label": (with_labels(["basophil"] * 11 + ["a\nb"]), "names none"),
    "not text": (with_images(npy_bytes(IMAGES), npy_bytes(np.full(COUNT, 2**31, "u4"), descr="<U1")), "npz"),
    "probabilities": (with_labels(ONE_HOT * 0.9 + 0.0125), "not one-hot"),
    "two classes at once": (with_labels(ONE_HOT | ONE_HOT[::-1]), "not one-hot"),
    "no class": (with_labels(np.zeros_like(ONE_HOT)), "not one-hot"),
    "words in eight columns": (with_labels(ONE_HOT.astype("U1")), "<U1"),
    "nine columns": (with_labels(np.eye(9)[LABELS]), r"is \(12, 9\)"),
    # Parts
    "test part unlabelled": (with_arrays(x_train=IMAGES, y_train=LABELS, x_test=IMAGES), "only one of them"),
    "parts of two sizes": (
        with_arrays(
            train_images=IMAGES, test_images=cell_images(side=64), train_labels=LABELS, test_labels=LABELS
        ),
        "differ",
    ),
    "parts of two types": (
        with_arrays(train_images=IMAGES, test_images=UNIT, train_labels=LABELS, test_labels=LABELS),
        "differ",
    ),
    "an empty part": (
        with_arrays(train_images=IMAGES, test_images=IMAGES[:0], train_labels=LABELS, test_labels=LABELS[:0]),
        "holds no images",
    ),
}
"""Name of the defect -> (maker of the file, what the line must say)."""


@pytest.mark.parametrize("defect", BROKEN)
def test_broken_archive_is_refused_in_one_line_that_names_it(defect: str, tmp_path: Path) -> None:
    make, said = BROKEN[defect]
    path = make(tmp_path / "cells brought along.npz")
    with pytest.raises(InputError, match=said) as caught:
        load_cells(path)
    assert "cells brought along.npz" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "keys", ["images labels", "x y", "X Y", "data target", "arr_0 arr_1", "a b", "img class"]
)
def test_keys_do_not_matter(keys: str, tmp_path: Path) -> None:
    images, labels = keys.split()
    cells = load_cells(npz(tmp_path / "a.npz", **{labels: LABELS, images: IMAGES}))
    assert (cells.images == IMAGES).all()
    assert cells.labels is not None
    assert (cells.labels == LABELS).all()
    assert cells.notes == ()
    assert cells.original_sizes is None
    assert not cells.is_synthetic


@pytest.mark.parametrize("keys", ["test_images labels", "x y_test", "test labels"])
def test_a_part_named_by_one_of_two_keys_does_not_part_them(keys: str, tmp_path: Path) -> None:
    images, labels = keys.split()
    np.testing.assert_array_equal(
        load_cells(npz(tmp_path / "a.npz", **{images: IMAGES, labels: LABELS})).labels, LABELS
    )


def test_notes_on_odd_keys_are_one_printable_line(tmp_path: Path) -> None:
    odd = {"y\x1b[2J\n": np.eye(8)[LABELS]}
    notes = load_cells(npz(tmp_path / "a.npz", images=IMAGES, **odd)).notes
    assert any("one-hot" in note for note in notes)
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
}


@pytest.mark.parametrize("form", LABEL_FORMS)
def test_label_forms_mean_the_same(form: str, tmp_path: Path) -> None:
    cells = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABEL_FORMS[form]))
    assert cells.labels is not None
    assert cells.labels.dtype == np.uint8
    assert cells.labels.tolist() == LABELS.tolist()


IMAGE_FORMS = {
    "int64": (IMAGES.astype(np.int64), "int64 in 0 to 255"),
    "big-endian": (IMAGES.astype(">u2"), "0 to 255"),
    "[0, 1]": (UNIT.astype(np.float32), "[0, 1]"),
    "[0, 1] float16": (UNIT.astype(np.float16), "[0, 1]"),
    "[-1, 1]": (UNIT * 2 - 1, "[-1, 1]"),
    "float 0 to 255": (IMAGES.astype(np.float64), "0 to 255"),
    "channels first": (np.moveaxis(IMAGES, -1, 1).copy(), "Channels came before"),
    "channels first, [0, 1]": (np.moveaxis(UNIT, -1, 1).copy(), "Channels came before"),
    "Fortran order": (np.asfortranarray(IMAGES), ""),
    "Fortran order, [0, 1]": (np.asfortranarray(UNIT), "[0, 1]"),
    "Fortran order, channels first": (np.asfortranarray(np.moveaxis(IMAGES, -1, 1)), "Channels came before"),
    "opaque alpha": (np.concatenate([IMAGES, np.full_like(IMAGES[..., :1], 255)], -1), "alpha"),
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
    assert bool(note) == bool(cells.notes)


def test_grey_images_become_rgb(tmp_path: Path) -> None:
    for grey in (IMAGES[..., 0], IMAGES[..., :1], np.moveaxis(IMAGES[..., :1], -1, 1)):
        cells = load_cells(npz(tmp_path / "a.npz", images=grey.copy(), labels=LABELS))
        assert all((cells.images[..., channel] == IMAGES[..., 0]).all() for channel in range(3))
        assert "grey" in " ".join(cells.notes)


def test_transparent_pixels_are_laid_on_white(tmp_path: Path) -> None:
    alpha = np.zeros_like(IMAGES[..., :1])
    cells = load_cells(npz(tmp_path / "a.npz", images=np.concatenate([IMAGES, alpha], -1)))
    assert (cells.images == 255).all()


def test_one_image_without_a_first_axis_is_one_cell(tmp_path: Path) -> None:
    cells = load_cells(npz(tmp_path / "a.npz", image=IMAGES[0]))
    assert (cells.images == IMAGES[:1]).all()
    assert "single image" in " ".join(cells.notes)


@pytest.mark.parametrize(
    ("side", "word"), [(28, "enlarged"), (64, "antialiased"), (128, "reduced"), (224, "reduced")]
)
def test_medmnist_layout_is_resampled_and_keeps_its_split(side: int, word: str, tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    stored = cell_images(8, side)
    for part, rows in (("test", slice(6, 8)), ("train", slice(0, 5)), ("val", slice(5, 6))):
        arrays |= {f"{part}_labels": LABELS[rows][:, None], f"{part}_images": stored[rows]}
    cells = load_cells(npz(tmp_path / "a.npz", **arrays))
    expected = [
        np.asarray(Image.fromarray(image).resize((48, 48), Image.Resampling.BICUBIC)) for image in stored
    ]
    assert (cells.images == expected).all()
    assert cells.labels is not None
    assert cells.source_split is not None
    assert cells.original_sizes is not None
    assert cells.labels.tolist() == LABELS[:8].tolist()
    assert cells.source_split.tolist() == ["train"] * 5 + ["validation"] + ["test"] * 2
    assert (cells.original_sizes == side).all()
    assert word in " ".join(cells.notes)
    assert "5 train, 1 validation, 2 test" in " ".join(cells.notes)


def test_keras_keys_are_parts_too(tmp_path: Path) -> None:
    arrays = {"x_train": IMAGES[:9], "y_train": LABELS[:9], "x_test": IMAGES[9:], "y_test": LABELS[9:]}
    cells = load_cells(npz(tmp_path / "a.npz", **arrays))
    assert cells.source_split is not None
    assert cells.source_split.tolist() == ["train"] * 9 + ["test"] * 3
    assert (cells.images == IMAGES).all()


def test_reduction_is_antialiased(tmp_path: Path) -> None:
    """A pattern of single-pixel lines turns to its mean; sampling without a filter would keep it or alias."""
    lines = np.zeros((1, 192, 192, 3), np.uint8)
    lines[:, ::2] = 200
    cells = load_cells(npz(tmp_path / "a.npz", images=lines))
    assert np.abs(cells.images[0, 4:-4].astype(int) - 100).max() <= 3


def test_images_that_are_not_square_keep_their_centre(tmp_path: Path) -> None:
    wide = np.concatenate([np.zeros_like(IMAGES[:, :, :6]), IMAGES, np.zeros_like(IMAGES[:, :, :6])], axis=2)
    cells = load_cells(npz(tmp_path / "a.npz", images=wide))
    assert (cells.images == IMAGES).all()
    assert "central 48 × 48" in " ".join(cells.notes)


def test_the_format_does_not_change_the_identity_of_the_data(tmp_path: Path) -> None:
    plain = load_cells(npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS))
    other = load_cells(npz(tmp_path / "b.npz", y=ONE_HOT, x=UNIT))
    assert plain.sha256 == other.sha256


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
    images = np.zeros((5_000, 48, 48, 3), np.float32 if form == "float32" else np.uint8)
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
