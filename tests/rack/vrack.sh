#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# vrack.sh BUILD_DIR: feedline on a machine with two NUMA nodes and two NVMe drives (scripts/vrack). The checks are in
# vrack-guest.sh and run inside; before that it is seen that the machine hands on output and status, keeps its time limit
# and leaves nothing behind.
set -euo pipefail

build=$(cd "${1:?usage: vrack.sh BUILD_DIR}" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ "$(uname -m)" != x86_64 ]; then
	echo "skipped: the virtual rack needs an x86-64 host"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

export TMPDIR=$dir/tmp
mkdir "$TMPDIR"

# boots STATUS OUT ERR ARG...: vrack ends with that status, prints that, and leaves nothing behind.
boots() {
	local want=$1 out=$2 err=$3 rc=0
	shift 3
	"$@" >"$dir/out" 2>"$dir/err" || rc=$?
	if [ "$rc" != "$want" ] || [ "$(<"$dir/out")" != "$out" ] || [[ $(<"$dir/err") != *"$err"* ]]; then
		printf 'FAIL %s: status %d, not %d; it said:\n' "$*" "$rc" "$want"
		cat "$dir/out" "$dir/err"
		exit 1
	fi
	if [ -n "$(find "$TMPDIR" -mindepth 1)" ]; then
		printf 'FAIL %s: left %s behind\n' "$*" "$(find "$TMPDIR" -mindepth 1)"
		exit 1
	fi
	printf 'ok   %s\n' "$*"
}
boots 7 'to stdout' 'to stderr' scripts/vrack -t 60 -- sh -c 'echo to stdout; echo to stderr >&2; exit 7'
boots 124 '' 'no end after 2 s' scripts/vrack -t 2 -- true
boots 130 '' '' timeout --preserve-status -s INT 2 scripts/vrack -- sleep 60
boots 2 '' 'usage' scripts/vrack true

rc=0
scripts/vrack -t 800 -- bash tests/rack/vrack-guest.sh "$build" >"$dir/out" 2>"$dir/err" || rc=$?
cat "$dir/out"
cat "$dir/err" >&2
if [ "$rc" != 0 ] || ! grep -q '^guest: all [1-9][0-9]* checks passed$' "$dir/out"; then
	echo "the guest ended with status $rc"
	exit 1
fi
