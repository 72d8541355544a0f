"""Feed damaged and hostile files to every reader, and count what goes wrong: ``python -m tools.fuzz [TARGET]``.

Sound files are changed in their bytes, names and structure. A reader may use the result or refuse it. Anything else is
a fault: a traceback, a crash, a hang, too much memory, a program started, a file written elsewhere. Linux only.
"""

import io
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from helpers.errors import InputError, OneLineParser, with_exit_code

SECONDS, MOST_BYTES = 5.0, 2e9  # more processor time is a hang, as is ten times as long, and more memory a fault
TARGETS = ("loader", "models", "compare", "results")
FORBIDDEN = {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class"}
"""What Python reports of code that would leave the reader."""

Files = dict[str, bytes]
SCRIPT = "<script>alert(1)</script>"
NAMES = ["../../out", "/tmp/out", "a\0b", "n" * 300, "..", ".hidden", SCRIPT, "labels", "train", "\udcff", "module"]
VALUES: list[Any] = [None, True, -1, 0, 9, 2**31, 10**9, 10**30, 1e308, np.nan, np.inf, "", SCRIPT, "\ud800", [], {}]
VALUES += ["x" * 5000, "basophil", "../../etc/passwd", "os", "system", [[]], [-1, 0], {"class_name": "Lambda"}]
BITS = [b"\0", b"\xff", b"\xff\xff\xff\x7f", b"PK\1\2", b"(", b"'", b"9" * 12, b"\n", b"|O", b"<f8", b"\x80\4N."]


def broken(content: bytes, chance: random.Random) -> bytes:
    """Return ``content`` with a few bytes changed, inserted, repeated or missing, often in its head."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        start = chance.randrange(min(len(data), chance.choice((200, len(data)))) + 1)
        end = start + chance.choice((0, 1, 4, 40))
        data[start:end] = chance.choice((chance.randbytes(end - start), b"", data[start:end] * 3, chance.choice(BITS)))
    return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.1 else data)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a JSON value with every key that it has."""
    for key, child in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        yield from places(child) if isinstance(child, dict | list) else ()


def broken_json(content: bytes, chance: random.Random) -> bytes:
    """Return a JSON object in which a value is another, is missing, is nested too deep, or has another key."""
    value = json.loads(content)
    (container, key), (other, its_key) = chance.choices([*places(value)], k=2)
    new = chance.choice([*VALUES, other[its_key]])
    if isinstance(container, dict) and chance.random() < 0.3:
        del container[key]
        key = chance.choice([*NAMES, str(its_key)])
    text = json.dumps(value) if other is container else ""
    container[key] = None if chance.random() < 0.05 else json.loads(json.dumps(new))
    text = text if text and chance.random() < 0.2 else json.dumps(value)
    return text.replace("null", "[" * 3000 + "]" * 3000, int(chance.random() < 0.1)).encode()


def broken_npy(content: bytes, chance: random.Random) -> bytes:
    """Return an .npy array with another type or shape in its header."""
    types, sizes = (b"|O", b"<U9", b"<f2", b"<c8", b">i8", b"|V0", b"<M8[s]"), (b"0", b"-1", b"3", b"9" * 18, b"(1,)")
    text = re.sub(rb"(?<=descr': ')[^']+", chance.choice(types), content[:128], count=int(chance.random() < 0.5))
    number = chance.choice([*re.finditer(rb"\d+|$", text[60:])])
    text = text[: 60 + number.start()] + chance.choice((*sizes, number[0])) + text[60 + number.end() :]
    return text.ljust(128)[:128] + content[128:]


def broken_zip(content: bytes, chance: random.Random) -> bytes:
    """Return a zip with an entry that is broken, renamed, missing, huge or a link, or with a false directory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = broken_files({name: archive.read(name) for name in archive.namelist()}, chance)
    files |= {f"z{next(iter(files), '')}": bytes(10**7)} if chance.random() < 0.01 else {}
    with zipfile.ZipFile(stream := io.BytesIO(), "w", chance.choice((0, 8))) as archive:
        for name, member in files.items():
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            info.external_attr = chance.choice((0, 0, 0, 0xA1FF0000))  # a link
            archive.writestr(info, member, archive.compression)
    data = bytearray(stream.getvalue())
    if chance.random() < 0.1:
        at = max(data.rfind(b"PK\1\2"), 0) + chance.randrange(4, 46)
        data[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\0\0\0\x50"))
    return bytes(data)


def broken_onnx(content: bytes, chance: random.Random) -> bytes:
    """Return an ONNX model with a foreign operator, type or size, weights elsewhere, or another connection."""
    import onnx

    model = onnx.load_from_string(content)
    node, weight = chance.choice(model.graph.node), chance.choice(model.graph.initializer)
    end = chance.choice([*model.graph.input, *model.graph.output]).type.tensor_type
    size = chance.choice([0, -1, 1, 2**31 - 1, 2**31, 2**40, 2**62])
    match chance.randrange(7):
        case 0:
            node.op_type = chance.choice(["Loop", "If", "PyOp", "Expand", "Tile", "Range", "ConstantOfShape", SCRIPT])
        case 1:
            node.domain = chance.choice(["com.microsoft", "ai.onnx.ml", "somebody.else"])
        case 2:
            node.input[chance.randrange(len(node.input))] = chance.choice([weight.name, "", node.output[0]])
        case 3:
            weight.dims.append(size)
        case 4:
            weight.data_location = onnx.TensorProto.EXTERNAL
            weight.external_data.add(key="location", value=chance.choice(["../../../etc/passwd", "/dev/zero", "x"]))
        case 5:
            node.attribute.add(name="pads", type=onnx.AttributeProto.INTS, ints=[size] * 4)
        case _:
            end.shape.dim[-1].dim_value, end.elem_type = size, chance.randrange(20)
    return bytes(model.SerializeToString())


STRUCTURED = dict.fromkeys((".npz", ".zip", ".keras", ".skops"), broken_zip) | {".onnx": broken_onnx}
STRUCTURED |= {".npy": broken_npy, ".json": broken_json, "schema": broken_json}


def broken_files(files: Files, chance: random.Random) -> Files:
    """Return files of which one is broken, renamed or missing; what has a structure mostly keeps it."""
    files, name, fate = dict(files), chance.choice([*files]), chance.random()
    if fate < 0.8 or len(files) == 1:
        change = STRUCTURED.get(Path(name).suffix or name, broken) if chance.random() < 0.8 else broken
        with suppress(IndexError):  # nothing left to break
            files[name] = change(files[name], chance)
    else:
        content = files.pop(name)
        files |= {f"{name.rpartition('/')[0]}/{chance.choice(NAMES)}{Path(name).suffix}": content} if fate < 0.9 else {}
    return files


def write_files(files: Files, folder: Path) -> Path:
    """Write files below ``folder``, but for names that the system does not allow or that lead elsewhere; return it."""
    folder.mkdir()
    for name, content in files.items():
        path = folder / name.lstrip("/")
        with suppress(OSError, ValueError):
            if ".." not in path.parts:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return folder


def examples(target: str) -> list[Files]:
    """Return small sound inputs of a target; called in a process of its own, as the models need TensorFlow."""
    from PIL import Image

    from helpers.data import CLASS_NAMES, draw_cells
    from helpers.report import PUBLISHED

    if target in ("compare", "results"):
        results = json.loads(PUBLISHED.read_text("utf-8"))
        few = {"models": {"forest": results["models"]["forest"]}, "claims": results["claims"][:2], "summary": {}}
        text = json.dumps(results | few).encode()
        return [{"results.json": text, "b.json": text}]
    cells, labels = draw_cells(10), np.arange(10, dtype=np.uint8) % 8
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.savez_compressed(folder / "cells.npz", images=cells.images, labels=labels)
        found = [{"cells.npz": (folder / "cells.npz").read_bytes()}]
        if target == "models":
            save_models(folder, cells.images, labels)
            return [{path.name: path.read_bytes()} | found[0] for path in folder.glob("model*")]
        for form in ("png", "jpeg", "tiff", "bmp", "webp"):
            Image.fromarray(cells.images[0]).save(path := folder / f"cell.{form}")
            found.append({path.name: path.read_bytes()})
    images = [content for files in found[1:] for content in files.values()]
    table = b"image,label,split\n0.png,ig,train\n1.jpg,platelet,test\n"
    tree = {f"{part}/{CLASS_NAMES[at]}/{at}.png": images[at] for at in range(5) for part in ("train", "test")}
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
        for name, content in tree.items():
            archive.writestr(name, content)
    return [*found, tree, {"cells.zip": stream.getvalue()}, {"a.csv": table, "0.png": images[0], "1.jpg": images[1]}]


def save_models(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Save a small model of every kind with a background, fitted to the images."""
    from sklearn.ensemble import RandomForestClassifier

    from helpers import features, onnx_export, saved_models
    from helpers.features import classical
    from helpers.networks import keras

    layers = keras.layers
    inner = [layers.Rescaling(1 / 255), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.MaxPooling2D(8)]
    network = keras.Sequential([keras.Input((48, 48, 3)), *inner, layers.Flatten(), layers.Dense(8, "softmax")])
    network.save(folder / "model.keras")
    trees = RandomForestClassifier(3).fit(features.extract_features(images, features.REPORT_GROUPS), labels)
    forest = classical.ClassicalModel("forest", tuple(features.REPORT_GROUPS), trees, {})
    classical.save_classical(forest, folder / "model.skops")
    machine = classical.fit_handcrafted_best(np.repeat(images, 3, axis=0), np.repeat(labels, 3), seed=0)
    classical.save_classical(machine, folder / "model-svm.skops")
    look = features.fit_look(images, images)
    background = saved_models.Background(1.0, "cells", True, np.sort(saved_models.image_codes(images)), look)
    for path in [*folder.glob("model*")]:
        saved_models.write_background(path, background)
    onnx_export.export_onnx(folder / "model.keras", folder / "model.onnx")


def read(target: str, folder: Path) -> bool:
    """Return whether what is in ``folder`` can be used; raise InputError where it is refused."""
    files = sorted(folder.iterdir())
    if target == "loader":
        from helpers.data import load_cells

        return len(load_cells(files[0] if len(files) == 1 else folder)) > 0
    if target == "models":
        from helpers import test_model

        model = next((path for path in files if path.name.startswith("model")), folder)
        return test_model.main([str(model), str(folder / "cells.npz"), "--predictions", str(folder / "out.csv")]) == 0
    from tools import compare, publish

    if target == "compare":
        return compare.main([str(folder / "results.json"), str(folder / "b.json")]) < 2
    setattr(publish, "PUBLISHED", folder / "published.json")  # noqa: B010
    publish.keep(folder / "results.json")
    return True


def endure(target: str, inputs: list[Files], numbers: range, seed: int, progress: Any, faults: Any) -> None:
    """Read a damaged input for every number; ``progress`` holds the number and how many inputs could be used."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that counts
    with TemporaryDirectory() as name:
        tempfile.tempdir = name

        def watch(event: str, values: tuple[Any, ...]) -> None:
            is_writing = event == "open" and {*"wax+"} & {*(values[1] or "r")} and not isinstance(values[0], int)
            if event in FORBIDDEN or (is_writing and not os.path.realpath(os.fsdecode(values[0])).startswith(name)):
                faults.send((progress[0], f"{event} {values!r:.99}", ""))

        for number, whole in enumerate(inputs):  # loads all modules
            read(target, write_files(whole, Path(name, f"whole{number}")))
        sys.addaudithook(watch)
        for number in numbers:
            progress[0], chance = number, random.Random(f"{seed} {target} {number}")
            with TemporaryDirectory() as place:
                folder = write_files(broken_files(chance.choice(inputs), chance), Path(place, "in"))
                try:
                    progress[1] += read(target, folder)
                except InputError as error:
                    if not str(error).isprintable():
                        faults.send((number, "refused in several lines", str(error)))
                except BaseException as error:
                    frame = traceback.extract_tb(error.__traceback__)[-1]
                    fault = f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"
                    faults.send((number, fault, traceback.format_exc()))
            if used(os.getpid())[1] > MOST_BYTES / 2:
                return  # to a new process, as Keras keeps something of every network


def used(process: int) -> tuple[float, float]:
    """Return the seconds that a process has computed and the bytes of memory that it holds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")


def fuzz(target: str, numbers: range, seed: int) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the kind and the traceback of every fault; print counts at the end."""
    context = get_context("fork")
    with context.Pool(1) as pool:
        inputs = pool.apply(examples, (target,))
    progress, started, at = context.Array("q", [0, 0]), time.monotonic(), numbers.start
    try:
        while at < numbers.stop:
            progress[0] = at - 1
            receiver, sender = context.Pipe(duplex=False)
            rest = range(at, numbers.stop)
            child = context.Process(target=endure, args=(target, inputs, rest, seed, progress, sender))
            child.start()
            seen, since, before, end = at, 0.0, 0.0, ""
            while child.is_alive() or receiver.poll():
                child.join(0.05)
                while receiver.poll():
                    yield receiver.recv()
                with suppress(OSError):  # it may have ended
                    seconds, memory = used(child.pid or 0)
                    if progress[0] != seen or progress[0] < at:
                        seen, since, before = progress[0], time.monotonic(), seconds
                    end = "too much memory" if memory > MOST_BYTES else end
                    is_stuck = seconds - before > SECONDS or time.monotonic() - since > 10 * SECONDS
                    end = "hang" if is_stuck else end
                if end:
                    child.kill()
            if progress[0] < at:
                raise InputError(f"{target}: its sound examples cannot be read")
            if end or child.exitcode:
                yield progress[0], end or f"crash {child.exitcode}", ""
            at = progress[0] + 1
    finally:
        child.kill()
        count, seconds = progress[0] + 1 - numbers.start, time.monotonic() - started
        print(f"{target}: {count:,} executions in {seconds:.0f} s, {progress[1]:,} inputs used")


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 if there was no fault, else 1."""
    parser = OneLineParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=TARGETS, help="what reads the files (default: all in turn)")
    parser.add_argument("--executions", type=int, default=1000, metavar="N", help="of each target (default: 1000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first, to repeat a fault")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other inputs (default: 0)")
    options, known = parser.parse_args(arguments), Counter[str]()
    with suppress(KeyboardInterrupt):  # what was counted until then is printed
        for target in [options.target] if options.target else TARGETS:
            numbers = range(options.first, options.first + options.executions)
            for number, fault, lines in fuzz(target, numbers, options.seed):
                known[f"{target}: {fault}"] += 1
                if known[f"{target}: {fault}"] == 1:
                    print(f"{target} {number}: {fault}\n{lines}")
    print(f"{known.total():,} faults", *(f"{count:7,} {fault}" for fault, count in known.most_common()), sep="\n")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
