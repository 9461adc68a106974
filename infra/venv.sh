#!/bin/sh
# Makes .venv with the first Python on this machine that is new enough, or says in one sentence what is missing.
set -u
venv=${1:?usage: infra/venv.sh DIRECTORY [PYTHON]}
wanted=${2:-}

new_enough() {
    "$1" -c 'import sys, ssl, sqlite3; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1
}

python=
for candidate in ${wanted:-python3.11 python3 python3.12 python3.13 python3.14 python}; do
    if new_enough "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "The clinic needs Python 3.11 to 3.14 and found none${wanted:+ at $wanted}: install one, or name one with make PYTHON=/path/to/python3." >&2
    exit 1
fi

rm -rf "$venv"
if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    # Debian splits ensurepip off into python3-venv; the environment works without it, pip just comes another way.
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv" && "$venv/bin/python" "$(dirname "$0")/getpip.py" || {
        rm -rf "$venv"
        echo "Could not make a virtual environment with $python: on Debian and Ubuntu, apt-get install python3-venv." >&2
        exit 1
    }
fi
echo "$("$venv/bin/python" --version) in $venv"
