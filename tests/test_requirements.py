"""The lists of packages, their pins and the conda environment agree."""

import re

import pytest
import yaml

from helpers.files import ROOT

FOLDER = ROOT / "requirements"


def lines(name: str) -> list[str]:
    """Return the lines of a file in requirements/ that name a package."""
    return re.findall(r"^[A-Za-z].*", (FOLDER / name).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("kind", ["runtime", "development"])
def test_each_package_has_a_reason_and_a_pin(kind) -> None:
    pinned = {line.split("==")[0] for line in lines(f"{kind}.txt")}
    for line in lines(f"{kind}.in"):
        name, _, reason = line.partition("#")
        assert reason.strip(), line
        assert name.strip() in pinned


def test_each_pin_has_a_hash() -> None:
    for kind in ("runtime", "development"):
        for line in lines(f"{kind}.txt"):
            assert re.fullmatch(r"[\w.-]+==\S+( ; .+)? \\", line), line


def test_the_development_pins_contain_the_runtime_pins() -> None:
    assert set(lines("runtime.txt")) <= set(lines("development.txt"))


def test_the_conda_environment_has_the_same_pins_and_a_supported_python() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, pins = environment["dependencies"]
    assert (pip, pins) == ("pip", {"pip": ["-r requirements/runtime.txt"]})
    assert python in [f"python=3.{minor}" for minor in (11, 12, 13)]
    script = (FOLDER / "environment.sh").read_text(encoding="utf-8")
    assert f"CONDA_DEFAULT_ENV:-}} == {environment['name']}" in script
