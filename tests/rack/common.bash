# SPDX-License-Identifier: Apache-2.0
# common.bash: what the scripts of tests/rack share. Sourced with the build directory as $1. Sets prefix (a tree with the
# test doubles), home (a directory of its own, removed at the end) and store; counts with is/has, ends with finish.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/undisturbed.bash"

build=$(cd "$1" && pwd)
prefix=$build/tests/prefix
home=$(mktemp -d)
# shellcheck disable=SC2034 # for the scripts that source this
store=$home/store.db
export HOME=$home XDG_STATE_HOME=$home/state XDG_CACHE_HOME=$home/cache LC_ALL=C
trap 'rm -rf "$home"' EXIT
did=0
wrong=0

# The lock is per network namespace: in one of our own, other runs on this machine do not disturb us.
if [ -z "${FEEDLINE_OWN_NET:-}" ] && unshare -n true 2>/dev/null; then
	export FEEDLINE_OWN_NET=1
	rm -rf "$home"
	exec unshare -n bash "$0" "$@"
fi

feedline() {
	timeout -s KILL 120 "$prefix/feedline" "$@"
}

# is WANT GOT WHAT: equal?
is() {
	did=$((did + 1))
	[ "$1" = "$2" ] && return
	printf 'FAIL %s: "%s", not "%s"\n' "$3" "$2" "$1"
	wrong=$((wrong + 1))
}

# has TEXT PART WHAT: is PART in TEXT?
has() {
	did=$((did + 1))
	[[ "$1" == *"$2"* ]] && return
	printf 'FAIL %s: no "%s" in "%s"\n' "$3" "$2" "$1"
	wrong=$((wrong + 1))
}

# Where there is no network of our own, one script at a time.
if [ -z "${FEEDLINE_OWN_NET:-}" ]; then
	exec 9>"$build/rack.lock"
	flock 9
fi
# For pgrep and pkill: not what other scripts have started.
same_net=(--ns $$ --nslist net)

# Worker processes of our tree that are alive.
workers() {
	pgrep "${same_net[@]}" -f "^$prefix/libexec/feedline/feedline-lane" | wc -l
}

finish() {
	printf '%d passed, %d failed\n' $((did - wrong)) "$wrong"
	[ "$wrong" = 0 ]
}
