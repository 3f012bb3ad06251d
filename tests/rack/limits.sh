#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# limits.sh BUILD_DIR: what containers and administrators take away: io_uring, locked memory, NUMA calls, CPUs, memory. Each
# ends in a clear line and the right status, or in a fall-back that the record names. Parts that this system does not allow
# to set up are said to be left out.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

file=$home/data
head -c 64M /dev/urandom >"$file"
left_out=()

# measure ARGS...: rc, $home/out; the command is behind "${before[@]}".
before=()
measure() {
	rc=0
	timeout -s KILL 120 "${before[@]}" "$prefix/feedline" bench "$@" --duration 200ms --store "$store" --json \
		>"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}
read_file=(storage.read --path "$file" --block 64KiB --depth 8)

# ---- the control: all of it allowed
measure "${read_file[@]}"
if [ "$rc" != 0 ]; then
	printf 'storage.read cannot run in %s: %s\n' "$home" "$(value '.lanes[0].reason')"
	exit 77
fi
is true "$(value '.lanes[0].placement.verified')" 'placement'
is true "$(value '.lanes[0].data_verified')" 'data'

# ---- io_uring forbidden: threads read in its place, unless it is insisted on
before=("$build/tests/deny" io_uring)
for bench in storage.read 'storage.read_buffered --cache warm' storage.latency; do
	# shellcheck disable=SC2086 # words
	measure $bench "${read_file[@]:1}"
	is 0 "$rc" "$bench: status without io_uring"
	is pread "$(value '.lanes[0].facts.engine')" "$bench: engine without io_uring"
	has "$(value '.lanes[0].facts.why_pread')" 'io_uring is forbidden' "$bench: why not by io_uring"
	is plain "$(value '.lanes[0].facts.buffers')" "$bench: buffers without io_uring"
	is true "$(value '.lanes[0].data_verified')" "$bench: data without io_uring"
done
for insisted in '--engine io_uring' '--buffers registered'; do
	# shellcheck disable=SC2086 # two words
	measure "${read_file[@]}" $insisted
	is 3 "$rc" "status without io_uring, with $insisted"
	is 'not measured' "$(value '.lanes[0].verdict')" "verdict without io_uring, with $insisted"
	has "$(value '.lanes[0].reason')" 'io_uring' "reason without io_uring, with $insisted"
	is true "$(value '.lanes[0].hint | length > 10')" "a hint without io_uring, with $insisted"
done
measure "${read_file[@]}" --depth 257
is 3 "$rc" 'status with more depth than threads may be'
has "$(value '.lanes[0].reason')" 'pread keeps 1 to 256' 'reason with more depth than threads may be'

# ---- a kernel that is too old for io_uring, or has no memory for a ring: threads, as where it is forbidden
for kernel in old_io_uring full_io_uring; do
	before=("$build/tests/deny" "$kernel")
	measure "${read_file[@]}"
	is 0 "$rc" "status with $kernel"
	is pread "$(value '.lanes[0].facts.engine')" "engine with $kernel"
	has "$(value '.lanes[0].facts.why_pread')" 'io_uring' "reason with $kernel"
done
before=()

# ---- the kernel cannot take a request now, once: the lane goes on (the calls of io_uring have no wrapper to fail)
if command -v strace >/dev/null && strace -f true 2>/dev/null; then
	before=(strace -f -o /dev/null -e trace=io_uring_enter -e inject=io_uring_enter:error=EAGAIN:when=100+50)
	measure "${read_file[@]}"
	is unjudged "$(value '.lanes[0].verdict')" "verdict of a lane that met EAGAIN ($(value '.lanes[0].reason'))"
	before=()
else
	left_out+=('EAGAIN (no strace here)')
fi

# ---- NUMA calls forbidden: first touch, proved another way
before=("$build/tests/deny" numa)
measure memory.copy
is 0 "$rc" 'status without NUMA calls'
is true "$(value '.lanes[0].placement.verified')" 'placement without NUMA calls, from numa_maps'

# ---- memlock too low
before=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock prlimit --memlock=65536)
if "${before[@]}" true 2>/dev/null; then
	measure "${read_file[@]}"
	is 0 "$rc" 'status with little locked memory'
	is plain "$(value '.lanes[0].facts.buffers')" 'buffers with little locked memory'
	before[-1]=--memlock=786432 # enough for the buffers of one thread of two: then neither has them
	measure "${read_file[@]}" --threads 2
	is 0 "$rc" 'status with locked memory for half of the threads'
	is plain "$(value '.lanes[0].facts.buffers')" 'buffers with locked memory for half of the threads'
	has "$(value '.lanes[0].facts.why_plain')" 'register 524288 bytes' 'why, with locked memory for half of the threads'
	before[-1]=--memlock=65536
	measure "${read_file[@]}" --buffers registered
	is 3 "$rc" 'status when registered buffers are insisted on'
	has "$(value '.lanes[0].hint')" 'ulimit -l' 'hint when registered buffers are insisted on'
