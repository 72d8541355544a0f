#!/usr/bin/env bash
# Resolves *.in into pinned, hashed *.txt for Python 3.11 to 3.13 on every platform. Needs uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
compile() { uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet "$@"; }
compile runtime.in --output-file runtime.txt
compile development.in --constraint runtime.txt --output-file development.txt
