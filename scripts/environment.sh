# shellcheck shell=bash
# The set-up that scripts/run, scripts/test and scripts/bench share: a virtual environment with what the lock files
# pin, and system tools by apt where that is possible. Sourced; the caller sets strict mode.

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
me=scripts/$(basename -- "$(readlink -f -- "$0")")

say() { printf '%s: %s\n' "$me" "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Installs Debian packages as root, or through a sudo that asks nothing. Returns 1, silently, where neither is there.
apt_install() {
    local as_root=() log attempt
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    say "installing $* with apt-get"
    log=$(mktemp)
    for attempt in 1 2; do
        # A source that does not answer is no reason to give up: the others may have what is wanted.
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get update -q -o DPkg::Lock::Timeout=60 </dev/null >"$log" 2>&1 || true
        if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
            -o DPkg::Lock::Timeout=60 "$@" </dev/null >>"$log" 2>&1; then
            rm -f -- "$log"
            return 0
        fi
        [ "$attempt" = 2 ] || sleep 3
    done
    grep -E '^[EW]:' -- "$log" | tail -n 3 >&2 || true
    rm -f -- "$log"
    return 1
}

# pyenv leaves commands that exist but do not run, and a Python can be built without ssl: so each is tried.
fits() { "$1" -c 'import ssl, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }
makes_environments() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Debian splits ensurepip off each Python.
venv_package() {
    if [ "$(readlink -f -- "$(command -v "$1")")" = "$(readlink -f -- /usr/bin/python3)" ]; then
        echo python3-venv
    else
        echo "python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    fi
}

# Sets `python` to one that fits and can make environments; the first argument, if any, is the only one considered.
find_python() {
    local candidates=(python3 python3.13 python3.12 python3.11) candidate fitting="" package
    [ -z "${1:-}" ] || candidates=("$1")
    if [ -z "${1:-}" ] && ! command -v python3 >/dev/null; then
        apt_install python3 python3-venv || true
    fi
    for candidate in "${candidates[@]}"; do
        fits "$candidate" || continue
        fitting=${fitting:-$candidate}
        if makes_environments "$candidate"; then
            python=$candidate
            return
        fi
    done
    if [ -z "$fitting" ]; then
        [ -z "${1:-}" ] || fail "$1 is no working Python 3.11, 3.12 or 3.13."
        fail "no Python 3.11, 3.12 or 3.13 found ($(python3 --version 2>&1 | head -n 1 || true))." \
            "Install one, for example on Debian 12 or later: apt-get install python3 python3-venv"
    fi
    package=$(venv_package "$fitting")
    if apt_install "$package" && makes_environments "$fitting"; then
        python=$fitting
        return
    fi
    fail "$fitting cannot make a virtual environment (ensurepip is not available). As root: apt-get install $package"
}

pip_install() {
    if ! "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-warn-script-location \
        "$@" </dev/null >"$venv/set-up.log" 2>&1; then
        grep -E '^ERROR' -- "$venv/set-up.log" | tail -n 2 >&2 || true
        fail "pip could not install the packages. Is there a way to the Python package index, or is PIP_INDEX_URL set" \
            "to one within reach? Then run this again. The whole story: $venv/set-up.log"
    fi
}

version_and_place() { "$venv/bin/python" -c 'import pip, sys; print(sys.version.split()[0], sys.prefix)' 2>/dev/null; }

pinned() { cat -- "$root"/requirements/*.lock "$root/pyproject.toml" | sha256sum | cut -d ' ' -f 1; }

# prepare run|dev [PYTHON]: makes $venv hold what requirements/{run,dev}.lock pins, and the package itself, editable.
# A stamp says what is there: its kind, the Python and folder it was made with, and a hash of what was asked for. The
# dev packages include those to run, so that they serve for both. Everything happens under a lock on the repository's
# folder, so that two that start at once do not write into each other.
prepare() {
    local kind=$1 wanted_python=${2:-} lock has_kind="" has_place="" has_pins="" place builder
    venv=$root/.venv
    if [ -n "$wanted_python" ]; then
        find_python "$wanted_python"
        venv=$root/.venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fi
    exec {lock}<"$root"
    if ! flock -n "$lock"; then
        say "waiting for another set-up of this folder to end"
        flock "$lock"
    fi
    if [ -f "$venv/stamp" ]; then
        { read -r has_kind && read -r has_place && read -r has_pins; } <"$venv/stamp" || true
    fi
    place=$(version_and_place) || place=""
    if [ -z "$place" ] || [ "$place" != "$has_place" ] || [ "$(pinned)" != "$has_pins" ] ||
        { [ "$has_kind" != "$kind" ] && [ "$has_kind" != dev ]; }; then
        [ -w "$root" ] || fail "cannot write to $root, where the virtual environment belongs. Copy the folder to a place" \
            "of your own, or run this as the user who owns it."
        # What was made for run and is asked to become dev, or the reverse after a change, is completed; what was
        # interrupted, moved or made with another Python is made anew.
        if [ -e "$venv/unfinished" ] || [ -z "$place" ] || { [ -n "$has_place" ] && [ "$place" != "$has_place" ]; } ||
            ! fits "$venv/bin/python"; then
            [ -n "$wanted_python" ] || find_python
            say "making $venv with $("$python" --version)"
            rm -rf -- "$venv" || fail "cannot remove the unfinished $venv: remove it as the user who made it."
            mkdir -- "$venv"
            : >"$venv/unfinished"
            "$python" -m venv "$venv" >"$venv/set-up.log" 2>&1 ||
                fail "$python could not make $venv: $(tail -n 1 -- "$venv/set-up.log")"
        fi
        [ "$has_kind" != dev ] || kind=dev
        : >"$venv/unfinished"
        say "installing what requirements/$kind.lock pins; this takes a minute"
        # Building the package needs flit_core. Only dev.lock pins it, because a device does not build anything.
        builder=$venv/builder.txt
        awk '/^[^ #]/ { wanted = /^flit-core==/ } wanted' "$root/requirements/dev.lock" >"$builder"
        if [ "$kind" = dev ]; then
            pip_install --require-hashes -r "$root/requirements/dev.lock"
        else
            pip_install --require-hashes -r "$root/requirements/run.lock" -r "$builder"
        fi
        pip_install --no-deps --no-build-isolation --editable "$root"
        printf '%s\n%s\n%s\n' "$kind" "$(version_and_place)" "$(pinned)" >"$venv/stamp"
        rm -f -- "$venv/unfinished"
    fi
    # The lock must not live on in what the caller starts.
    exec {lock}<&-
}