else
	left_out+=('memlock (setpriv)')
fi

# ---- bound to one CPU by a launcher: the agent widens itself to all that the cpuset allows
before=(taskset -c 0)
measure memory.copy
is 0 "$rc" 'status under taskset'
all=$(nproc) # of this shell, which is not under taskset
is "$all" "$(value '.lanes[0].window.threads')" 'threads under taskset'

# ---- cgroups, version 1 (a machine with version 2 does this in the virtual rack)
v1=/sys/fs/cgroup
in_cgroup() { # in_cgroup CONTROLLER NAME=VALUE...: sets "before"; false if it cannot be made
	local controller=$1 group=$v1/$1/feedline-test-$$
	shift
	[ -d "$v1/$controller" ] && mkdir "$group" 2>/dev/null || return 1
	groups+=("$group")
	for setting in "$@"; do
		echo "${setting#*=}" 2>/dev/null >"$group/${setting%%=*}" || return 1
	done
	# shellcheck disable=SC2016 # the inner shell expands these
	before=(bash -c 'echo $$ >"$0/tasks" && exec "$@"' "$group")
	"${before[@]}" true 2>/dev/null
}
groups=()
remove_groups() {
	for group in "${groups[@]}"; do
		rmdir "$group" 2>/dev/null || true
	done
	rm -rf "$home"
}
trap remove_groups EXIT

if [ "$(nproc --all)" -gt 1 ] && in_cgroup cpuset cpuset.cpus=0 cpuset.mems=0; then
	measure memory.copy
	is 3 "$rc" 'status in a cpuset of one CPU'
	is 'not measured' "$(value '.lanes[0].verdict')" 'verdict in a cpuset of one CPU'
	has "$(value '.lanes[0].reason')" 'the cpuset allows 1 of' 'reason in a cpuset of one CPU'
	has "$(value '.lanes[0].hint')" '--bind-to none' 'hint in a cpuset of one CPU'
	measure "${read_file[@]}"
	is 0 "$rc" 'status of a lane that one CPU is enough for'
	is 0 "$(value '.lanes[0].placement.cpus')" 'CPU of a lane that one CPU is enough for'
else
	left_out+=('cpuset')
fi

if in_cgroup memory memory.limit_in_bytes=134217728; then
	measure memory.copy
	is 3 "$rc" 'status in a small memory cgroup'
	is 'not measured' "$(value '.lanes[0].verdict')" 'verdict in a small memory cgroup'
	has "$(value '.lanes[0].reason')" 'the cgroup allows 128 MiB in all' 'reason in a small memory cgroup'
else
	left_out+=('memory cgroup')
fi

if in_cgroup cpu cpu.cfs_period_us=100000 cpu.cfs_quota_us=50000; then
	measure memory.copy
	is 4 "$rc" 'status with half a CPU of time'
	has "$(value '.lanes[0].distrust | join(" ")')" "0.50 CPUs' worth of time" 'distrust with half a CPU of time'
else
	left_out+=('cpu quota')
fi

before=(bash -c 'ulimit -f 4096 && exec "$@"' -)
measure null.nop
before=()
is 3 "$rc" 'status with a limit on the size of files'
has "$(value '.lanes[0].reason')" 'File too large' 'reason with a limit on the size of files'
has "$(value '.lanes[0].hint')" 'ulimit -f' 'hint with a limit on the size of files'

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
