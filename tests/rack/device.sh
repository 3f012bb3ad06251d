#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# device.sh BUILD_DIR: benchmarks that are timed by their device: what lies between their steps does not count, but is said.
# null.scripted_device works `work` of every step by its own clock.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# play ARGS...: rc, $home/out
play() {
	rc=0
	feedline bench null.scripted_device --duration 400ms --store "$store" --json "$@" >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}

# Steps of 4 ms of which the device works 1 ms: 4 MB in each at 1 GB/s are 4 GB/s, and a step takes 1 ms. (However slow this
# machine is: the device says how long its work took. Its clock and that of the steps are cut to whole ns.)
play --step-time 4ms --work 0.25
is 0 "$rc" 'status of a device'
is true "$(value '.lanes[0].metrics | (.bytes_per_s.median / 4e9 - 1 | fabs) < 1e-5 and (.ops_per_s.median / 1000 - 1 | fabs) < 1e-5
	and (.step_ns.median / 1e6 - 1 | fabs) < 1e-5')" 'rates over the time at work'
is true "$(value '.lanes[0].window.device_work_ratio | . > 0 and . <= 0.26')" 'how much it was at work'
is '[]' "$(value '.lanes[0].distrust | map(select(contains("at work"))) | tostring')" 'alone, gaps are its own affair'
feedline show last --json --store "$store" >"$home/show"
is true "$(jq '[.. | objects | .device_work_ratio? // empty] | length > 0' "$home/show")" 'the record has it'

# 40 MB in a step of which the device says that it worked a quarter: queued in no time, so the rest was not the host's.
play --step-time 40ms --work 0.25
is 4 "$rc" 'status of a clock that tells too little'
is 1 "$(value '.lanes[0].distrust | map(select(contains("by its own clock"))) | length')" 'a clock that tells too little'
play --step-time 40ms --work 0.9
is 0 "$(value '.lanes[0].distrust | map(select(contains("by its own clock"))) | length')" 'a clock that may be right'

# Values that steps give belong to steps, as they do by the other clock.
play --script given --step-time 4ms
is true "$(value '.lanes[0].metrics.played_value | .n > 0 and .median >= 0 and .median <= 9')" 'given values of a device'

# A device that claims what cannot be: nothing at all, or longer than the step.
for work in 0 1000; do
	play --work "$work"
	is 3 "$rc" "status of $work of a step"
	is 'not measured: no step that counts finished in the window' "$(value '.lanes[0] | "\(.verdict): \(.reason)"')" "$work of a step"
done

# Together: what a device did not do while it waited, it did not do to its neighbour.
cat >"$home/together.yaml" <<'EOF'
- together:
    - bench: null.scripted_device
      with: {work: 0.92, step_time: 4ms, duration: 400ms}
    - bench: null.scripted
      with: {step_time: 4ms}
EOF
rc=0
feedline run --suite "$home/together.yaml" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is true "$(value '[.lanes[].distrust | map(select(contains("its device was at work in"))) | length] == [1, 0]')" 'gaps beside others'

# What a device does without counting it is no gap, in both directions at once, say; what it does not do is one, as before.
cat >"$home/together.yaml" <<'EOF'
- together:
    - bench: null.scripted_device
      with: {work: 1, counts: 0.5, step_time: 20ms, duration: 400ms}
    - bench: null.scripted_device
      with: {work: 0.9, counts: 0.5, step_time: 20ms}
EOF
rc=0
feedline run --suite "$home/together.yaml" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is true "$(value '.lanes[0].window | .device_work_ratio <= 0.51 and .device_busy_ratio > 1.8 * .device_work_ratio')" 'work that does not count'
is true "$(value '.lanes[0] | (.window.device_busy_ratio < 0.95) == any(.distrust[]; contains("its device was at work in"))')" \
	'a gap is where the device did nothing, however busy this machine is'
is true "$(value '.lanes[1] | any(.distrust[]; contains("its device was at work in"))')" 'a gap beside work that does not count'

is 0 "$(workers)" 'workers left'
finish
