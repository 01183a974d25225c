#!/usr/bin/env bash
# Makes an image of Debian's packages that stands in for python:…-slim where no registry can be reached.
#
#   tests/docker/stand-in.sh bookworm sparseinst-stand-in/python:3.11
#   tests/docker/stand-in.sh trixie sparseinst-stand-in/python:3.13 libpython3.13
#
# It gets this machine's certificates and index of packages, without which nothing could be installed in it. So it is
# for tests on this machine alone, and says so in a label; push nothing that is made of it.
set -euo pipefail

suite=$1 name=$2 more=${3:-}

skip() { echo "stand-in: skipped: $1" >&2; exit 0; }
[ "$(id -u)" = 0 ] || skip "debootstrap wants root"
command -v debootstrap >/dev/null || skip "no debootstrap here (apt-get install debootstrap)"
docker info >/dev/null 2>&1 || skip "no Docker daemon answers ('docker info' fails)"
docker image inspect "$name" >/dev/null 2>&1 && { echo "stand-in: $name is there" >&2; exit 0; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
echo "stand-in: making $name of Debian $suite: about two minutes" >&2
debootstrap --variant=minbase --include=python3,python3-pip,python3-venv,ca-certificates"${more:+,$more}" "$suite" "$root" >/dev/null

ln -sf python3 "$root/usr/bin/python"
# bookworm stands in for an image whose Python is its own; trixie for one that guards the system's, like NVIDIA's.
[ "$suite" = bookworm ] && rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
{
  echo "[global]"
  echo "cert = /etc/ssl/certs/ca-certificates.crt"
  python3 -m pip config list 2>/dev/null | sed -nE "s/^[^.]+\.(index-url|extra-index-url|trusted-host|proxy)='(http.*)'$/\1 = \2/p"
} >"$root/etc/pip.conf"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*

tar -C "$root" --numeric-owner -c . | docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'LABEL sparseinst.stand-in=python' --change 'CMD ["python3"]' - "$name" >/dev/null
docker image inspect --format "stand-in: $name, {{.Size}} bytes" "$name" >&2
