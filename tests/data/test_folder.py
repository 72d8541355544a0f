"""Folders of images: what is read, in which order, and what is refused with which line."""

import os
import shutil
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_files import cell_images
from PIL import Image

from helpers.data.cells import UNLABELLED
from helpers.data.source import load_cells, resolve_source, source_fingerprint
from helpers.errors import InputError


def save(path: Path, image: np.ndarray | Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of two PNG images each, 48 x 48."""
    images = cell_images(6)
    for index, (name, file) in enumerate(
        (name, file) for name in ("basophil", "ig", "platelet") for file in ("a.png", "b.png")
    ):
        save(tmp_path / "my cells" / name / file, images[index])
    return tmp_path / "my cells"


def test_each_subfolder_is_a_class(folder: Path) -> None:
    cells = load_cells(folder)
    assert (cells.images == cell_images(6)).all()
    assert cells.labels is not None
    assert cells.labels.tolist() == [0, 0, 3, 3, 7, 7]
    assert cells.names is not None
    assert cells.names.tolist() == [
        "basophil/a.png",
        "basophil/b.png",
        "ig/a.png",
        "ig/b.png",
        "platelet/a.png",
        "platelet/b.png",
    ]
    assert cells.notes == ("By their names, “ig” is immature granulocyte.",)
    assert cells.original_sizes is None
    assert cells.source == "folder my cells"


def test_originals_are_cropped_then_reduced(tmp_path: Path) -> None:
    """The frame outside the central 200 x 200 pixels leaves no trace; the filter is Pillow's bicubic."""
    centre = cell_images(1, 200)[0]
    frame = np.full((363, 360, 3), 9, np.uint8)
    frame[81:281, 80:280] = centre
    save(tmp_path / "eosinophil" / "a.png", frame)
    cells = load_cells(tmp_path)
    expected = np.asarray(Image.fromarray(centre).resize((48, 48), Image.Resampling.BICUBIC))
    assert (cells.images[0] == expected).all()
    assert cells.original_sizes is not None
    assert cells.original_sizes.tolist() == [[363, 360]]
    cropped = "Images of 363 × 360 pixels (n = 1) were cropped to the central 200 × 200 and reduced to 48 × 48"
    assert cropped in cells.notes[0]


def test_other_sizes_are_reduced_whole_and_may_differ(tmp_path: Path) -> None:
    sides = (48, 100, 224, 240)
    stored = [cell_images(1, side)[0] for side in sides]
    for side, image in zip(sides, stored, strict=True):
        save(tmp_path / "ly" / f"{side:03}.png", image)
    cells = load_cells(tmp_path)
    expected = [np.asarray(Image.fromarray(image).resize((48, 48), Image.Resampling.BICUBIC)) for image in stored]
    assert (cells.images == expected).all()
    assert cells.original_sizes is not None
    assert cells.original_sizes[:, 0].tolist() == list(sides)
    assert sum("reduced" in note for note in cells.notes) == 3


def test_many_sizes_give_few_notes(tmp_path: Path) -> None:
    for side in range(60, 80):
        save(tmp_path / "ly" / f"{side}.png", cell_images(1, side)[0])
    notes = load_cells(tmp_path).notes
    assert sum("reduced" in note for note in notes) == 5
    assert "We treated 15 other sizes alike." in notes


@pytest.mark.parametrize(
    "mode",
    ["L", "P", "CMYK"],
)
def test_other_modes_become_rgb_and_it_is_said(mode: str, tmp_path: Path) -> None:
    shades = np.linspace(0, 60, 48)[:, None, None]
    image = (cell_images(1)[0] * 0.7 + shades).astype(np.uint8)  # which a palette does not flatten
    save(tmp_path / "ly" / "a.tiff", Image.fromarray(image).convert(mode))
    assert f"We converted {mode} images to RGB (n = 1)." in load_cells(tmp_path).notes


def test_transparency_becomes_white(tmp_path: Path) -> None:
    image = np.dstack([cell_images(1)[0], np.full((48, 48), 255, np.uint8)])
    image[:8] = 0
    save(tmp_path / "ly" / "a.png", image)
    cells = load_cells(tmp_path)
    assert (cells.images[0, :8] == 255).all()
    assert (cells.images[0, 8:] == image[8:, :, :3]).all()
    assert "We put transparent images on white (n = 1)." in cells.notes


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".bmp", ".tif", ".webp", ""])
def test_the_suffix_does_not_matter_within_a_class(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "ig").mkdir()
    kind = {".jpg": "JPEG", ".bmp": "BMP", ".tif": "TIFF", ".webp": "WEBP"}.get(suffix, "PNG")
    Image.fromarray(cell_images(1)[0]).save(tmp_path / "ig" / f"cell{suffix}", format=kind)
    assert len(load_cells(tmp_path)) == 1


