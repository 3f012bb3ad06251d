#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh BUILD_DIR: scripts/setup on a system without apt says what to install and how to go on, and installs nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for tool in bash env sort; do
	ln -s "$(command -v $tool)" "$dir/$tool"
done

status=0
PATH=$dir "$root/scripts/setup" build >"$dir/out" 2>"$dir/err" || status=$?
[ $status -eq 2 ] || { echo "status $status, not 2"; exit 1; }
for package in cmake gcc libhwloc-dev libibverbs-dev libyaml-dev; do
	grep -qx "$package" "$dir/out" || { echo "'$package' is not in the list"; exit 1; }
done
for line in 'setup: this system has no apt; ' '  cmake --preset release' '  cmake --build --preset release'; do
	grep -q "^${line}" "$dir/err" || { echo "no line '$line'"; cat "$dir/err"; exit 1; }
done
echo 'setup.sh: passed'
