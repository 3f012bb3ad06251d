#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# workers.sh BUILD_DIR: lanes that meet on a GPU share a worker, and what becomes of all of them when one goes wrong; workers
# are used again within a round; a part of a GPU has one of its own. The GPUs are made up, and no lane touches them.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
source "$(dirname "${BASH_SOURCE[0]}")/gpus.bash"

value() {
	jq -r "$1" "$home/out"
}
# suite: a suite from stdin; rc, $home/out
suite() {
	cat >"$home/suite.yaml"
	rc=0
	feedline run --suite "$home/suite.yaml" --store "$store" --json --timeout 2s "$@" >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}

# Two lanes on one GPU, one on another.
suite <<'EOF'
- together:
    - bench: null.scripted_gpu
      with: {gpu: 10:00.0, duration: 400ms}
    - bench: null.scripted_gpu
      with: {gpu: 10:00.0, rate: 2GB}
    - bench: null.scripted_gpu
      with: {gpu: 20:00.0}
EOF
is 'unjudged,unjudged,unjudged' "$(value '[.lanes[-3:][].verdict] | join(",")')" 'lanes that share a worker'
is 'true false' "$(value '[.lanes[-3:][].facts.process] | "\(.[0] == .[1]) \(.[1] == .[2])"')" 'who shares'
is 'GPU-00000000 GPU-00000000 GPU-00000001' "$(value '[.lanes[-3:][].facts.uuid] | join(" ")')" 'which GPUs they were told'
is '1000000 2000000 1000000' "$(value '[.lanes[-3:][].metrics | .bytes_per_s.median / .ops_per_s.median | round] | join(" ")')" 'each lane has its own steps'
is all "$(value '[.lanes[].facts.visible] | unique | join(" ")')" 'what workers of whole GPUs see'
is 0 "$(workers)" 'workers left'

# One of the two goes wrong. SCRIPT FIRST SECOND THIRD: verdicts, and what their reasons contain.
while IFS='|' read -r script first second third why beside; do
	suite <<EOF
- together:
    - bench: null.scripted_gpu
      with: {gpu: 10:00.0, duration: 400ms, script: $script}
    - bench: null.scripted_gpu
      with: {gpu: 10:00.0}
    - bench: null.scripted_gpu
      with: {gpu: 20:00.0}
EOF
	is "$first,$second,$third" "$(value '[.lanes[-3:][].verdict] | join(",")')" "verdicts beside $script"
	has "$(value '.lanes[-3].reason')" "$why" "reason of $script"
	has "$(value '.lanes[-2].reason')" "$beside" "reason of the lane that shared the worker of $script"
	is 0 "$(workers)" "workers left after $script"
done <<'EOF'
hang_open|invalid|not measured|not measured|phase 'open' did not end within 2 s|its worker was ended for another lane, null.scripted_gpu: the worker hangs
hang_step|invalid|not measured|not measured|phase 'step' did not end within 2 s|a lane of the same case failed: null.scripted_gpu: the worker hangs
crash_open|invalid|invalid|not measured|the worker was killed by SIG|the worker was killed by SIG
crash_step|invalid|invalid|not measured|in phase 'step'|the worker was killed by SIG
exit_step|invalid|invalid|not measured|exited with status 0 in phase 'step'|exited with status 0 in phase 'step'
flood_stdout|invalid|invalid|not measured|printed more than 1024 KiB|printed more than 1024 KiB
close_control|invalid|invalid|not measured|the worker|the worker
lie_steps|invalid|not measured|not measured|more than is possible|its worker was ended for another lane, null.scripted_gpu: the worker lies
fail_open|not measured|not measured|not measured|scripted failure|a lane of the same case failed: null.scripted_gpu: scripted failure
fail_step|not measured|not measured|not measured|scripted failure|a lane of the same case failed: null.scripted_gpu: scripted failure
wrong_data|fail|unjudged|unjudged|scripted wrong data|it loads no hop
EOF

# Workers are used again within a round. Every GPU alone, all at once, every pair, all pairs at once, bisection, in two rounds:
# what starts is counted by the processes that lanes say they were in, and they are not those of the round before.
suite --repeat 2 <<'EOF'
- bench: null.scripted_gpu
  with: {duration: 40ms}
- bench: null.scripted_gpu
  with: {duration: 40ms, rate: 2GB}
- together:
    - bench: null.scripted_gpu
      with: {duration: 40ms}
- bench: null.scripted_pair
  pairs: {of: [gpu, peer], relation: distinct}
  with: {duration: 40ms}
EOF
feedline show last --json --store "$store" >"$home/show"
jq '[.runs[0].lanes[].rounds[] | {round, process: .facts.process}]' "$home/show" >"$home/rounds"
is unjudged "$(value '[.lanes[].verdict] | unique | join(",")')" 'many cases'
starts=$(jq '[.[] | select(.round == 0).process] | unique | length' "$home/rounds")
is true "$(jq -n --argjson n "$starts" '$n > 0 and $n <= 24')" "at most 3 workers started for a GPU in a round ($starts)"
is 0 "$(jq '[.[] | select(.round == 0).process] as $a | [.[] | select(.round == 1).process] as $b | $a - ($a - $b) | length' \
	"$home/rounds")" 'workers of one round in the next'

