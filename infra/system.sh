#!/bin/sh
# Sees to the two things the browser tests need from the system: Chromium, and a font that can write Chinese.
set -eu
missing=
command -v chromium >/dev/null 2>&1 || missing="chromium"
[ -e /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ] || missing="$missing fonts-wqy-microhei"
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
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
# shellcheck disable=SC2086 # a list of words
apt-get install -qq -y --no-install-recommends $missing >/dev/null
