#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# misbehave.sh BUILD_DIR: benchmarks that hang, crash, flood, fail or lie: the status, the word and the reason for each, and
# nothing left running. (Numbers that are known beforehand: rate.sh.)
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
source "$(dirname "${BASH_SOURCE[0]}")/scripted.bash"

while read -r script status verdict part; do
	play "$script"
	is "$status" "$rc" "status of $script"
	is "${verdict/_/ }" "$(value '.lanes[0].verdict')" "verdict of $script"
	has "$(value '.lanes[0].reason')" "$part" "reason of $script"
	is 0 "$(workers)" "workers left after $script"
	is '' "$(value '.lanes[] | select((.reason // "") | contains("\n")) | .reason')" "one line for $script"
done <<'EOF'
ok 0 unjudged
hang_open 3 invalid the worker hangs: phase 'open' did not end within 1 s
hang_step 3 invalid the worker hangs: phase 'step' did not end within 1 s
hang_verify 3 invalid the worker hangs: phase 'verify' did not end within 1 s
crash_open 3 invalid the worker was killed by SIG
crash_step 3 invalid in phase 'step'
crash_verify 3 invalid in phase 'verify'
exit_step 3 invalid the worker exited with status 0 in phase 'step'
flood_stdout 3 invalid the worker printed more than 1024 KiB
flood_stderr 3 invalid the worker printed more than 1024 KiB
fail_open 3 not_measured scripted failure
fail_enter 3 not_measured scripted failure
fail_step 3 not_measured scripted failure
wrong_data 1 fail scripted wrong data at offset 4096
stale_data 3 invalid scripted cache: it answered every read
stale_step 3 not_measured Stale file handle
lie_steps 3 invalid did more than is possible
EOF

# A halt hook that hangs; the steps are long, so that it is called while one is under way.
play hang_halt --step-time 100ms
is 3 "$rc" 'status of hang_halt'
is invalid "$(value '.lanes[0].verdict')" 'verdict of hang_halt'
has "$(value '.lanes[0].reason')" 'the worker hangs: phase' 'reason of hang_halt'

# A thread that leaves its CPU is found out (needs a second CPU to leave for).
if [ "$(nproc)" -gt 1 ]; then
	play stray_cpu --timeout 20s
	is 3 "$rc" 'status of stray_cpu'
	is invalid "$(value '.lanes[0].verdict')" 'verdict of stray_cpu'
	has "$(value '.lanes[0].reason')" 'instead of CPU' 'reason of stray_cpu'
	is false "$(value '.lanes[0].placement.verified')" 'placement of stray_cpu'
fi

# Half of the steps spoilt: measured, and not to be trusted.
play spoilt_half
is 4 "$rc" 'status of spoilt_half'
is false "$(value '.trustworthy')" 'trust in spoilt_half'

# A thread that never ends its first step is no thread that has nothing to do.
play stuck_first --threads 2
is 4 "$rc" 'status of stuck_first'
has "$(value '.lanes[0].distrust | join(" ")')" 'a thread finished no step' 'distrust of stuck_first'

# Closed descriptors: an output is the worker's to close, its control socket is not.
play close_output
is 0 "$rc" 'status of close_output'
play close_control
is 3 "$rc" 'status of close_control'
has "$(value '.lanes[0].reason')" 'the worker' 'reason of close_control'

# A worker that dies after its lane is not given the next one.
for i in 1 2 3; do
	printf -- '- bench: null.scripted\n  with: {script: die_idle, duration: 50ms, step_time: %dms}\n' "$i"
	printf -- '- bench: null.nop\n  with: {duration: %dms}\n' "$((50 + i))"
done >"$home/idle.yaml"
rc=0
feedline run --suite "$home/idle.yaml" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
rc=$(undisturbed "$rc" "$home/out")
is 0 "$rc" 'status of lanes after workers that died idle'
is 6 "$(value '[.lanes[] | select(.verdict == "unjudged")] | length')" 'lanes after workers that died idle'

# What was added to a distribution before the window does not belong to it.
play warm_outliers --duration 300ms
is true "$(value '[.lanes[0].metrics[] | select(has("max")) | .max < 1e12] == [true]')" 'outliers of the warm-up'

# Steps that are too many to be kept: in the warm-up there is nothing to measure; later the record says what ended it.
play ok --step-time 0ns --duration 60s
is 3 "$rc" 'status of a tape that is full in the warm-up'
has "$(value '.lanes[0].reason')" 'too short to be recorded' 'reason of a tape that is full in the warm-up'
play ok --step-time 6us --duration 60s
is 4 "$rc" 'status of a tape that is full early'
is 'tape full' "$(value '.lanes[0].window.ended')" 'end of a tape that is full early'

# Few long steps are few samples.
play ok --step-time 400ms --duration 2s --timeout 5s
is 1 "$(value '.lanes[0].metrics.bytes_per_s.n')" 'samples from five steps'

