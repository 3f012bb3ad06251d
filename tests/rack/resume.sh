#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# resume.sh BUILD_DIR: a run does not go on under other drivers and settings than it began with, unless it is told to. The
# record is what is changed here: it says that this machine was different when the run began.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# sql STATEMENT VALUES...: on the run in $store.
sql() {
	/usr/bin/python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as store:
    for row in store.execute(sys.argv[2], sys.argv[3:]): print(*row)' "$store" "$@"
}

# begun: $store holds a run without its lane, as if it had been killed in the first case.
begun() {
	cp "$home/whole.db" "$store"
	sql 'UPDATE run SET status = NULL'
	sql 'DELETE FROM series'
	sql 'DELETE FROM lane'
}

# said MEMBER VALUE [COLUMN]: what the record says instead.
said() {
	sql "UPDATE run SET ${3:-environment} = json_set(${3:-environment}, '\$.' || ?, json(?))" "$1" "$2"
}

resume() {
	rc=0
	feedline run --resume last --store "$store" "$@" >"$home/out" 2>"$home/err" || rc=$?
}

# refused WHAT: as `said` before.
refused() {
	resume
	is 2 "$rc" "status where the record differs in $1"
	has "$(<"$home/err")" 'is not as run' "the reason where the record differs in $1"
	has "$(<"$home/err")" "$1" "what differs in $1"
}

feedline bench null.nop --duration 20ms --store "$home/whole.db" --json >"$home/out"

begun
resume
is 0 "$rc" "status where nothing differs ($(head -n 1 "$home/err"))"

# ---- what must be as it was

begun
said drivers.feedline_test '{"version": "1.0", "srcversion": null}'
refused "drivers.feedline_test.version was '1.0'"
resume --resume-anyway --json
is 4 "$rc" 'status of going on anyway'
has "$(jq -r '.lanes[0].distrust[]' "$home/out")" 'drivers.feedline_test.version was' 'why it is not to be trusted'

for member in huge_pages huge_pages_defrag smt clock_source; do
	begun
	said "$member" '"something else"'
	refused "$member was 'something else', is '"
done
begun
said frequency '[{"cpus": "4000", "driver": "d", "governor": "g", "min_hz": 1, "max_hz": 2}]'
refused "frequency.4000 was 'cpus 4000, driver d, governor g"

drive=$(sql "SELECT json_extract(machine, '\$.drives[0].id') FROM run")
if [ "$drive" != None ]; then
	begun
	said 'drives[0].scheduler' '"another"' machine
	resume
	is 0 "$rc" 'status where the scheduler of a drive that it does not use differs'
	begun
	said 'drives[0].scheduler' '"another"' machine
	said used "{\"/f\": {\"drive\": \"$drive\", \"mount\": null, \"reason\": null}}"
	refused "drives.$drive.scheduler was 'another'"
fi

# ---- what need not be, and what an older feedline did not record

begun
for member in load variables.NCCL_DEBUG command; do
	said "$member" '"something else"'
done
for member in drivers frequency huge_pages huge_pages_defrag smt boost numa_balancing clock_source used; do
	sql "UPDATE run SET environment = json_remove(environment, '\$.' || ?)" "$member"
done
resume
is 0 "$rc" "status where nothing that matters is known to differ ($(head -n 1 "$home/err"))"

# ---- GPUs, as a driver that is made up shows them: how they are set matters, who uses those of no lane does not

mkdir -p "$home/gpus/libexec/feedline"
cp "$build/feedline" "$home/gpus/feedline"
ln -s "$build/share" "$home/gpus/share"
ln -s "$build/libexec/feedline/feedline-lane-host" "$build/stub/libexec/feedline/feedline-sense" "$home/gpus/libexec/feedline/"
# Used by feedline() of common.bash.
# shellcheck disable=SC2034
prefix=$home/gpus
rm -f "$home/whole.db"
feedline bench null.nop --duration 20ms --store "$home/whole.db" --json >"$home/out"
begun
CUDA_STUB=nvml:users=1 resume
is 0 "$rc" "status where a GPU has users ($(head -n 1 "$home/err"))"
while read -r stub what; do
	begun
	CUDA_STUB=$stub refused "$what"
done <<-'END'
	nvml:nvmlDeviceGetEccMode:1+:value=0 gpus.gpu-0000:11:00.0.ecc was 'on', is 'off'
	nvml:gpu2:nvmlDeviceGetEnforcedPowerLimit:1+:value=500000 gpus.gpu-0000:21:00.0.power_limit_w was '700', is '500'
	prohibited=1 gpus.gpu-0000:12:00.0.compute_mode was 'default', is 'prohibited'
	driver=12040 drivers.cuda.version was '13.0', is '12.4'
	nvml:nvmlSystemGetDriverVersion:1+:fail=999 drivers.nvidia.version was '580.82.07', is 'unknown'
	mig=1 gpu 'gpu-0000:92:00.0' is gone
	gpus=7 gpu 'gpu-0000:92:00.0' is gone
END

# ---- GPUs that lanes are on: who else uses them and what hides them decided whether they are measured

prefix=$build/tests/prefix
source "$(dirname "${BASH_SOURCE[0]}")/gpus.bash"
rm -f "$home/whole.db"
CUDA_VISIBLE_DEVICES=0,1 feedline bench null.scripted_gpu --gpu 10:00.0 --gpu 20:00.0 --duration 20ms \
	--store "$home/whole.db" --json >"$home/out" 2>"$home/err" || true

export CUDA_VISIBLE_DEVICES=GPU-00000001,GPU-00000000
begun
with_gpus '.[2].processes = 1 | .[2].process = "4711 python3"'
resume
has '0 4' "$rc" "status where it hides the same GPUs and one of no lane is used ($(head -n 1 "$home/err"))"
begun
with_gpus '.[1].processes = 1 | .[1].process = "4711 python3"'
refused "who uses gpu-0000:20:00.0: was 'nobody else', is '1 other process uses gpu-0000:20:00.0'"
begun
said 'gpus[1].processes' 2 machine
with_gpus
refused "who uses gpu-0000:20:00.0: was '2 other processes use gpu-0000:20:00.0', is 'nobody else'"

begun
CUDA_VISIBLE_DEVICES=0 refused "CUDA_VISIBLE_DEVICES was '0,1', is '0'"
CUDA_VISIBLE_DEVICES=0 resume --resume-anyway --json
is 4 "$rc" 'status of going on anyway where a GPU is hidden'
has "$(jq -r '.lanes[0].distrust[]' "$home/out")" "CUDA_VISIBLE_DEVICES was '0,1', is '0'" 'why that is not to be trusted'
begun
CUDA_VISIBLE_DEVICES='' refused "CUDA_VISIBLE_DEVICES was '0,1', is ''"
begun
sql "UPDATE run SET plan = json_remove(plan, '\$.visible_gpus', '\$.gpu_order')"
CUDA_VISIBLE_DEVICES=0 resume
has '0 4' "$rc" "status where an older plan does not say what was hidden ($(head -n 1 "$home/err"))"
unset CUDA_VISIBLE_DEVICES
begun
resume
has '0 4' "$rc" "status where nothing is hidden now, nor was any of its GPUs ($(head -n 1 "$home/err"))"

finish
