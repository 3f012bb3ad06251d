#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gpu.sh BUILD_DIR: the benchmarks of GPUs, whole programs over the CUDA and NVML stubs (stubs/cudart/stub.h): what they
# measure is known beforehand, whatever goes wrong with a GPU is one clear line, the rest of the suite goes on, and nothing
# is left behind. No GPU is needed, and none is used.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
prefix=$build/stub
state=$home/state-of-stub
small='size: 256KiB, buffer: 2MiB, duration: 150ms'

value() {
	jq -r "$1" "$home/out"
}
# stub TEXT: what the machine is and what goes wrong; what processes said before is forgotten
stub() {
	rm -rf "$state"
	mkdir "$state"
	: >"$state/log"
	export CUDA_STUB="$1${1:+,}state=$state"
}
# said PATTERN: how many lines of the stub's log match
said() {
	grep -cE "$1" "$state/log" || true
}
take() {
	rc=0
	feedline "$@" --timeout 3s --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
	clean "$*"
}
# bench NAME ARGS..., suite (from stdin): rc, $home/out
bench() {
	take bench "$@" --duration 150ms
}
suite() {
	cat >"$home/suite.yaml"
	take run --suite "$home/suite.yaml" "$@"
}
# Whatever was tried: no pointer was wrong, no worker is left, no reason has two lines.
clean() {
	is 0 "$(said ' misuse ')" "misuse of CUDA by $1"
	is 0 "$(workers)" "workers left after $1"
	is 0 "$(value '[.lanes[]? | .reason, .hint | select(. != null and contains("\n"))] | length' 2>&1)" "one line each for $1"
}
# refused WHAT VERDICT PART HINT: the first lane, why, and what to do; where it was the only one, the status is 3
refused() {
	[ "$(value '.lanes | length')" != 1 ] || is 3 "$rc" "status of $1"
	is "$2" "$(value '.lanes[0].verdict')" "verdict of $1"
	has "$(value '.lanes[0].reason')" "$3" "reason of $1"
	has "$(value '.lanes[0].hint')" "$4" "hint of $1"
}
copies=(--size 256KiB --buffer 2MiB)

# ---- what is right

stub ''
list=$(feedline list)
for name in h2d d2h bidir p2p local latency latency_host latency_peer launch; do
	has "$list" "gpu.$name" 'feedline list'
done
has "$(feedline topo)" '8 GPUs' 'feedline topo'

# 256 KiB take 1 us and then go at 4 GB/s by the clock of the stub's GPUs, however busy this machine is; a load takes 500 ns.
suite <<END
- {bench: gpu.h2d, with: {gpu: 0, $small}}
- {bench: gpu.d2h, with: {gpu: 1, engine: sm, $small}}
- {bench: gpu.h2d, with: {gpu: 2, kind: write_combined, $small}}
- {bench: gpu.local, with: {gpu: 3, $small}}
- {bench: gpu.p2p, with: {from: 4, to: 5, $small}}
- {bench: gpu.p2p, with: {from: 6, to: 7, engine: sm, access: read, $small}}
- {bench: gpu.bidir, with: {gpu: 0, $small}}
- {bench: gpu.p2p, with: {from: 0, to: 7, direction: both, $small}}
- {bench: gpu.latency, with: {gpu: 0, size: 1MiB, duration: 150ms}}
- {bench: gpu.latency_host, with: {gpu: 0, size: 1MiB, duration: 150ms}}
- {bench: gpu.latency_peer, with: {gpu: 0, peer: 1, size: 1MiB, duration: 150ms}}
- {bench: gpu.h2d, with: {gpu: 0, kind: pageable, $small}}
- {bench: gpu.launch, with: {gpu: 0, duration: 150ms}}
END
is 13 "$(value '[.lanes[] | select(.verdict == "unjudged")] | length')" 'rows that were measured'
is true "$(value '[.lanes[:8][].metrics.bytes_per_s.median] | to_entries |
	map(.value / (262144 / (1000 + 262144 / 4) * 1e9) | . > 0.995 and . < 1.005) == ([range(6) | true] + [false, false])')" 'rates of one direction'
