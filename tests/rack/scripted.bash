# SPDX-License-Identifier: Apache-2.0
# scripted.bash: a lane that does what a script says. Sourced after common.bash.

# play SCRIPT ARGS...: rc, $home/out
play() {
	local script=$1
	shift
	rc=0
	feedline bench null.scripted --script "$script" --duration 200ms --timeout 1s --store "$store" --json "$@" \
		>"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}
