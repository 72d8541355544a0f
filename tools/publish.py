"""Keep a finished full run as the published one: ``python -m tools.publish OUT``.

The page shows its numbers where a run has no real cells. The file is a copy of the run's results.json, byte by byte.
``docs/results.md``, its figure and the table in the README are then written from it; without OUT, nothing else is done.
"""

import json
import sys
from pathlib import Path

from helpers.errors import OneLineParser, refused, refusing, with_exit_code
from helpers.files import ROOT, write_text
from helpers.report import PUBLISHED
from tools.compare import read_results
from tools.results import write_results

LARGEST = 200_000
"""Bytes that the published run may have."""


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the run was published, and 2 if it is not one to publish."""
    parser = OneLineParser(prog="python -m tools.publish", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", help="folder of a finished run (default: the published one)")
    out = parser.parse_args(arguments).out
    if out is not None:
        keep(out / "results.json")
    results = read_results(PUBLISHED)
    write_results(results, ROOT)
    accuracy = {name: model["test_accuracy"] for name, model in results["models"].items()}
    print(f"published: {json.dumps(accuracy)}")
    return 0


def keep(path: Path) -> None:
    """Make the results in ``path`` the published ones; InputError if they are not those of a run to publish."""
    results, text = read_results(path), path.read_text(encoding="utf-8")
    with refusing(path, "the results of a run"):
        provenance = results["provenance"]
        reasons = {
            "was made on synthetic cells, expected real ones": results["data"]["is_synthetic"],
            "has no cells of another laboratory, expected --external": results["data"].get("external") is None,
            f"was made with the {provenance['profile']} profile, expected full": provenance["profile"] != "full",
            "lacks a test accuracy, expected one per model": not all(
                "test_accuracy" in m for m in results["models"].values()
            ),
            "was made with changes that were not committed": provenance["tree_is_clean"] is not True,
            "names a path outside the checkout in its command": " /" in provenance["command"],
            f"is larger than {LARGEST:,} bytes": len(text.encode()) > LARGEST,
        }
    for reason, applies in reasons.items():
        if applies:
            raise refused(path, reason)
    write_text(PUBLISHED, text)


if __name__ == "__main__":
    sys.exit(main())
