#!/bin/sh
# Sees to PostgreSQL for bench.peers: from apt on Debian as root. Without it that bench says so and leaves it out.
set -eu
for there in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$there" ] && exit 0
done
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "PostgreSQL is not here, and only root on Debian can have it installed: bench.peers will leave it out." >&2
    exit 0
fi
echo "Installing postgresql ..."
export DEBIAN_FRONTEND=noninteractive
# Only its programs: bench.peers starts one of its own in a folder that it throws away.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
if ! { apt-get update -qq && apt-get install -qq -y --no-install-recommends -o Dpkg::Options::=--force-confold \
    postgresql >/dev/null; }; then
    echo "apt could not install postgresql: bench.peers will leave it out." >&2
fi
