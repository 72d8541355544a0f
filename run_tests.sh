#!/usr/bin/env bash
# The one check: format, lint, types, tests. Arguments go to pytest.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$root/requirements/environment.sh"
python=$(environment development) || exit 2
cd "$root"
bring_browser "$python"
"$python" -m ruff format --check .
"$python" -m ruff check .
"$python" -m mypy
"$python" -m pytest "$@"
