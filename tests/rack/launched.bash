# SPDX-License-Identifier: Apache-2.0
# launched.bash: what the tests of launchers share. Sourced after hosts.bash.
#
#   $suite                 a short one: a case of two rounds, and one of one
#   $long                  a case of 15 rounds, which takes some seconds
#   launched K COMMAND...  runs it on host K: status in $rc, stdout in $home/out, stderr in $home/err
#   lanes_are N WHAT       the JSON in $home/out has the lanes of n1 .. nN, every one measured; and one verdict
#   lost_a_host WHAT       $rc and the JSON in $home/out are those of a run that lost a host
#   keys                   what makes lanes comparable, of the JSON in $home/out: a line
#   none_left N WHAT       within 10 s nothing of feedline runs on n1 .. nN any more
#   wait_for_lanes STORE   until a run there has a lane

suite=$home/suite.yaml
# shellcheck disable=SC2034 # for the scripts that source this
long=$home/long.yaml
# Eight hosts may share two CPUs here, and other programs them: a host that gets none for all of the window is not measured.
printf -- '- {bench: null.nop, repeat: 2, with: {duration: 500ms}}\n- {bench: memory.copy, with: {duration: 500ms}}\n' >"$suite"
printf -- '- {bench: null.nop, repeat: 15, with: {duration: 200ms}}\n' >"$long"

launched() {
	rc=0
	on "$1" timeout -s KILL 120 "${@:2}" >"$home/out" 2>"$home/err" </dev/null || rc=$?
}

# What disturbs the other hosts is worse than what is missing.
lost_a_host() {
	[ "$rc" != 4 ] || [ "$(undisturbed 4 "$home/out")" != 0 ] || rc=3
	is 3 "$rc" "status of a run that lost a host$1 ($(tail -n 1 "$home/err"))"
}

lanes_are() {
	local want k

	want=$(for ((k = 1; k <= $1; k++)); do printf 'n%d ' "$k"; done)
	is "$want" "$(jq -r '[.lanes[] | select(.bench == "null.nop") | .placement.host] | sort_by(.[1:] | tonumber) | map(. + " ") | add' \
		"$home/out")" "$2: hosts of null.nop"
	is "$want" "$(jq -r '[.lanes[] | select(.bench == "memory.copy") | .placement.host] | unique | sort_by(.[1:] | tonumber) |
		map(. + " ") | add' "$home/out")" "$2: hosts of memory.copy"
	is 'unjudged' "$(jq -r '[.lanes[].verdict] | unique | join(",")' "$home/out")" \
		"$2: verdicts of lanes ($(jq -r '[.lanes[].reason // empty] | unique | join("; ")' "$home/out"))"
	is 'unjudged' "$(jq -r .verdict "$home/out")" "$2: verdict"
	is 0 "$(undisturbed "$rc" "$home/out" 'a thread finished no step')" "$2: status ($(tail -n 1 "$home/err"))"
}

keys() {
	jq -c '[.lanes[] | [.bench, .case, .options, .facts]] | unique' "$home/out"
}

none_left() {
	local k t left

	for ((t = 0; t < 100; t++)); do
		left=
		for ((k = 1; k <= $1; k++)); do
			left+=$(processes_on "$k" "$prefix/")
		done
		[ -n "$left" ] || break
		sleep 0.1
	done
	is '' "$left" "$2: processes left"
}

wait_for_lanes() {
	local t

	for ((t = 0; t < 600; t++)); do
		[ "$(feedline report last --format json --store "$1" 2>/dev/null | jq '[.lanes[].rounds] | add // 0')" -gt 2 ] 2>/dev/null &&
			return
		sleep 0.1
	done
	return 1
}
