"""What every command does with a terminal that knows few characters, and with one that is gone."""

import os
import subprocess
import sys

from helpers.errors import InputError, refused, some_of
from helpers.files import ROOT

COMMAND = """
import sys
from helpers.errors import InputError, with_exit_code

@with_exit_code
def main(arguments):
    for _ in range({lines}):
        print("48 × 48 – “ig” … −3 細")
    if {lines} == 1:
        raise InputError("no – image")
    return 0

sys.exit(main())
"""


def command(lines: int, **options) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(lines=lines)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def test_a_terminal_without_unicode_shows_question_marks_for_what_it_lacks() -> None:
    process = command(1, env={"PYTHONIOENCODING": "ascii"})
    out, error = process.communicate()
    assert (process.returncode, out, error) == (2, "48 ? 48 ? ?ig? ? ?3 ?\n", "error: no ? image\n")


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    process = command(50_000)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("48 × 48")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


def test_long_lists_end_with_their_number_between_whole_items() -> None:
    assert some_of(["immature granulocyte"] * 3) == "immature granulocyte, immature granulocyte, immature granulocyte"
    assert some_of(range(32)).endswith("18, 19, and 12 more")
    message = str(refused("data.npz", f"{some_of(['immature granulocyte'] * 32)}, expected others"))
    assert message.endswith("immature granulocyte, and 12 more, expected others")


def test_a_long_message_ends_between_words() -> None:
    message = str(refused("data.npz", "immature granulocyte, " * 200))
    assert isinstance(refused("a", "b"), InputError)
    assert message.removeprefix("data.npz: ").removesuffix(" …").split(", ")[-1] in (
        *("immature granulocyte,", "immature", "immature granulocyte"),
    )
