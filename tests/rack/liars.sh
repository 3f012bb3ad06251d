#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# liars.sh BUILD_DIR: every way in which a worker can break the protocol ends as "invalid" with one clear line, status 3,
# nothing left running, and the next run works.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# lane MODE FILTER: one lane of liar.MODE as JSON, one value of it.
run() {
	rc=0
	feedline bench "liar.$1" --duration 50ms --timeout 1s --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}

run honest
is 0 "$rc" 'an honest worker'
is unjudged "$(value '.lanes[0].verdict')" 'an honest worker'

while read -r mode part; do
	run "$mode"
	is 3 "$rc" "status of $mode"
	is invalid "$(value '.lanes[0].verdict')" "verdict of $mode"
	has "$(value '.lanes[0].reason')" "$part" "reason of $mode"
	is 0 "$(workers)" "workers left after $mode"
done <<'EOF'
garbage the worker lies: message:1:
array a message is not a JSON object
huge a message is longer than
nested nest
done_first out of turn
sized_twice out of turn
no_threads it wants no threads
many_threads threads
negative_threads threads
other_lane the worker spoke for another lane
flood out of turn
descriptor the worker sent a descriptor
done_early out of turn
future impossible times
backwards impossible times
overlap impossible times
count impossible times
silent the worker hangs: phase 'start'
deaf the worker hangs: phase
exits the worker exited with status 0
misplaced it was on the other side
EOF

# The seal holds, so the attempt to shrink the tape changes nothing.
run shrink
is 0 "$rc" 'status of shrink'

# A failure without a word still has a reason.
run wordless
is 3 "$rc" 'status of wordless'
is 'not measured' "$(value '.lanes[0].verdict')" 'verdict of wordless'
has "$(value '.lanes[0].reason')" 'does not say why' 'reason of wordless'

# What was not declared is not recorded; a cap below zero is none.
run boastful
is 0 "$rc" 'status of boastful'
is '{"engine":null}' "$(jq -c '.lanes[0].facts' "$home/out")" 'facts of boastful'
is null "$(value '.lanes[0].cap_bytes_per_s')" 'cap of boastful'

is 25 "$(feedline runs --store "$store" --json | jq '[.runs[] | select(.state == "finished")] | length')" 'runs kept'
finish
