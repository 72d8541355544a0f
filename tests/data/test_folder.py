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
from helpers.data.folder import other_kind
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
    cropped = "We resampled the central 200 × 200 of 363 × 360 pixels (n = 1) to 48 × 48 pixels by Pillow"
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
    assert "100 × 100 pixels (n = 1), the central 224 × 224" in cells.notes[0]


def test_many_sizes_give_few_notes(tmp_path: Path) -> None:
    for side in range(60, 80):
        save(tmp_path / "ly" / f"{side}.png", cell_images(1, side)[0])
    note, _ = load_cells(tmp_path).notes
    assert "64 × 64 pixels (n = 1), and 15 more to 48 × 48" in note


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
    assert "The images have no labels." in cells.notes
    assert "We skipped files that are not images: readme.txt." in cells.notes


def test_one_image_file_is_one_unlabelled_cell(folder: Path) -> None:
    cells = load_cells(folder / "ig" / "a.png")
    assert (cells.images == cell_images(6)[2:3]).all()
    assert cells.labels is None
    assert cells.names is not None
    assert cells.names.tolist() == ["a.png"]


def test_hidden_files_are_skipped_silently(folder: Path) -> None:
    before = load_cells(folder), source_fingerprint(resolve_source(folder))
    for name in (".DS_Store", "ig/.DS_Store", "ig/._a.png"):
        (folder / name).write_bytes(b"\x00\x01")
    (folder / ".git").mkdir()
    (folder / "ig" / ".ipynb_checkpoints").mkdir()
    after = load_cells(folder), source_fingerprint(resolve_source(folder))
    assert after[0].sha256 == before[0].sha256
    assert after[0].notes == before[0].notes
    assert after[1] == before[1]


