#!/bin/sh
# Makes this clone ready to run: system packages (through apt, only the missing ones) and the Python environment .venv.
# Running it again costs a second; what changed in requirements.txt is installed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '[setup] %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "needs root for: $*. Install sudo, or run it as root once."; fi
}

# The interpreter: $PYTHON, else the newest supported one on PATH.
supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}
find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        path=$(command -v "$candidate") || continue
        if supported "$path"; then echo "$path"; return; fi
    done
}

# What is missing, by what is needed and not by package name: another way of having installed it is as good.
missing_packages() {
    python=$1
    version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || echo postgresql
    command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || echo mariadb-server
    if [ ! -x .venv/bin/python ]; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$version-venv"
    fi
    # The mysql provider's client, mysqlclient, exists as source only.
    command -v pkg-config >/dev/null || echo pkg-config
    command -v mariadb_config >/dev/null || command -v mysql_config >/dev/null || echo libmariadb-dev
    command -v cc >/dev/null || echo gcc libc6-dev
    header=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"] + "/Python.h")')
    [ -e "$header" ] || echo "$version-dev"
    for extra in ${EXTRA_PACKAGES:-}; do
        [ "$extra" = chromium ] && chromium_is_a_snap || dpkg -s "$extra" >/dev/null 2>&1 || echo "$extra"
    done
}

# Ubuntu has no package of it; the snap behind chromium-browser needs snapd, and sees no files outside the home folder.
chromium_is_a_snap() {
    grep -qx ID=ubuntu /etc/os-release
}

install_playwrights_chromium() {
    say "installing Chromium for the tests of the web UI"
    log=$(mktemp)
    # A network that does not let it through keeps nobody from running the other tests.
    .venv/bin/playwright install --with-deps chromium >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; say "Chromium could not be installed: the tests of the web UI will fail"; }
    rm -f "$log"
}

install_packages() {
    command -v apt-get >/dev/null || fail "please install, in your system's way: $*"
    say "installing system packages: $*"
    # Debian starts a server of its own on installation; this project brings up its own on its own ports.
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c '
        set -e
        log=$(mktemp)
        { apt-get update -q && apt-get install -q -y --no-install-recommends "$@"; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
        rm -f "$log"' setup "$@"
}

build_environment() {
    python=$1
    wanted=$(cat requirements.txt pyproject.toml | sha256sum | cut -d' ' -f1)-$(pwd | sha256sum | cut -c1-8)
    [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ] && return
    # Without pip it was interrupted while it was made.
    if ! supported .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        rm -rf .venv
        "$python" -m venv .venv
    fi
    uv=$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.txt)
    say "installing Python packages (requirements.txt, checked by hash)"
    .venv/bin/python -m pip install -q --disable-pip-version-check "$uv"
    .venv/bin/uv pip sync -q --python .venv/bin/python --require-hashes requirements.txt
    # uv cannot check the hash of an editable project, so it is a step of its own.
    .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
    echo "$wanted" >.venv/installed
}

python=$(find_python)
if [ -z "$python" ]; then
    install_packages python3 python3-venv python3-dev
    python=$(find_python)
    [ -n "$python" ] || fail "needs Python 3.11, 3.12 or 3.13; found $(python3 --version 2>&1). Install one and set PYTHON=/path/to/it."
fi
missing=$(missing_packages "$python" | tr '\n' ' ')
# shellcheck disable=SC2086  # a list of words
[ -z "${missing% }" ] || install_packages $missing
build_environment "$python"
case " ${EXTRA_PACKAGES:-} " in *" chromium "*)
    if chromium_is_a_snap; then install_playwrights_chromium; fi ;;
esac
