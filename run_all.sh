#!/usr/bin/env bash
# Makes the environment if need be, executes the six notebooks, renders the report. Options: --help
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$root/requirements/environment.sh"
python=$(environment runtime) || exit 2
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -P -m helpers.run "$@"
