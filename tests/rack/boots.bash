# SPDX-License-Identifier: Apache-2.0
# boots.bash: what the scripts that start scripts/vrack share. Sourced with the build directory as $1; goes to the top of the
# tree. Sets build, and dir: one of its own, removed at the end; the machines' files are in $TMPDIR.
#
#   boots STATUS OUT ERR COMMAND...   vrack ends with that status, prints that, says ERR among else, and leaves nothing behind
#   in_guest SCRIPT OPTION...         that script of checks passes inside, whatever vrack is to be started with, and leaves
#                                 nothing behind

set -euo pipefail

build=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ "$(uname -m)" != x86_64 ]; then
	echo "skipped: the virtual rack needs an x86-64 host"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

export TMPDIR=$dir/tmp
mkdir "$TMPDIR"

# left: files and processes that a machine left behind
left() {
	find "$TMPDIR" -mindepth 1
	pgrep -af "^qemu-system-.* vrack=$TMPDIR/" | cut -c 1-80
}

# nothing_left WHAT
nothing_left() {
	if [ -n "$(left)" ]; then
		printf 'FAIL %s: left %s behind\n' "$1" "$(left)"
		exit 1
	fi
}

boots() {
	local want=$1 out=$2 err=$3 rc=0
	shift 3
	"$@" >"$dir/out" 2>"$dir/err" || rc=$?
	if [ "$rc" != "$want" ] || [ "$(<"$dir/out")" != "$out" ] || [[ $(<"$dir/err") != *"$err"* ]]; then
		printf 'FAIL %s: status %d, not %d; it said:\n' "$*" "$rc" "$want"
		cat "$dir/out" "$dir/err"
		exit 1
	fi
	nothing_left "$*"
	printf 'ok   %s\n' "$*"
}

in_guest() {
	local rc=0
	scripts/vrack "${@:2}" -t 800 -- bash "$1" "$build" >"$dir/out" 2>"$dir/err" || rc=$?
	cat "$dir/out"
	cat "$dir/err" >&2
	if [ "$rc" != 0 ] || ! grep -q '^guest: all [1-9][0-9]* checks passed$' "$dir/out"; then
		echo "the guest ended with status $rc"
		exit 1
	fi
	nothing_left "$1"
}
