"""Keep a finished full run as the published one: ``python -m tools.publish OUT``.

The page shows its numbers where a run has no real cells. The file is a copy of the run's results.json, byte by byte.
"""

import json
import sys
from pathlib import Path

from helpers.errors import OneLineParser, refused, refusing, with_exit_code
from helpers.files import write_text
from helpers.report import PUBLISHED
from tools.compare import read_results

LARGEST = 200_000
"""Bytes that the published run may have."""


@with_exit_code
def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the run was published, and 2 if it is not one to publish."""
    parser = OneLineParser(prog="python -m tools.publish", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of a finished run")
    path = parser.parse_args(arguments).out / "results.json"
    results, text = read_results(path), path.read_text(encoding="utf-8")
    with refusing(path, "the results of a run"):
        provenance = results["provenance"]
        accuracy = {name: model["test_accuracy"] for name, model in results["models"].items()}
        reasons = {
            "was made on synthetic cells, expected real ones": results["data"]["is_synthetic"],
            f"was made with the {provenance['profile']} profile, expected full": provenance["profile"] != "full",
            "was made with changes that were not committed": provenance["tree_is_clean"] is not True,
            "names a path outside the checkout in its command": " /" in provenance["command"],
            f"is larger than {LARGEST:,} bytes": len(text.encode()) > LARGEST,
        }
    for reason, applies in reasons.items():
        if applies:
            raise refused(path, reason)
    write_text(PUBLISHED, text)
    print(f"published: {json.dumps(accuracy)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
