#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lockstep.sh BUILD_DIR: two lanes that make the same steps on one machine: both end after the same one, however long each
# takes for it; and where one does not make it, the other is told apart from it, and nothing hangs.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
[ -z "${FEEDLINE_OWN_NET:-}" ] || ip link set lo up

# play PART ARGS...: rc, $home/out
play() {
	local part=$1
	shift
	rc=0
	feedline bench null.scripted_lockstep --part "$part" --duration 400ms --timeout 1s --store "$store" --json "$@" \
		>"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
	is 0 "$(workers)" "workers left after $part $*"
}
value() {
	jq -r "$1" "$home/out"
}

for times in '--step-time 0ns' '--step-time 100us --slower 7' '--step-time 1ms --slower 0' '--step-time 60ms --slower 2'; do
	# shellcheck disable=SC2086 # two words
	play ok $times
	is 0 "$rc" "status with $times"
	is "$(value '.lanes[0].facts.steps')" "$(value '.lanes[1].facts.steps')" "steps of both with $times"
	is 1 "$(value '.lanes[0].facts.steps | tonumber | . > 1 | if . then 1 else 0 end')" "more than one step with $times"
done

# What each of the two comes to: status, verdicts, reasons.
while IFS='|' read -r part first second; do
	# shellcheck disable=SC2086 # words
	play $part
	is 3 "$rc" "status of $part"
	has "$(value '.lanes[0] | "\(.verdict): \(.reason)"')" "$first" "the first lane, $part"
	has "$(value '.lanes[1] | "\(.verdict): \(.reason)"')" "$second" "the second lane, $part"
done <<'END'
dies|not measured: rank 0 (first) waited in step 21 for rank 1 (second), which failed: the worker was killed by SIG|invalid: the worker was killed by SIG
hangs|not measured: rank 0 (first) waited in step 21 for rank 1 (second)|invalid: the worker hangs: phase 'step' did not end within 1 s
fails|not measured: rank 0 (first) waited in step 21 for rank 1 (second), which failed: scripted failure|not measured: scripted failure
silent|not measured: rank 0 (first) waited in step 21 of 22, and so did the others of its group|not measured: rank 1 (second) waited in step 22 for rank 0 (first)
idle|not measured: rank 0 (first) waited in step 21 for rank 1 (second), which failed: step: it is idle|not measured: step: it is idle, and the others of its group wait for it
runs_off --slower 0| 0 (first)|invalid: it is not in lockstep: rank 1 (second) made
dies_late|the worker was killed by SIGSEGV in phase 'verify'|invalid: the worker was killed by SIG
END

finish