is true "$(value '[.lanes[6:8][].metrics | .bytes_per_s.median, 2 * .forth_bytes_per_s.median, 2 * .back_bytes_per_s.median |
	. / (2 * 262144 / (1000 + 262144 / 4) * 1e9)] | all(. > 0.99 and . < 1.01)')" 'rates of both directions'
is true "$(value '[.lanes[8:11][].metrics.access_ns.median] | all(. > 499 and . < 501)')" 'times of a load'
is 'kernel,none' "$(value '[.lanes[0, 11].facts.gate] | join(",")')" 'gates'
is direct "$(value '.lanes[4].facts.peer_access')" 'how GPUs reach each other'

# All at once: lanes that meet on a GPU share a worker, and no GPU is opened by more than one process at a time.
stub ''
{
	printf -- '- together:\n'
	for gpu in 0 1 2 3; do
		printf -- '    - {bench: gpu.%s, with: {gpu: %d, %s}}\n' h2d "$gpu" "$small" d2h "$gpu" "$small"
	done
} >"$home/together.yaml"
take run --suite "$home/together.yaml"
is 8 "$(value '[.lanes[] | select(.verdict == "unjudged")] | length')" 'lanes at once'
is 4 "$(said ' context ')" 'contexts of four GPUs'

# ---- wrong data

stub 'copy:100+:flip'
bench gpu.h2d --gpu 0 "${copies[@]}"
is '1 fail' "$rc $(value '.lanes[0].verdict')" 'a flipped bit while it was timed'
has "$(value '.lanes[0].reason')" 'copied from node0 to gpu-0000:11:00.0' 'a flipped bit while it was timed'
stub 'copy:1+:swap'
bench gpu.d2h --gpu 0 "${copies[@]}"
is '1 fail null' "$rc $(value '.lanes[0] | "\(.verdict) \(.metrics.bytes_per_s.median)"')" 'swapped data before it was timed'
stub 'drop=0-1'
suite <<END
- {bench: gpu.p2p, with: {from: 0, to: 1, $small}}
- {bench: gpu.p2p, with: {from: 1, to: 0, $small}}
END
is 'fail,unjudged' "$(value '[.lanes[].verdict] | join(",")')" 'a peer path that drops writes'
has "$(value '.lanes[0].reason')" 'copied from gpu-0000:11:00.0 to gpu-0000:12:00.0' 'a peer path that drops writes'
has "$(value '.lanes[0].hint')" IOMMU 'a peer path that drops writes'

# ---- a GPU that goes wrong, and those that go on

# after STUB: the engine of the SMs fails on GPU 0; then copies by the copy engine on GPU 0, on GPU 1, and without a GPU
after() {
	stub "$1"
	suite <<-END
		- {bench: gpu.h2d, with: {gpu: 0, engine: sm, $small}}
		- {bench: gpu.h2d, with: {gpu: 0, $small}}
		- {bench: gpu.h2d, with: {gpu: 1, engine: sm, $small}}
		- {bench: null.nop, with: {duration: 50ms}}
	END
}
verdicts() {
	value '[.lanes[].verdict] | join(",")'
}
after 'gpu0:fl_kernel_copy:40:sticky=719'
refused 'a sticky error' 'not measured' cudaErrorLaunchFailure Xid
is 'not measured,unjudged,unjudged,unjudged' "$(verdicts)" 'after a sticky error'
after 'gpu0:fl_kernel_copy:40:later=214'
refused 'damaged memory' 'not measured' cudaErrorECCUncorrectable 'reset the GPU'
is 'not measured,unjudged,unjudged,unjudged' "$(verdicts)" 'after damaged memory'
after 'gpu0:fl_kernel_copy:40:lost=999'
refused 'a lost GPU' 'not measured' cudaErrorUnknown Xid
is 'not measured,not measured,unjudged,unjudged' "$(verdicts)" 'after a lost GPU'
has "$(value '.lanes[1].reason')" 'gpu-0000:11:00.0 is not used again in this run' 'after a lost GPU'
for how in hang stall; do
	after "gpu0:fl_kernel_copy:40:$how"
	refused "work that never ends ($how)" invalid "the worker hangs: phase '" ''
	is 'invalid,not measured,unjudged,unjudged' "$(verdicts)" "after work that never ends ($how)"