# Whoever starts feedline may ignore SIGCHLD.
rc=0
env --ignore-signal=CHLD "$prefix/feedline" topo --json >"$home/out" 2>"$home/err" || rc=$?
is 0 "$rc" 'status with SIGCHLD ignored'

# A lane that needs longer is given longer.
play slow_open --timeout 20s
is 0 "$rc" 'status of slow_open with a longer --timeout'

# Work that ends by itself is measured from its first step to its last, once, however long it takes; nothing is left out.
# It has a given metric, so that each step is one op: 2 threads x 40 steps x 5 ms.
work() {
	rc=0
	feedline bench null.scripted_whole --threads 2 --store "$store" --json "$@" >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
work --steps 40 --step-time 5ms --timeout 1s
is 0 "$rc" 'status of work that ends'
is 'work done 80' "$(value '.lanes[0].window | "\(.ended) \(.steps)"')" 'how work ends'
is true "$(value '.lanes[0].window | .warm_ns == 0 and .window_ns >= 200e6')" 'the window of work that ends'
feedline show last --json --samples --store "$store" >"$home/samples"
is 80 "$(jq --argjson ns "$(value '.lanes[0].window.window_ns')" \
	'[.. | objects | .ops_per_s? // empty | .samples[0].value] | .[0] | add / length * $ns / 1e9 | round' "$home/samples")" 'all of its ops'
# It may take longer than the time for one step, but not stand still; and nobody says how long it lasts.
work --steps 30 --step-time 50ms --timeout 1s
is 0 "$rc" 'status of work that takes longer than --timeout'
work --script hang_step --timeout 500ms
is 3 "$rc" 'status of work that stands still'
has "$(value '.lanes[0].reason')" 'the worker hangs: it finished no step for' 'work that stands still'
work --duration 1s
is 2 "$rc" 'status of work with a duration'
has "$(cat "$home/err")" "unknown option '--duration'" 'work with a duration'
work --script crash_step
is 3 "$rc" 'status of work that crashes'
# A suite gives its duration to those that can have one.
printf -- '- bench: null.scripted_whole\n  with: {steps: 20}\n- bench: null.nop\n' >"$home/whole.yaml"
rc=0
feedline run --suite "$home/whole.yaml" --duration 50ms --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is 'work done,time up' "$(value '[.lanes[].window.ended] | join(",")')" 'work in a suite with a duration'
sed -i 's/steps: 20/steps: 20, duration: 1s/' "$home/whole.yaml"
rc=0
feedline run --suite "$home/whole.yaml" --store "$store" >"$home/out" 2>"$home/err" || rc=$?
is 2 "$rc" 'status of a suite with a duration for work'
has "$(cat "$home/err")" "null.scripted_whole has no option 'duration'" 'a suite with a duration for work'
# Interrupted, it keeps what was done before it and says how to go on.
"$prefix/feedline" bench null.scripted_whole --step-time 10ms --store "$store" >"$home/out" 2>"$home/err" &
work=$!
sleep 0.5
kill -TERM "$work"
rc=0
wait "$work" || rc=$?
is 3 "$rc" 'status of work that is interrupted'
has "$(cat "$home/err")" 'interrupted; run' 'work that is interrupted'

# What this build has not is listed, and not measured, with the reason and what to do.
feedline list --json >"$home/out"
is 'false built without a script use a feedline that was built with it' \
	"$(value '.benchmarks[] | select(.name == "null.scripted_absent") | "\(.available) \(.reason) \(.hint)"')" 'what is not built, listed'
rc=0
feedline bench null.scripted_absent --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is 3 "$rc" 'status of what is not built'
is 'not measured: built without a script' "$(value '.lanes[0] | "\(.verdict): \(.reason)"')" 'what is not built, measured'

# A lane beside one that fails was not measured as the case says.
cat >"$home/beside.yaml" <<'EOF'
- together:
    - bench: null.scripted
      with: {script: crash_step, duration: 500ms}
    - bench: null.nop
EOF
rc=0
feedline run --suite "$home/beside.yaml" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
rc=$(undisturbed "$rc" "$home/out")
is 3 "$rc" 'status beside a crash'
is 'invalid,not measured' "$(value '[.lanes[].verdict] | join(",")')" 'verdicts beside a crash'

# That its data is wrong stays true.
cat >"$home/beside.yaml" <<'EOF'
- together:
    - bench: null.scripted
      with: {script: fail_step, duration: 500ms}
    - bench: null.scripted
      with: {script: wrong_data, duration: 500ms}
EOF
rc=0
feedline run --suite "$home/beside.yaml" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is 1 "$(undisturbed "$rc" "$home/out")" 'status of wrong data beside a failure'
is 'not measured,fail' "$(value '[.lanes[].verdict] | join(",")')" 'verdicts of wrong data beside a failure'
has "$(value '.lanes[1].reason')" 'wrong data: scripted wrong data at offset 4096' 'reason of wrong data beside a failure'

is 0 "$(workers)" 'workers left'
finish
