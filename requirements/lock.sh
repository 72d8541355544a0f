#!/usr/bin/env bash
# Resolves *.in into pinned, hashed *.txt for Python 3.11 to 3.13 on every platform, then asks the package index where
# they install. `lock.sh --check` only asks. Needs uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
compile() { uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet "$@"; }
if [[ ${1:-} != --check ]]; then
  compile runtime.in --output-file runtime.txt
  compile development.in --constraint runtime.txt --output-file development.txt
fi

# Nothing is downloaded. TensorFlow has no wheels for the last platform, a Mac with an Intel processor.
for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-apple-darwin; do
  for python in 3.11 3.12 3.13; do
    answer=$(MACOSX_DEPLOYMENT_TARGET=14.0 uv pip install --dry-run --require-hashes --only-binary :all: --no-deps \
      --target "${TMPDIR:-/tmp}/none" --python-platform "$platform" --python-version "$python" \
      --requirement development.txt 2>&1) || true
    echo "Python $python, $platform: $(sed -nE \
      's/^Would install (.*)/\1 install/p; s/.*Because ([^ ]+) has no .*/no wheel of \1/p; s/^error: //p' \
      <<<"$answer" | tail -n 1)"
  done
done
