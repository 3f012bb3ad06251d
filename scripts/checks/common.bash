# SPDX-License-Identifier: Apache-2.0
# common.bash: what the checks share. A check is called with the tree to look at (default: this one), prints
# "FILE:LINE: what is wrong" for each violation and a closing line, and exits 0 or 1; 2 when it found nothing to look at,
# because a check that looked at nothing must not pass.
# shellcheck shell=bash

tree=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
cd "$tree" || exit 2
check=$(basename "$0")

# files PATTERN...: our files whose name matches, relative to the tree, sorted.
files() {
	local pattern names=()
	for pattern in "$@"; do
		names+=(-o -name "$pattern")
	done
	find . \( -path ./build -o -path ./.git -o -path ./node_modules \) -prune -o \
		-type f \( "${names[@]:1}" \) -printf '%P\n' | sort
}

# closing NOUN COUNT VIOLATIONS: the last line and the exit status.
closing() {
	if [ "$2" -eq 0 ]; then
		printf '%s: found no %s in %s\n' "$check" "$1" "$tree" >&2
		exit 2
	fi
	printf '%s: %d %s, %d wrong\n' "$check" "$2" "$1" "$3"
	[ "$3" -eq 0 ] || exit 1
}

# count TEXT: its lines; 0 for an empty text.
count() {
	[ -z "$1" ] && echo 0 && return
	wc -l <<<"$1"
}