# A part of a GPU is all that its worker sees, and no other lane is put there.
with_gpus '.[7].mig = "on" | . + [{id: "mig-MIG-1", parent: .[7].id, driver: "nvidia", model: "Example part", uuid: "MIG-1",
	compute_mode: "default", processes: 0, node: 0, pci: .[7].pci}, {id: "mig-MIG-2", parent: .[7].id, driver: "nvidia",
	model: "Example part", uuid: "MIG-2", compute_mode: "default", processes: 0, node: 0, pci: .[7].pci}]'
suite <<'EOF'
- bench: null.scripted_gpu
  with: {gpu: mig-MIG-1, duration: 20ms}
- bench: null.scripted_gpu
  with: {gpu: mig-MIG-2, duration: 20ms}
- bench: null.scripted_gpu
  with: {gpu: 10:00.0, duration: 20ms}
- bench: null.scripted_gpu
  with: {gpu: mig-MIG-1, duration: 20ms, rate: 2GB}
- bench: null.scripted_gpu
  with: {gpu: 80:00.0, duration: 20ms}
EOF
is 'MIG-1 MIG-2 whole MIG-1' "$(value '[.lanes[:4][].facts.visible | if test("GPU-00000000,.*GPU-00000006$") then "whole" else . end] | join(" ")')" 'what workers of parts see'
is 'true false false' "$(value '[.lanes[].facts.process] | "\(.[0] == .[3]) \(.[0] == .[1]) \(.[0] == .[2])"')" 'workers of parts'
has "$(value '.lanes[4].reason')" 'is divided into parts (MIG)' 'a divided GPU'

# What the environment hides is not measured, and no worker is told of it.
with_gpus
rc=0
CUDA_VISIBLE_DEVICES=1 feedline bench null.scripted_gpu --duration 20ms --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
has '3 4' "$rc" 'status with hidden GPUs' # 4: the window was so short that it cannot be trusted
is 'not measured,unjudged,not measured' "$(value '[.lanes[:3][].verdict] | join(",")')" 'hidden GPUs'
is "CUDA_VISIBLE_DEVICES='1' hides gpu-0000:10:00.0" "$(value '.lanes[0].reason')" 'why it is hidden'
is all "$(value '.lanes[1].facts.visible')" 'what the worker is told'
CUDA_VISIBLE_DEVICES=1 feedline bench null.scripted_gpu --dry-run --json >"$home/out"
is 1 "$(value '.plan.visible_gpus')" 'the plan says what hides GPUs'

# A GPU whose memory waits for repairs is measured, and not trusted; so is one that others use, where that is wanted.
with_gpus '.[0].pending_repairs = 1 | .[1].processes = 1 | .[1].process = "4711 python3"'
suite --shared <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 50ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, duration: 50ms}}
- {bench: null.scripted_gpu, with: {gpu: 30:00.0, duration: 50ms}}
EOF
is 'memory of gpu-0000:10:00.0 has failed and waits for a reset to be replaced' \
	"$(value '.lanes[0].distrust | map(select(contains("reset"))) | join(",")')" 'memory that waits for repairs'
is '1 other process uses gpu-0000:20:00.0' \
	"$(value '.lanes[1].distrust | map(select(contains("uses"))) | join(",")')" 'measured beside others'
is 0 "$(value '.lanes[2].distrust | map(select(contains("gpu-"))) | length')" 'a GPU of which there is nothing to say'

feedline export last --store "$store" >"$home/exported"
is 0 "$(grep -c '4711 python3' "$home/exported" || true)" 'what others run, in the record'
is '0 1 0' "$(jq -r '.. | objects | select(.gpus | arrays) | [.gpus[:3][].processes] | join(" ")' "$home/exported")" 'that they run, in the record'

# One of whose users nobody knows is measured, and not trusted, where they are not seen beside it either.
with_gpus '.[0].processes = null | .[0].process = null | .[0].unknown |= (.processes = "not told" | .process = "not told")'
suite <<'EOF'
- {bench: null.scripted_gpu, with: {gpu: 10:00.0, duration: 50ms}}
- {bench: null.scripted_gpu, with: {gpu: 20:00.0, duration: 50ms}}
EOF
is 'users of gpu-0000:10:00.0 are not known: not told' \
	"$(value '.lanes[0].distrust | map(select(contains("users"))) | join(",")')" 'users that nobody knows'
is 0 "$(value '.lanes[1].distrust | map(select(contains("users"))) | length')" 'users that are known'

# A GPU that others use.
with_gpus '.[0].processes = 2 | .[0].process = "4711 python3"'
suite --dry-run <<'EOF'
- bench: null.scripted_gpu
  with: {gpu: 10:00.0}
EOF
is '2 other processes use gpu-0000:10:00.0' "$(value '.plan.cases[0].lanes[0].skip')" 'a GPU that others use'
suite --dry-run --shared <<'EOF'
- bench: null.scripted_gpu
  with: {gpu: 10:00.0}
EOF
is null "$(value '.plan.cases[0].lanes[0].skip')" 'a GPU that others use, measured all the same'

is 0 "$(workers)" 'workers left'
finish