def test_other_files_are_skipped_and_named(folder: Path) -> None:
    (folder / "LICENCE.txt").write_text("CC BY")
    for number in range(11):
        put(f"ig/{number:02}.xml", b"<annotation/>")(folder)
    (note,) = (note for note in load_cells(folder).notes if "skipped" in note)
    assert note.startswith("We skipped files that are not images: LICENCE.txt, ig/00.xml, ")
    assert note.endswith("ig/07.xml, and 3 more.")


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
    "text as .jpg": (put("ig/z.jpg", b"no image"), "z.jpg: is text"),
    "text without a suffix": (put("ig/README", b"a note"), "README: is text"),
    "empty image": (put("ig/z.png", b""), "z.png: is empty"),
    "HEIC as .jpg": (put("ig/z.jpg", b"\0\0\0\x18ftypheic" + bytes(99)), r"z.jpg: is a HEIC.*\(save it as PNG\)"),
    "GIF": (lambda f: save(f / "ig" / "z.gif", cell_images(1)[0]), r"z.gif: is a .*GIF.*\(save it as PNG\)"),
    "cut JPEG": (cut, "z.jpg: .*truncated"),
    "PNG bomb": (put("ig/z.png", png_claiming(100_000, 100_000)), "z.png"),
    "PNG of 30,000 pixels": (put("ig/z.png", png_claiming(30_000, 30_000)), "z.png"),
    "PNG without its data": (put("ig/z.png", png_claiming(400, 400)), "z.png"),
    "PostScript": (put("ig/z.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "z.png"),
    "too small": (
        lambda f: save(f / "ig" / "z.png", np.zeros((4, 4, 3), np.uint8)),
        "z.png: is 4 × 4 pixels, expected sides of 16 to 4,096",
    ),
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
        "thyroid/z.png: is in no folder named for a class, unlike others",
    ),
    "folder named with a line break": (lambda f: save(f / "a\nb" / "z.png", cell_images(1)[0]), "in no folder named"),
    "folder that no terminal should see": (
        lambda f: save(f / "\x1b[2J" / "z.png", cell_images(1)[0]),
        r"\\x1b",
    ),
    "split beside classes": (lambda f: save(f / "train" / "ig" / "z.png", cell_images(1)[0]), "a.png: is in no split"),
    "image outside its class": (
        lambda f: save(f / "z.png", cell_images(1)[0]),
        "z.png: is in no folder named for a class",
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


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\n")
    (tmp_path / "cells.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"holds no images \(files: cells\.npz, labels\.csv\); give some"):
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


LAYOUTS = {
    "classes above splits": ("{name}/{split}/{at}.png", ""),
    "patients above classes": ("{split}/{at}/{name}/{at}.png", ""),
    "images above classes": ("{split}/images/{name}/{at}.png", ""),
    "long names of splits": ("{split}ing_set/{name}/{at}.png", ""),
    "two tests": (
        "{split}{letter}/{name}/{at}.png",
        "We joined those of the folders testA, testB, train that name one split.",
    ),
}
"""Name of a layout -> (path of each image, the warning)."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_nearest_folders_give_label_and_split(layout: str, tmp_path: Path) -> None:
    form, warning = LAYOUTS[layout]
    images, names, splits = cell_images(8), ["BA", "platelets"] * 4, ["train"] * 4 + ["test"] * 4
    for at, (image, name, split) in enumerate(zip(images, names, splits, strict=True)):
        letter = "" if split == "train" else "AB"[at % 2]
        save(tmp_path / form.format(name=name, split=split, at=at, letter=letter), image)
    cells = load_cells(tmp_path)
    assert cells.names is not None
    order = [int(Path(name).stem) for name in cells.names]
    assert (cells.images == images[order]).all()
    assert cells.labels is not None
    assert cells.labels.tolist() == [[0, 7][at % 2] for at in order]
    assert cells.source_split is not None
    assert cells.source_split.tolist() == [splits[at] for at in order]
    said = [each for each in cells.warnings if "folders" in each]
    assert said == ([warning] if warning else [])


def test_folders_of_splits_are_never_taken_for_classes(tmp_path: Path) -> None:
    for name in ("train", "test", "extra"):
        save(tmp_path / name / "BA" / "0.png", cell_images(1)[0])
    with pytest.raises(InputError, match=r"extra/BA/0\.png: is in no split") as caught:
        load_cells(tmp_path)
    assert "--classes" not in str(caught.value)


def test_numbered_folders_are_labels_only_where_none_is_named(tmp_path: Path) -> None:
    for label in range(8):
        save(tmp_path / "cells" / str(label) / "a.png", cell_images(8)[label])
    cells = load_cells(tmp_path)
    assert cells.labels is not None
    assert cells.labels.tolist() == [*range(8)]
    assert "numbers without names" in cells.notes[0]


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
    with pytest.raises(InputError, match=r"bomb\.zip: unpacks to 10,000,000 bytes"):
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


PLAIN = "file,label\n{0},EOS\n{1},LYT\n{2},\n{3},MO\n"
TABLES: dict[str, str | bytes] = {
    "plain": PLAIN,
    "stems and numbers": "id;patient;class\n0;7;1\n1;7;4\n2;8;\n3;8;5\n",
    "running number": ",number,file,label\n0,1,{0},EOS\n1,2,{1},LYT\n2,0,gone.png,MO\n3,0,{3},MO\n",
    "running number like stems": "id,file,label\n1,{0},EOS\n2,{1},LYT\n3,{2},\n4,{3},MO\n",
    "tabs, paths": "\ufeffpath\tlabel\nphotos/{0}\t1\nphotos/{1}\t4\nphotos/gone.png\t5\nphotos/{3}\t5\n",
    "paths of Windows": PLAIN.replace("{", "C:\\data\\photos\\{"),
    "paths of another place": PLAIN.replace("{", "/home/me/images/{"),
    "other suffix and case": "file,label\n0.JPG,EOS\n1.JPG,LYT\n2.JPG,\n3.JPG,MO\n",
    "UTF-16": PLAIN.format(*(f"{at}.png" for at in range(4))).encode("utf-16"),
    "cp1252": ("Größe," + PLAIN.replace("\n{", "\n9,{")).format(*(f"{at}.png" for at in range(4))).encode("cp1252"),
    "bars": PLAIN.replace(",", "|"),
    "Excel": "sep=;\r\nfile;label\r\n{0};1\r\n{1};4\r\n{2};\r\n{3};5\r\n",
    "remarks": "# from, a, microscope\n# of 2020\nfile;label\n{0};1\n{1};4\n{2};\n{3};5\n",
    "ragged lines": PLAIN.replace("{2},", "{2}") + "total\n",
    "spaces": PLAIN.replace(",", " , "),
    "numbers beside their names": "file,label,label_name\n{0},0,EOS\n{1},1,LYT\n{2},,\n{3},2,MO\n",
    "codes beside names": "file,class,cell\n{0},EOS,eosinophil\n{1},LYT,lymphocyte\n{2},,\n{3},MO,monocyte\n",
    "predictions besides": "file,label,predicted\n{0},EOS,MO\n{1},LYT,MO\n{2},,MO\n{3},MO,MO\n",
}
"""Name of a kind of table -> its content."""


def listed_cells(folder: Path, table: str | bytes, name: str = "labels.csv") -> Path:
    """Write four cells, and a table beside their folder, and return the folder of both."""
    for index, image in enumerate(cell_images(4)):
        save(folder / "photos" / f"{index}.png", image)
    text = table if isinstance(table, bytes) else table.format(*(f"{at}.png" for at in range(4))).encode()
    (folder / name).write_bytes(text)
    return folder


@pytest.mark.parametrize("kind", TABLES)
def test_labels_may_come_from_a_table(kind: str, tmp_path: Path) -> None:
    cells = load_cells(listed_cells(tmp_path, TABLES[kind]))
    assert (cells.images == cell_images(4)).all()
    assert cells.labels is not None
    assert cells.labels.tolist() == [1, 4, UNLABELLED, 5]
    assert "Folders and tables give no label for 1 of 4 images." in cells.warnings


@pytest.mark.parametrize("name", ["labels.tsv", "labels.tab"])
def test_a_table_may_have_tabs_and_their_suffix(name: str, tmp_path: Path) -> None:
    cells = load_cells(listed_cells(tmp_path, PLAIN.replace(",", "\t"), name))
    assert cells.labels is not None
    assert cells.labels.tolist() == [1, 4, UNLABELLED, 5]


NO_NAMES = "names {} of 4 images, expected file names in a column"
NO_COLUMN = "none of its columns ({}) is labels, so call one “label”"
UNUSED: dict[str, tuple[str, str, str]] = {
    "xlsx": ("labels.xlsx", "PK", "is not read, expected CSV; save it as CSV"),
    "no image": ("labels.csv", "patient,age\n100,80\n", NO_NAMES.format(0)),
    "few images": ("labels.csv", "id,label\n0,EOS\n17,EOS\n18,EOS\n19,EOS\n", NO_NAMES.format(1)),
    "only a patient": ("labels.csv", "file,patient\n{0},1\n{1},2\n{2},3\n{3},4\n", NO_COLUMN.format("patient")),
    "only files": ("labels.csv", "file\n{0}\n{1}\n", NO_COLUMN.format("none")),
    "only predictions": ("labels.csv", "file,predicted\n{0},MO\n{1},MO\n", NO_COLUMN.format("predicted")),
    "two columns of numbers": (
        "labels.csv",
        "file,label,class\n{0},1,0\n{1},2,1\n{2},3,2\n{3},4,3\n",
        "“label”, “class” could be the labels, expected one; remove the others",
    ),
    "two columns of names": (
        "labels.csv",
        "file,first,second\n{0},EOS,MO\n{1},MO,MO\n{2},MO,MO\n{3},MO,MO\n",
        "“first”, “second” could be the labels, expected one; remove the others",
    ),
    "one column a class": (
        "labels.csv",
        "file,EOS,LYT,MO\n{0},1,0,0\n{1},0,1,0\n{2},0,0,0\n{3},0,0,1\n",
        "has columns named for classes, expected one called “label” of their names",
    ),
    "a file twice": (
        "labels.csv",
        PLAIN + "{0},MO\n",
        "rows or images in different folders have the same name, expected names that differ",
    ),
    "a longer line": ("labels.csv", PLAIN + "{0},EOS,MO\n", "is damaged or not a table (ParserError: "),
    "empty": ("labels.csv", "", "is damaged or not a table (EmptyDataError: "),
    "header only": ("labels.csv", "file,label\n", NO_NAMES.format(0)),
}
"""What is wrong with a table -> its name, its content, and the reason that is given."""


@pytest.mark.parametrize("fault", UNUSED)
def test_a_table_that_is_not_used_is_named_with_the_reason(fault: str, tmp_path: Path) -> None:
    name, text, reason = UNUSED[fault]
    cells = load_cells(listed_cells(tmp_path, text, name))
    assert cells.labels is None
    (warning,) = cells.warnings
    assert warning.startswith(f"We did not use the table {name}: {reason}")
    assert "\\n" not in warning


def test_a_table_without_a_header_lacks_its_first_image_and_it_is_said(tmp_path: Path) -> None:
    cells = load_cells(listed_cells(tmp_path, "{0},EOS\n{1},LYT\n{2},MO\n{3},MO\n"))
    assert cells.labels is not None
    assert cells.labels.tolist() == [UNLABELLED, 4, 5, 5]
    assert "Folders and tables give no label for 1 of 4 images." in cells.warnings


@pytest.mark.parametrize("label", ["platelet", "3"])
def test_class_folders_come_before_a_table_and_it_is_said(label: str, tmp_path: Path) -> None:
    for at, name in enumerate(("basophil", "ig", "platelet")):
        save(tmp_path / name / f"{at}.png", cell_images(3)[at])
    (tmp_path / "labels.csv").write_text(f"file,label\nbasophil/0.png,{label}\n1.png,BA\n")
    cells = load_cells(tmp_path)
    assert cells.labels is not None
    assert cells.labels.tolist() == [0, 3, 7]
    (warning,) = cells.warnings
    assert warning.startswith("We did not use the table labels.csv: folders or another table name labels")


def test_a_table_may_name_the_splits(tmp_path: Path) -> None:
    rows = "0.png,EOS,train\n1.png,LYT,test\n2.png,MO,train\n3.png,MO,Testing\n"
    cells = load_cells(listed_cells(tmp_path, f"file,label,split\n{rows}"))
    assert (cells.images == cell_images(4)[[0, 2, 1, 3]]).all()
    assert cells.labels is not None
    assert cells.labels.tolist() == [1, 5, 4, 5]
    assert cells.source_split is not None
    assert cells.source_split.tolist() == ["train", "train", "test", "test"]


def test_tables_of_other_images_are_joined_and_their_names_give_the_splits(tmp_path: Path) -> None:
    listed_cells(tmp_path, "file,label\n1.png,LYT\n3.png,MO\n", "test.csv")
    cells = load_cells(listed_cells(tmp_path, "file,label\n0.png,EOS\n2.png,MO\n", "train.csv"))
    assert cells.labels is not None
    assert cells.source_split is not None
    assert (cells.labels.tolist(), cells.warnings) == ([1, 5, 4, 5], ())
    assert cells.source_split.tolist() == ["train", "train", "test", "test"]


def test_of_two_tables_of_the_same_images_only_one_is_used_and_it_is_said(tmp_path: Path) -> None:
    listed_cells(tmp_path, "file,label\n1.png,LYT\n3.png,MO\n", "a.csv")
    cells = load_cells(listed_cells(tmp_path, "file,label\n1.png,EOS\n2.png,MO\n", "b.csv"))
    assert cells.labels is not None
    assert cells.labels.tolist() == [UNLABELLED, 4, UNLABELLED, 5]
    said = " ".join(cells.warnings)
    assert "Folders and tables give no label for 2 of 4 images." in said
    assert "We did not use the table b.csv: folders or another table name labels or splits, too; keep one" in said


def test_the_labels_of_a_whole_split_may_be_hidden(tmp_path: Path) -> None:
    for at, name in enumerate(("train/basophil", "train/ig", "test")):
        save(tmp_path / name / f"{at}.png", cell_images(3)[at])
    cells = load_cells(tmp_path)
    assert cells.labels is not None
    assert cells.source_split is not None
    assert cells.labels.tolist() == [0, 3, UNLABELLED]
    assert cells.source_split.tolist() == ["train", "train", "test"]


def test_a_zip_may_have_the_paths_of_windows(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for at, name in enumerate(("basophil", "ig")):
            save(tmp_path / f"{at}.png", cell_images(2)[at])
            archive.write(tmp_path / f"{at}.png", f"cells\\{name}\\{at}.png")
    cells = load_cells(tmp_path / "a.zip")
    assert cells.labels is not None
    assert cells.labels.tolist() == [0, 3]


def test_rows_that_a_table_repeats_are_read_once(tmp_path: Path) -> None:
    cells = load_cells(listed_cells(tmp_path, "file,label\n0.png,EOS\n1.png,LYT\n1.png,LYT\n2.png,MO\n3.png,MO\n"))
    assert cells.labels is not None
    assert cells.labels.tolist() == [1, 4, 5, 5]


def test_a_split_of_another_name_is_refused(tmp_path: Path) -> None:
    rows = "0.png,EOS,train\n1.png,LYT,test\n2.png,MO,holdout\n3.png,MO,train\n"
    with pytest.raises(InputError, match=r"2\.png: is in no split"):
        load_cells(listed_cells(tmp_path, f"file,label,split\n{rows}"))


def test_a_table_may_name_splits_of_images_in_class_folders(tmp_path: Path) -> None:
    for at, name in enumerate(("basophil", "ig", "basophil", "ig")):
        save(tmp_path / name / f"{at}.png", cell_images(4)[at])
    (tmp_path / "splits.csv").write_text("file,split\n0.png,train\n1.png,train\n2.png,test\n3.png,test\n")
    cells = load_cells(tmp_path)
    assert cells.labels is not None
    assert cells.labels.tolist() == [0, 3, 0, 3]
    assert cells.source_split is not None
    assert cells.source_split.tolist() == ["train"] * 2 + ["test"] * 2


def test_a_table_cannot_tell_files_of_the_same_name_apart_and_says_so(tmp_path: Path) -> None:
    for index, split in enumerate(("train", "test")):
        save(tmp_path / split / "0.png", cell_images(2)[index])
    (tmp_path / "labels.csv").write_text("file,label\ntrain/0.png,EOS\ntest/0.png,LYT\n")
    cells = load_cells(tmp_path)
    assert cells.labels is None
    (warning,) = cells.warnings
    assert "labels.csv: rows or images in different folders have the same name, expected names that differ" in warning


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"", "is empty"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"MATLAB 5.0 M", "MATLAB"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "unpack"),
        (b"file,label\n0", "text"),
        (b"\x89PNG\r\n\x1a\n", ""),
    ],
)
def test_first_bytes_tell_what_else_a_file_is(start: bytes, kind: str) -> None:
    assert (kind in other_kind(start)) if kind else other_kind(start) == ""


def test_the_first_picture_of_a_telephones_file_is_taken(tmp_path: Path) -> None:
    images = [Image.fromarray(each) for each in cell_images(2)]
    (tmp_path / "ig").mkdir()
    images[0].save(tmp_path / "ig" / "a.jpg", "MPO", save_all=True, append_images=images[1:], quality=95)
    cells = load_cells(tmp_path)
    assert np.abs(cells.images[0].astype(int) - cell_images(2)[0]).mean() < 9
    assert "We took the first image of files with several (n = 1)." in cells.notes