done
after 'gpu0:cudaMalloc:1+:fail=2'
refused 'no memory' 'not measured' cudaErrorMemoryAllocation 'smaller size'
is 'not measured,not measured,unjudged,unjudged' "$(verdicts)" 'beside a GPU without memory'
stub 'memory=1000000'
bench gpu.h2d --gpu 0 "${copies[@]}"
refused 'too little memory' 'not measured' 'gpu-0000:11:00.0 has no 2 MiB of memory' 'smaller size'

# ---- the machine

stub 'gpus=0'
bench gpu.h2d "${copies[@]}"
refused 'no GPU' 'not measured' 'no gpu' ''
stub 'driver=12040'
suite <<END
- {bench: gpu.h2d, with: {gpu: 0, $small}}
- {bench: null.nop, with: {duration: 50ms}}
END
refused 'an old driver' 'not measured' 'CUDA 12.4' 'needs driver 580 or later'
is 'not measured,unjudged' "$(verdicts)" 'with an old driver'
stub 'driver=0'
bench gpu.h2d --gpu 0 "${copies[@]}"
refused 'no driver' 'not measured' 'there is no CUDA driver here' 'needs driver 580 or later'
stub 'prohibited=0'
bench gpu.h2d --gpu 0 "${copies[@]}"
refused 'a GPU that computes for nobody' 'not measured' prohibited 'nvidia-smi'
stub 'busy=0'
bench gpu.h2d --gpu 0 "${copies[@]}" --shared
refused 'a GPU that another has for himself' 'not measured' cudaErrorDevicesUnavailable 'exclusive-process mode'

# One process at a time: each worker gives it back before the next one needs it.
stub 'exclusive=0'
suite --repeat 2 <<END
- {bench: gpu.h2d, with: {gpu: 0, $small}}
- {bench: gpu.local, with: {gpu: 0, engine: sm, $small}}
- {bench: gpu.launch, with: {gpu: 0, duration: 50ms}}
END
is 'unjudged,unjudged,unjudged' "$(verdicts)" 'an exclusive GPU'

# A part is a device of its own, in a process that sees nothing else; whole GPUs are measured beside.
stub 'mig=1'
suite <<END
- {bench: gpu.h2d, with: {gpu: MIG-5eed0007-0000-4000-8000-0000000000a0, $small}}
- {bench: gpu.h2d, with: {gpu: MIG-5eed0007-0000-4000-8000-0000000000a1, $small}}
- {bench: gpu.h2d, with: {gpu: 0, $small}}
- {bench: gpu.p2p, with: {from: 0, to: 6, $small}}
- {bench: gpu.h2d, with: {gpu: '0000:92:00.0', $small}}
END
is 'unjudged,unjudged,unjudged,unjudged,not measured' "$(verdicts)" 'a divided GPU'
is 2 "$(said ' context MIG-')" 'contexts of parts'
has "$(value '.lanes[4].reason')" 'is divided into parts' 'a divided GPU'

# The user hides GPUs.
stub ''
export CUDA_VISIBLE_DEVICES=1
suite <<END
- {bench: gpu.h2d, with: {gpu: 0, $small}}
- {bench: gpu.h2d, with: {gpu: 1, $small}}
END
unset CUDA_VISIBLE_DEVICES
is 'not measured,unjudged' "$(verdicts)" 'with CUDA_VISIBLE_DEVICES'
has "$(value '.lanes[0].reason')" "CUDA_VISIBLE_DEVICES='1' hides gpu-0000:11:00.0" 'with CUDA_VISIBLE_DEVICES'
is 1 "$(said ' context ')" 'contexts with CUDA_VISIBLE_DEVICES'

finish