def test_images_without_class_folders_have_no_labels(tmp_path: Path) -> None:
    for index, image in enumerate(cell_images(3)):
        save(tmp_path / f"{index}.png", image)
    (tmp_path / "readme.txt").write_text("three cells")
    cells = load_cells(tmp_path)
    assert (cells.images == cell_images(3)).all()
    assert cells.labels is None
    assert "readme.txt" in cells.notes[0]
    assert "no labels" in cells.notes[1]


def test_one_image_file_is_one_unlabelled_cell(folder: Path) -> None:
    cells = load_cells(folder / "ig" / "a.png")
    assert (cells.images == cell_images(6)[2:3]).all()
    assert cells.labels is None
    assert cells.names is not None
    assert cells.names.tolist() == ["a.png"]


def test_what_file_managers_leave_behind_is_skipped_silently(folder: Path) -> None:
    before = load_cells(folder), source_fingerprint(resolve_source(folder))
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "ig/.DS_Store", "ig/Thumbs.db", "ig/._a.png"):
        (folder / name).write_bytes(b"\x00\x01")
    (folder / ".git").mkdir()
    (folder / "ig" / ".ipynb_checkpoints").mkdir()
    after = load_cells(folder), source_fingerprint(resolve_source(folder))
    assert after[0].sha256 == before[0].sha256
    assert after[0].notes == before[0].notes
    assert after[1] == before[1]


def test_other_files_beside_the_class_folders_are_skipped_and_named(folder: Path) -> None:
    (folder / "LICENCE.txt").write_text("CC BY")
    assert "We skipped files that are not images: LICENCE.txt." in load_cells(folder).notes


def test_linked_classes_and_images_are_read(folder: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "ig").symlink_to(folder / "basophil", target_is_directory=True)
    (linked / "mo").mkdir()
    (linked / "mo" / "x.png").symlink_to(folder / "ig" / "a.png")
    cells = load_cells(linked)
    assert cells.labels is not None
    assert cells.labels.tolist() == [3, 3, 5]


@pytest.mark.parametrize("name", ["Zellen für Übung", "细胞 图像", "a b\tc", "quote'\"&<b>", "🩸", "-rf", "%s{0}"])
def test_unusual_names_are_read(name: str, tmp_path: Path) -> None:
    save(tmp_path / name / "ig" / f"{name}.png", cell_images(1)[0])
    cells = load_cells(tmp_path / name)
    assert len(cells) == 1
    assert cells.names is not None
    assert "\t" not in cells.names[0]


def test_undecodable_names_are_read_and_shown_escaped(tmp_path: Path) -> None:
    inside = os.fsencode(tmp_path / "ig")
    Path(os.fsdecode(inside)).mkdir()
    save(Path(os.fsdecode(inside + b"/\xff\xfe.png")), cell_images(1)[0])
    cells = load_cells(tmp_path)
    assert cells.names is not None
    cells.names[0].encode("utf-8")
    assert source_fingerprint(resolve_source(tmp_path)) == source_fingerprint(resolve_source(tmp_path))


def test_the_fingerprint_follows_names_and_contents(folder: Path) -> None:
    seen = {source_fingerprint(resolve_source(folder))}
    assert source_fingerprint(resolve_source(folder)) in seen
    (folder / "ig" / "a.png").rename(folder / "platelet" / "c.png")
    seen.add(source_fingerprint(resolve_source(folder)))
    save(folder / "platelet" / "c.png", cell_images(1, seed=5)[0])
    seen.add(source_fingerprint(resolve_source(folder)))
    (folder / "readme.txt").write_text("skipped, and said in a note")
    seen.add(source_fingerprint(resolve_source(folder)))
    assert len(seen) == 4


