"""Data files for several tests: whole ones, and those that are broken or hostile."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from helpers.data.constants import CLASS_NAMES

COUNT = 12


def cell_images(count: int = COUNT, side: int = 48, seed: int = 0) -> np.ndarray:
    """Return (count, side, side, 3) uint8: purple discs on a light ground, with noise; they use the whole range."""
    generator = np.random.default_rng(seed)
    place = np.arange(side) - (side - 1) / 2
    radius = generator.uniform(0.2, 0.4, (count, 1, 1, 1)) * side
    is_cell = np.hypot(*np.meshgrid(place, place))[None, :, :, None] < radius
    colours = np.where(is_cell, (110, 60, 150), (235, 215, 205))
    images = (colours + generator.integers(-9, 10, colours.shape)).astype(np.uint8)
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
    "empty file": (text(b""), "or an .npz file of images and labels"),
    "text file": (text(b"label,pixels\n1,2\n"), "or an .npz file of images and labels"),
    "single .npy": (text(npy_bytes(IMAGES)), "single .npy"),
    "pickle": (text(b"\x80\x04\x95 posix system"), "or an .npz file of images and labels"),
    "gzip": (text(b"\x1f\x8b\x08\x00rest"), "or an .npz file of images and labels"),
    "zip magic only": (text(b"PK\x03\x04" + bytes(64)), "zip"),
    "empty zip": (lambda p: zipped(p, {}), "holds no images"),
    "zip of text files": (lambda p: zipped(p, {"readme.txt": b"hello"}), r"holds no images \(files: readme.txt\)"),
    "1001 arrays": (many_entries, "holds 1001 arrays"),
    "two arrays of one key": (two_of_one_key, "holds 2 arrays under 1 keys"),
    "truncated at half": (changed(lambda b: b[: len(b) // 2]), "zip"),
    "truncated by a byte": (changed(lambda b: b[:-1]), "npz"),
    "first half missing": (changed(lambda b: b"PK\x03\x04" + b[len(b) // 2 :]), "npz"),
    "a pixel's bit flipped": (changed(lambda b: b[:5000] + bytes([b[5000] ^ 1]) + b[5001:]), "CRC"),
    "encrypted": (changed(marked_as_encrypted), "encrypted"),
    "directory claims 3 GiB": (changed(with_size_claim), "npz"),
    "zip bomb": (bomb, "npz"),
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
    "declares terabytes": (with_images(npy_bytes(IMAGES, **TERABYTES)), "greater than file size"),
    "declares 10**40": (with_images(npy_bytes(IMAGES, shape=(10**40, 48, 48, 3))), "npz"),
    "declares one more image": (with_images(npy_bytes(IMAGES, shape=(13, 48, 48, 3))), "greater than file size"),
    "declares one fewer": (
        with_images(npy_bytes(IMAGES, shape=(11, 48, 48, 3))),
        "holds 11 images, but the labels are",
    ),
    "negative length": (with_images(npy_bytes(IMAGES, shape=(-12, 48, 48, 3))), "no array|npz"),
    "two negative lengths": (with_images(npy_bytes(IMAGES, shape=(-12, -48, 48, 3))), "no array|npz"),
    "shape of text": (with_images(npy_bytes(IMAGES, shape=("a", 48, 48, 3))), "npz"),
    "dtype unknown": (with_images(npy_bytes(IMAGES, descr="?!")), "npz"),
    # What is never unpickled
    "images of no size": (with_images(npy_bytes(IMAGES, descr="|V0")), "values of no size"),
    "labels of no size": (with_images(npy_bytes(IMAGES), npy_bytes(LABELS, descr=[])), "values of no size"),
    "object images": (with_images(objects(3)), "never unpickled"),
    "object labels": (with_images(npy_bytes(IMAGES), objects(COUNT)), "never unpickled"),
    # Images
    "no images": (with_arrays(labels=LABELS), "no array of images"),
    "flat pixels": (with_arrays(x=IMAGES.reshape(COUNT, -1), y=LABELS), "no array of images"),
    "five dimensions": (with_arrays(x=IMAGES[None], y=LABELS), "no array of images"),
    "zero images": (with_arrays(images=IMAGES[:0], labels=LABELS[:0]), "not an array of cell images"),
    "two image arrays": (with_arrays(a=IMAGES, b=IMAGES, labels=LABELS), "2 arrays could be the images"),
    "split and whole": (
        with_arrays(x=IMAGES, x_test=IMAGES, y=LABELS, y_test=LABELS),
        "of all arrays of images or of none",
    ),
    "two channels": (with_arrays(x=IMAGES[..., :2], y=LABELS), "not an array of cell images"),
    "alpha channel": (
        with_arrays(x=np.concatenate([IMAGES, IMAGES[..., :1]], axis=3), y=LABELS),
        "not an array of cell images",
    ),
    "five channels": (
        with_arrays(x=np.zeros((COUNT, 48, 48, 5), np.uint8), y=LABELS),
        "not an array of cell",
    ),
    "channels in the middle": (
        with_arrays(x=IMAGES.transpose(0, 1, 3, 2).copy(), y=LABELS),
        "not an array of",
    ),
    "images counted last": (with_arrays(x=IMAGES.transpose(1, 2, 3, 0).copy(), y=LABELS), "not an array of"),
    "8 pixels a side": (with_arrays(x=IMAGES[:, :8, :8], y=LABELS), "not an array of cell images"),
    "a strip": (
        with_arrays(x=np.zeros((COUNT, 48, 400, 3), np.uint8), y=LABELS),
        "not an array of cell images",
    ),
    "no pixels": (with_arrays(x=IMAGES[:, :0], y=LABELS), "not an array of cell images"),
    "bool images": (with_arrays(x=IMAGES > 99, y=LABELS), "bool"),
    "complex images": (with_arrays(x=IMAGES.astype(complex), y=LABELS), "complex"),
    "structured images": (with_arrays(x=IMAGES.view([("v", "u1")])[..., :], y=LABELS), "not an array of"),
    "dates as images": (with_arrays(x=IMAGES.astype("M8[s]"), y=LABELS), "datetime64"),
    "words as images": (with_arrays(x=IMAGES[:, :16, :16].astype("U3"), y=LABELS), "not an array of cell"),
    "NaN pixel": (with_arrays(x=NAN_PIXELS, y=LABELS), "NaN"),
    "infinite pixel": (with_arrays(x=np.where(np.isnan(NAN_PIXELS), np.inf, UNIT), y=LABELS), "infinite"),
    "standardised": (with_arrays(x=(UNIT - UNIT.mean()) / UNIT.std(), y=LABELS), "has values -3"),
    "[0, 2]": (with_arrays(x=UNIT * 2, y=LABELS), "has values 0 to 2,"),
    "[-0.5, 0.5]": (with_arrays(x=UNIT - 0.5, y=LABELS), "has values -0.5 to 0.5"),
    "[-128, 127] floats": (with_arrays(x=IMAGES - 128.0, y=LABELS), "has values -128"),
    "[-128, 127] int8": (
        with_arrays(x=(IMAGES.astype(int) - 128).astype(np.int8), y=LABELS),
        "has values -128",
    ),
    "16-bit": (with_arrays(x=IMAGES.astype(np.uint16) * 257, y=LABELS), "0 to 65535"),
    "1e300": (with_arrays(x=UNIT * 1e300, y=LABELS), "1e\\+300"),
    # What cannot be cells
    "divided by 255, then rounded": (
        with_arrays(x=(IMAGES // 255).astype(np.uint8), y=LABELS),
        "hold too few values",
    ),
    "scaled twice": (with_arrays(x=(UNIT * 20).round(), y=LABELS), "are nearly black .mean"),
    "one part scaled twice": (
        with_arrays(x_train=IMAGES, y_train=LABELS, x_test=(UNIT * 20).astype(np.uint8), y_test=LABELS),
        "the test images are nearly black",
    ),
    "white": (with_arrays(x=np.maximum(IMAGES, 253 - IMAGES % 20), y=LABELS), "nearly"),
    "noise": (
        with_arrays(x=np.random.default_rng(0).integers(0, 256, IMAGES.shape, np.uint8), y=LABELS),
        "are noise",
    ),
    # Labels
    "counts differ": (with_labels(LABELS[:-1]), "12 images, but the labels are .*11"),
    "far fewer labels": (with_labels(LABELS[:1]), "12 images"),
    "labels transposed": (with_labels(LABELS[None]), "12 images"),
    "labels by the million": (with_labels(np.zeros((COUNT, 2**20), np.uint8)), r"\(12, 1048576\)"),
    "labels of a mebibyte": (
        with_labels(np.array(["a" * 2**18] * COUNT)),
        "<U262144 .* expected numbers or",
    ),
    "two label arrays": (
        with_arrays(images=IMAGES, y=LABELS, target=LABELS),
        "“y”, “target” could be the labels, expected one; remove the others",
    ),
    "label 8": (with_labels(LABELS + 1), "holds the labels 1, 2, .* 8, .* perhaps --classes basophil"),
    "label -1": (with_labels(LABELS.astype(int) - 1), "holds the labels -1"),
    "label 200": (with_labels(np.full(COUNT, 200)), "holds the labels 200"),
    "label 1.5": (with_labels(LABELS + 0.5), "'0.5', '1.5', '2.5', and 5 more: no class has this name"),
    "label infinite": (with_labels(np.where(LABELS == 1, np.inf, LABELS)), "no class has this name"),
    "bool labels": (with_labels(LABELS > 3), "'False', 'True'"),
    "complex labels": (with_labels(LABELS + 0j), "no class has this name"),
    "date labels": (with_labels(LABELS.astype("M8[D]")), "no class has this name"),
    "word that is no class": (with_labels(["basophil"] * 11 + ["thyroid"]), "'thyroid'"),
    "a line break as label": (with_labels(["basophil"] * 11 + ["a\nb"]), "no class has this name"),
    "not text": (with_images(npy_bytes(IMAGES), npy_bytes(np.full(COUNT, 2**31, "u4"), descr="<U1")), "npz"),
    "probabilities": (with_labels(ONE_HOT * 0.9 + 0.0125), "not one-hot"),
    "two classes at once": (with_labels(ONE_HOT | ONE_HOT[::-1]), "not one-hot"),
    "no class": (with_labels(np.zeros_like(ONE_HOT)), "not one-hot"),
    "words in eight columns": (with_labels(ONE_HOT.astype("U1")), "<U1"),
    "nine columns": (with_labels(np.eye(9)[LABELS + 1]), "holds the labels 1, 2"),
    "names that may count from 0 or 1": (
        with_arrays(images=IMAGES, labels=1 + LABELS % 6, class_names=np.array(CLASS_NAMES)),
        "a list of 8 does not name 6 labels, expected one name for each, or --classes with 6 names",
    ),
    "two lists of names": (
        with_arrays(images=IMAGES, labels=LABELS, a=np.array(CLASS_NAMES), b=np.array(CLASS_NAMES[::-1])),
        "different names of classes in a, b",
    ),
    "one label for many images": (with_labels(3), r"holds 12 images, but the labels are 'labels' int64 \(1,\)"),
    # Parts
    "one array of labels for two parts": (
        with_arrays(train_images=IMAGES, test_images=IMAGES, labels=LABELS),
        "or of none, and of their labels",
    ),
    "NaN in the test part": (
        with_arrays(train_images=UNIT, test_images=NAN_PIXELS, train_labels=LABELS, test_labels=LABELS),
        "NaN",
    ),
    "an empty part": (
        with_arrays(train_images=IMAGES, test_images=IMAGES[:0], train_labels=LABELS, test_labels=LABELS[:0]),
        "not an array of cell images",
    ),
}
"""Name of the defect -> (maker of the file, what the line must say)."""
