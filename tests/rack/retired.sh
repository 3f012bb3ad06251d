#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# retired.sh BUILD_DIR: a GPU on which a lane hung, or that got lost, is not used again in the run, and the rest goes on; a
# worker that cannot be ended is left behind. The GPUs are made up, and no lane touches them.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
source "$(dirname "${BASH_SOURCE[0]}")/gpus.bash"

value() {
	jq -r "$1" "$home/out"
}
suite() {
	cat >"$home/suite.yaml"
	rc=0
	feedline run --suite "$home/suite.yaml" --store "$store" --json --timeout 1s "$@" >"$home/out" 2>"$home/err" || rc=$?
}
verdicts() {
	value '[.lanes[].verdict] | join(",")'
}

# It hangs; what comes later on it is not measured, also beside another one; all others are.
suite <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, script: hang_step, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, duration: 100ms}}
- {bench: null.scripted_pair, with: {gpu: 20:00.0, peer: 10:00.0, duration: 100ms}}
- together:
    - {bench: null.nop}
    - {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 100ms}}
- {bench: null.nop, with: {duration: 100ms}}
EOF
is 'invalid,not measured,unjudged,not measured' "$(value '[.lanes[:4][].verdict] | join(",")')" 'after a hang'
has "$(value '.lanes[1].reason')" "gpu-0000:10:00.0 is not used again in this run: phase 'step' of 'null.scripted_gpu gpu=gpu-0000:10:00.0" 'why it is not used'
has "$(value '.lanes[1].hint')" dmesg 'what to do'
has "$(value '.lanes[3].reason')" 'gpu-0000:10:00.0 is not used again' 'a pair with it'
is unjudged "$(value '.lanes[-1].verdict')" 'what needs no GPU'
is 0 "$(workers)" 'workers left after a hang'

# Those that were to run at once with it do so without it, and say that they were fewer: of one rule, of several rules, of
# pairs that share a worker. Nothing runs at once with one alone, and what a study holds against other cases is not changed.
with_gpus '.[:4]'
suite <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, script: hang_step, duration: 100ms}}
- {bench: null.scripted_gpu, with: {duration: 100ms, rate: 2GB}, at_once: [gpu]}
- bench: null.scripted_pair
  with: {duration: 100ms}
  pairs: {of: [gpu, peer], relation: distinct}
  at_once: [gpu, peer]
- together:
    - {bench: null.nop, with: {duration: 100ms}}
    - {bench: null.scripted_gpu, with: {duration: 100ms}}
- together:
    - {bench: null.nop, with: {duration: 100ms}}
    - {bench: null.scripted_gpu, with: {gpu: 20:00.0}}
- together:
    - {bench: null.scripted_gpu, with: {duration: 100ms}}
  study: solo
EOF
is 'unjudged,not measured,unjudged,unjudged 3,null,3,3' \
	"$(value '[.lanes[1:5][]] | [map(.verdict), map(.window.lanes_ran)] | map(map(. // "null" | tostring) | join(",")) | join(" ")')" \
	'what ran at once without it'
has "$(value '.lanes[2].reason')" \
	"gpu-0000:20:00.0 is not used again in this run: phase 'step' of" 'why one was left out'
is '6 unjudged 6 not measured' "$(value '[.lanes[5:17][].verdict] | "\(map(select(. == "unjudged")) | length) unjudged \(map(select(. == "not measured")) | length) not measured"')" \
	'pairs at once without it'
is 'unjudged,unjudged,not measured,unjudged,unjudged' "$(value '[.lanes[17:22][].verdict] | join(",")')" 'other rules at once without it'
is 'not measured,not measured' "$(value '[.lanes[22:24][].verdict] | join(",")')" 'one alone'
is 'not measured' "$(value '[.lanes[-4:][].verdict] | unique | join(",")')" 'all together, of a study'
feedline report last --store "$store" >"$home/text" || true
has "$(tr -s ' \n' ' ' <"$home/text")" '3 of the 4 lanes of their case ran together' 'the report says how many'
is 0 "$(workers)" 'workers left after lanes that were left out'
with_gpus

# Rounds that are still to come do not wait for it again.
suite --repeat 3 <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, script: hang_open, duration: 50ms}}
EOF
feedline show last --json --store "$store" >"$home/show"
is 'invalid not_measured not_measured' "$(jq -r '[.runs[0].lanes[0].rounds[].outcome | gsub(" "; "_")] | join(" ")' "$home/show")" 'rounds after a hang'

# It says that it lost the GPU: that is no hang. The parts of a divided one are lost together.
with_gpus '.[7].mig = "on" | . + [{id: "mig-MIG-1", parent: .[7].id, driver: "nvidia", model: "Example part", uuid: "MIG-1",
	compute_mode: "default", processes: 0, node: 0, pci: .[7].pci}, {id: "mig-MIG-2", parent: .[7].id, driver: "nvidia",
	model: "Example part", uuid: "MIG-2", compute_mode: "default", processes: 0, node: 0, pci: .[7].pci}]'
suite <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: mig-MIG-1, script: lose_gpu, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: mig-MIG-2, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, script: fail_step, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, duration: 100ms}}
EOF
is 'not measured,not measured,unjudged,not measured,unjudged' "$(verdicts)" 'after a loss, and after an error that is none'
has "$(value '.lanes[1].reason')" "mig-MIG-2 is not used again in this run: it was lost in 'null.scripted_gpu gpu=mig-MIG-1" 'why the other part is not used'

# A pair of GPUs: which of them was lost nobody knows, and the other one is not given up with it.
with_gpus
suite <<'EOF'
- {bench: null.scripted_pair, with: {gpu: 10:00.0, peer: 20:00.0, script: lose_gpu, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 100ms}}
- {bench: null.scripted_pair, with: {gpu: 20:00.0, peer: 30:00.0, duration: 100ms}}
EOF
is 'not measured,unjudged,unjudged' "$(verdicts)" 'after a loss in a pair'

# A run that goes on later begins afresh.
with_gpus
cat >"$home/suite.yaml" <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, script: hang_open, duration: 50ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, duration: 3s}}
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 50ms}}
EOF
"$prefix/feedline" run --suite "$home/suite.yaml" --store "$store" --timeout 500ms >"$home/out" 2>"$home/err" &
run=$!
sleep 2
kill -TERM "$run"
rc=0
wait "$run" || rc=$?
is 3 "$rc" 'status of an interrupted run'
rc=0
feedline run --resume last --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is 'invalid,unjudged,unjudged' "$(verdicts)" 'a run that goes on'

# A worker that cannot be ended (a debugger has it): it is named and left behind, its GPU is not used again, the rest goes on,
# and nothing waits for it.
suite <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, script: stuck_step, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 100ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, duration: 100ms}}
EOF
if grep -q 'cannot be traced' "$home/out"; then
	echo 'SKIP a worker that cannot be ended: no process can be traced here'
else
	is 'invalid,not measured,unjudged' "$(verdicts)" 'after a worker that cannot be ended'
	has "$(value '.lanes[0].reason')" 'is stuck in the kernel and was left behind' 'which worker is left behind'
	has "$(value '.lanes[1].reason')" "gpu-0000:10:00.0 is not used again in this run: phase 'step' of" 'its GPU'
	has "$(cat "$home/err")" 'is stuck in the kernel and was left behind; it used gpu-0000:10:00.0' 'what is said of it'
fi
is 0 "$(workers)" 'workers left'
finish