def png_claiming(width: int, height: int) -> bytes:
    """Return a PNG whose header claims a size that its few bytes of data do not have."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def put(name: str, content: bytes) -> Callable[[Path], None]:
    def add(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return add


def cut(folder: Path) -> None:
    noise = save(folder / "ig" / "z.jpg", cell_images(1)[0])
    noise.write_bytes(noise.read_bytes()[:900])


def bound_socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder / "ig")
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("z.png")
    finally:
        os.chdir(here)


def animation(folder: Path) -> None:
    frames = [Image.fromarray(image) for image in cell_images(2)]
    frames[0].save(folder / "ig" / "z.tiff", save_all=True, append_images=frames[1:])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "text as .jpg": (put("ig/z.jpg", b"no image"), "z.jpg: cannot be used as an image"),
    "text as .txt": (put("ig/z.txt", b"a note"), "z.txt: cannot be used as an image"),
    "empty image": (put("ig/z.png", b""), "z.png"),
    "cut JPEG": (cut, "z.jpg: .*truncated"),
    "PNG bomb": (put("ig/z.png", png_claiming(100_000, 100_000)), "z.png"),
    "PNG of 30,000 pixels": (put("ig/z.png", png_claiming(30_000, 30_000)), "z.png"),
    "PNG without its data": (put("ig/z.png", png_claiming(400, 400)), "z.png"),
    "an .npz inside": (put("ig/z.npz", b"PK\x03\x04"), "z.npz"),
    "PostScript": (put("ig/z.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "z.eps"),
    "too small": (lambda f: save(f / "ig" / "z.png", np.zeros((4, 4, 3), np.uint8)), "z.png: is 4 × 4"),
    "a strip": (lambda f: save(f / "ig" / "z.png", np.zeros((48, 200, 3), np.uint8)), "z.png: is 48 × 200"),
    "16-bit grey": (lambda f: save(f / "ig" / "z.png", np.zeros((48, 48), np.uint16)), "z.png: .*mode I;16"),
    "float TIFF": (lambda f: save(f / "ig" / "z.tif", np.zeros((48, 48), np.float32)), "z.tif: .*mode F"),
    "several frames": (animation, "z.tiff: holds several frames"),
    "link to nothing": (lambda f: (f / "ig" / "z.png").symlink_to(f / "gone"), "z.png"),
    "link to itself": (lambda f: (f / "ig" / "z.png").symlink_to(f / "ig" / "z.png"), "z.png"),
    "link in a circle": (lambda f: (f / "ig" / "loop").symlink_to(f), "loop: is not a regular file"),
    "fifo": (lambda f: os.mkfifo(f / "ig" / "z.png"), "z.png: is not a regular file"),
    "socket": (bound_socket, "z.png: is not a regular file"),
    "device": (lambda f: (f / "ig" / "z.png").symlink_to("/dev/zero"), "z.png: is not a regular file"),
    "folder that is no class": (
        lambda f: save(f / "thyroid" / "z.png", cell_images(1)[0]),
        "'thyroid': no class has this name, .* --classes with 4 names, in the order basophil, ig, platelet, thyroid",
    ),
    "folder named with a line break": (lambda f: save(f / "a\nb" / "z.png", cell_images(1)[0]), "no class"),
    "folder that no terminal should see": (
        lambda f: save(f / "\x1b[2J" / "z.png", cell_images(1)[0]),
        r"\\x1b",
    ),
    "split beside classes": (lambda f: save(f / "train" / "z.png", cell_images(1)[0]), "'train': no class"),
    "image outside its class": (
        lambda f: save(f / "z.png", cell_images(1)[0]),
        "z.png: is outside the class folders",
    ),
}
"""Name of the defect -> (what is added to a good folder, what the line must say)."""


@pytest.mark.parametrize("defect", BROKEN)
def test_broken_folder_is_refused_in_one_line_that_names_the_file(defect: str, folder: Path) -> None:
    add, said = BROKEN[defect]
    add(folder)
    with pytest.raises(InputError, match=said) as caught:
        load_cells(folder)
    assert "my cells" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("inside", [[], ["ig"], ["ig", "platelet"], [".hidden"]])
def test_folders_without_images_are_refused(inside: list[str], tmp_path: Path) -> None:
    for name in inside:
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="no images"):
        load_cells(tmp_path)


def test_a_folder_named_npz_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data.npz").mkdir()
    with pytest.raises(InputError, match=r"data\.npz: holds no images"):
        load_cells(tmp_path / "data.npz")


def test_folder_without_permission_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(InputError, match=r"my cells: cannot be used .*Permission denied"):
        load_cells(folder)
    with pytest.raises(InputError, match="Permission denied"):
        source_fingerprint(resolve_source(folder))


def test_image_without_permission_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", denied)
    with pytest.raises(InputError, match=r"a\.png: cannot be used .*Permission denied"):
        load_cells(folder)


PARTS = {"train": slice(0, 4), "val": slice(4, 6), "test": slice(6, 8)}


def many(root: Path, images: np.ndarray, wrapping: str = "") -> Path:
    """Write eight cells in two classes, in folders of classes within those of the parts, and return the folder."""
    for part, chosen in PARTS.items():
        for index in range(8)[chosen]:
            save(root / wrapping / part / ("BA", "platelets")[index % 2] / f"{index}.png", images[index])
    return root


@pytest.mark.parametrize("wrapping", ["", "bloodcells dataset"])
def test_folders_of_train_val_and_test_are_parts(wrapping: str, tmp_path: Path) -> None:
    images = cell_images(8)
    cells = load_cells(many(tmp_path / "cells", images, wrapping))
    assert cells.source_split is not None
    assert cells.labels is not None
    order = [0, 2, 1, 3, 4, 5, 6, 7]
    assert (cells.images == images[order]).all()
    assert cells.labels.tolist() == [0, 0, 7, 7, 0, 7, 0, 7]
    assert cells.source_split.tolist() == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2


def test_a_zip_of_a_folder_is_read_like_the_folder(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "cells"), "zip", folder.parent, folder.name))
    zipped, plain = load_cells(path), load_cells(folder)
    assert zipped.sha256 == plain.sha256
    assert zipped.source == "cells.zip"
    assert source_fingerprint(resolve_source(path)) != source_fingerprint(resolve_source(folder))


def test_a_zip_that_would_fill_the_disk_or_write_outside_does_neither(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ig/a.bmp", bytes(10**7))
    with pytest.raises(InputError, match=r"bomb\.zip: unpacks to 1 files of 10,000,000 bytes"):
        load_cells(path)
    image = save(tmp_path / "cell.png", cell_images(1)[0]).read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.png", image)
    assert len(load_cells(path)) == 1
    assert not list(tmp_path.parent.rglob("outside.png"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no images")
    with pytest.raises(InputError, match=r"bomb\.zip: holds no images"):
        load_cells(path)


@pytest.mark.parametrize(
    "rows",
    [
        "file,label\n{0},EOS\n{1},LYT\n{2},\n",
        "id;patient;class\n0;7;1\n1;7;4\n",
        ",number,file,label\n0,1,{0},EOS\n1,2,{1},LYT\n2,0,gone.png,MO\n",
        "\ufeffpath\tlabel\nphotos/{0}\t1\nphotos/{1}\t4\nphotos/gone.png\t5\n",
    ],
)
def test_labels_may_come_from_a_table(rows: str, tmp_path: Path) -> None:
    for index, image in enumerate(cell_images(3)):
        save(tmp_path / "photos" / f"{index}.png", image)
    (tmp_path / "labels.csv").write_text(rows.format("0.png", "1.png", "2.png"), encoding="utf-8")
    cells = load_cells(tmp_path)
    assert (cells.images == cell_images(3)).all()
    assert cells.labels is not None
    assert cells.labels.tolist() == [1, 4, UNLABELLED]
    assert "1 of 3 images have no label." in cells.notes


def test_a_table_that_names_no_image_is_skipped(folder: Path) -> None:
    (folder / "patients.csv").write_text("patient,age\n1,80\n")
    assert load_cells(folder).labels is not None
    assert "We skipped files that are not images: patients.csv." in load_cells(folder).notes


def test_the_first_picture_of_a_telephones_file_is_taken(tmp_path: Path) -> None:
    images = [Image.fromarray(each) for each in cell_images(2)]
    (tmp_path / "ig").mkdir()
    images[0].save(tmp_path / "ig" / "a.jpg", "MPO", save_all=True, append_images=images[1:], quality=95)
    cells = load_cells(tmp_path)
    assert np.abs(cells.images[0].astype(int) - cell_images(2)[0]).mean() < 9
    assert "We took the first image of files with several (n = 1)." in cells.notes


def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    for index, image in enumerate(cell_images(2)):
        save(tmp_path / f"{index}.png", image)
    (tmp_path / "labels.csv").write_text("file,label\n0.png,EOS\n1.png,LYT\n0.png,MO\n")
    with pytest.raises(InputError, match="names a file in “file” twice, with different labels"):
        load_cells(tmp_path)
