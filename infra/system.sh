#!/bin/sh
# Sees to the two things the browser tests need from the system: Chromium, and a font that can write Chinese.
set -eu
have() { command -v "$1" >/dev/null 2>&1; }
missing=
# The browser without its windows: the same pages at little more than half the work.
have chromium-headless-shell || have chromium || missing="chromium-headless-shell"
[ -e /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ] || missing="$missing fonts-wqy-microhei"
[ -z "$missing" ] && exit 0

if ! have apt-get; then
    echo "The browser tests need:$missing. They come from apt on Debian; install their like here, or leave them out with" >&2
    echo "  make check" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "The browser tests need $missing. Install them once: sudo apt-get install --no-install-recommends $missing" >&2
    exit 1
fi
echo "Installing $missing ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-cache show chromium-headless-shell >/dev/null 2>&1 || missing=$(echo "$missing" | sed s/chromium-headless-shell/chromium/)
# shellcheck disable=SC2086 # a list of words
apt-get install -qq -y --no-install-recommends $missing >/dev/null
