# Sourced by run_all.sh and run_tests.sh: `environment runtime|development` prints the Python to use,
# after installing the pinned and hashed requirements/{runtime,development}.txt where they are not there yet;
# `bring_browser PYTHON` then finds or installs a Chromium for the tests.

find_python() {
  local candidate # python3 first: it is the one that the user, or CI, put on the PATH
  for candidate in python3 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null &&
      "$candidate" -m pip --version >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  echo "error: no Python with pip found, expected 3.11, 3.12 or 3.13" >&2
  exit 2
}

# Keeps pip's output in .venv/pip.log, and says every ten seconds how far it is with the packages in the file $1.
progress() {
  local line fetched=0 installed due=$((SECONDS + 10)) total
  total=$(grep -c '^[a-z].*==' "$1")
  : >"$root/.venv/pip.log"
  while IFS= read -r -t 2 line || (($? > 128)); do # over 128: nothing came for two seconds
    [[ ! $line ]] || echo "$line" >>"$root/.venv/pip.log"
    case $line in
    "Ignoring "*) total=$((total - 1)) ;; # for another Python or another system
    "Collecting "* | "Requirement already "*) fetched=$((fetched + 1)) ;;
    esac
    if ((SECONDS >= due)); then
      installed=$(find "$root/.venv/lib" -maxdepth 3 -name '*.dist-info' | wc -l)
      echo "  $fetched of $total packages fetched, $installed installed" >&2
      due=$((SECONDS + 10))
    fi
  done
}

pip_failure() {
  local log="$root/.venv/pip.log"
  if grep -qE "after connection broken|timed out|Connection(Pool|Error|Reset)|IncompleteRead" "$log"; then
    echo "the package index does not answer, see \`pip config list\` and the network"
  else
    { grep -m1 "^ERROR: " "$log" || tail -n 1 "$log"; } | cut -c1-300
  fi
}

environment() {
  local pins="$root/requirements/$1.txt" python stamp
  # A conda environment made from environment.yml holds the same pins already.
  if [[ $1 == runtime && ${CONDA_DEFAULT_ENV:-} == blood-cell-report ]]; then
    echo "$CONDA_PREFIX/bin/python"
    return
  fi
  python="$root/.venv/bin/python"
  stamp="$root/.venv/$1-$(cksum <"$pins" | tr ' ' '-')"
  # `uv sync` or pip may have changed packages since then: their folder is newer
  if [[ ! -e $stamp || $(find "$root"/.venv/lib/python3*/site-packages -maxdepth 0 -newer "$stamp") ]]; then
    local base
    base=$(find_python) || exit 2
    [[ -x $python ]] && "$python" -c '' 2>/dev/null || "$base" -m venv --clear --without-pip "$root/.venv" || exit 2
    rm -f "$root/.venv/"{runtime,development}-* # both share the environment: neither holds until pip is done
    echo "Installing what $1 needs into .venv (once; one to two minutes) …" >&2
    # --without-pip and --python: works where Python comes without ensurepip, as on Debian
    PIP_RETRIES=${PIP_RETRIES:-2} "$base" -m pip --python "$python" --disable-pip-version-check install \
      --require-hashes --only-binary :all: --progress-bar off --requirement "$pins" 2>&1 | progress "$pins" || {
      echo "error: pip could not install requirements/$1.txt: $(pip_failure) (.venv/pip.log has all of it)" >&2
      exit 2
    }
    # notebooks opened from anywhere find the helpers
    echo "$root" >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/blood-cell-report.pth"
    touch "$stamp"
    # the development pins are a superset
    [[ $1 == development ]] && touch "$root/.venv/runtime-$(cksum <"$root/requirements/runtime.txt" | tr ' ' '-')"
  fi
  echo "$python"
}

chromium_starts() {
  local browser # the names and places of helpers.report.find_chromium
  read -r browser < <(PATH="$root/.venv/bin:$PATH" command -v google-chrome chromium chromium-browser chrome) &&
    "$browser" --version >/dev/null
}

# Playwright's own download, about 170 MB in its own cache; the link lets the tests and --pdf find it
playwright_chromium() {
  local link="$root/.venv/bin/chromium" path='
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)'
  PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=10000 "$1" -m playwright install --no-shell chromium &&
    ln -sf "$("$1" -c "$path")" "$link" && { chromium_starts || { rm "$link" && return 1; }; }
}

debian_chromium() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get; then
    echo "Debian's package needs root and apt-get"
    return 1
  fi
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core &&
    chromium_starts
}

# Where it fails, it succeeds all the same, for the tests say what they skipped; it tries again a day later,
# or at once where REQUIRE_BROWSER is set.
bring_browser() {
  local log="$root/.venv/no-browser.log"
  if chromium_starts 2>/dev/null || { [[ ! ${REQUIRE_BROWSER:-} ]] && [[ $(find "$log" -mtime -1 2>/dev/null) ]]; }; then
    return
  fi
  echo "Installing Chromium for the tests of the report (once) …" >&2
  if { playwright_chromium "$1" || debian_chromium; } >"$log" 2>&1; then
    rm "$log"
  else
    echo "Chromium could not be installed, $log says why" >&2
  fi
}
