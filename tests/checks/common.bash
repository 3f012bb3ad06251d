# SPDX-License-Identifier: Apache-2.0
# common.bash: a check is worth something only if it can fail. Each script here plants violations in a small tree of its own
# and sees that the check names them.
# shellcheck shell=bash disable=SC2034

check=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/scripts/checks/$(basename "$0" .sh)
house=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree" || exit 1
wrong=0
did=0

# plant FILE: writes it from stdin.
plant() {
	mkdir -p "$(dirname "$1")"
	cat >"$1"
}

# outcome STATUS TEXT WHAT [ARG...]: the check's exit status and something it says.
outcome() {
	local want=$1 text=$2 what=$3 said rc=0
	shift 3
	said=$("$check" "$tree" "$@" 2>&1) || rc=$?
	did=$((did + 1))
	if [ "$rc" != "$want" ] || [[ $said != *"$text"* ]]; then
		printf 'FAIL %s: status %d (want %d), wanted it to say "%s", it said:\n%s\n' "$what" "$rc" "$want" "$text" "$said"
		wrong=$((wrong + 1))
	fi
}

# Last line of each script.
verdict() {
	printf '%d passed, %d failed\n' $((did - wrong)) "$wrong"
	[ "$wrong" -eq 0 ] && [ "$did" -gt 0 ]
}
