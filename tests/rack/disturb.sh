#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# disturb.sh BUILD_DIR: real disturbance of a measurement is named with its figure, and is not named where there is none. This
# machine may be busy by itself, which then is a true reason: the quiet side is tried again until it is quiet. Where it never
# is, the kernel must say so, too, or what was named was not there.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

file=$home/data
head -c 64M /dev/urandom >"$file"
left_out=()

# measure ARGS...: rc, the reasons not to trust the lane, its witnesses.
before=()
measure() {
	rc=0
	timeout -s KILL 120 "${before[@]}" "$prefix/feedline" bench "$@" --store "$store" --json >"$home/out" 2>"$home/err" ||
		rc=$?
	distrust=$(jq -r '.lanes[0].distrust | join("; ")' "$home/out")
}

hogs=()
# hog CPU: takes what it can get of that CPU. Named by its pid, so that nothing else is ended.
hog() {
	timeout 120 taskset -c "$1" bash -c 'while :; do :; done' &
	hogs+=($!)
}
calm() {
	[ ${#hogs[@]} = 0 ] || kill "${hogs[@]}" 2>/dev/null || true
	wait "${hogs[@]}" 2>/dev/null || true
	hogs=()
}
trap 'calm; rm -rf "$home"' EXIT

lane=(storage.read --path "$file" --block 64KiB --depth 8 --duration 1s)
measure "${lane[@]}"
if [ "$rc" != 0 ] && [ "$rc" != 4 ]; then
	printf 'storage.read cannot run in %s: %s\n' "$home" "$(jq -r '.lanes[0].reason' "$home/out")"
	exit 77
fi
cpu=$(jq -r '.lanes[0].placement.cpus' "$home/out")

# ---- a lane that leaves its CPU idle, and a hog that takes it
hog "$cpu"
measure "${lane[@]}"
calm
is 4 "$rc" 'status beside a hog'
has "$distrust" 'other programs took' 'load by a hog'

# ---- a lane that wants its CPU for itself has to wait for it
hog "$cpu"
measure memory.copy --duration 1s
calm
is 4 "$rc" 'status of copying beside a hog'
has "$distrust" 'other programs took' 'load by a hog beside copying'
has "$distrust" 'its threads waited for a CPU' 'waiting beside a hog'
has "$distrust" 'involuntary context switches' 'switches beside a hog'

# ---- threads that sleep most of the time do not wait for long, but the hog is there all the same
if [ "$(nproc)" -gt 1 ]; then
	hog 0
	measure null.pipeline --pace 10ms --consume 5ms --duration 1s
	calm
	is 4 "$rc" 'status of a pipeline beside a hog'
	has "$distrust" 'other programs took' 'load by a hog beside threads that sleep'

	# ---- a sink that spins on a CPU that it does not have for itself: its own trouble is not called starvation
	hog 0
	hog 1
	measure feed --path "$file" --source dram --step-bytes 1MiB --step-time 1ms --duration 1s
	calm
	is true "$(jq '.lanes[0].band | . == "not measurable" or . == "at the limit"' "$home/out")" \
		"band of a sink beside hogs ($(jq -c '.lanes[0] | [.band, .S, .AU]' "$home/out"))"
	has "$distrust" 'other programs took' 'load by hogs beside a sink that spins'
fi

# ---- without it, there is none of this

# look: now (all times in ms), worked and stolen (of the lane's CPU), used (by what this script has waited for, on any CPU).
hz=$(getconf CLK_TCK)
look() {
	local user nice system steal cutime cstime
	read -r _ user nice system _ _ _ _ steal _ < <(grep "^cpu${cpu%%[,-]*} " /proc/stat)
	read -r cutime cstime < <(sed 's/.*) //' "/proc/$$/stat" | cut -d ' ' -f 14,15)
	now=$(($(date +%s%N) / 1000000))
	worked=$(((user + nice + system) * 1000 / hz))
	stolen=$((steal * 1000 / hz))
	used=$(((cutime + cstime) * 1000 / hz))
}

quiet=no
look
from=$now others=-$worked emulated=-$stolen ours=-$used
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	measure "${lane[@]}"
	[ -n "$distrust" ] || {
		quiet=yes
		break
	}
	sleep 1
done
look
# All that is ours is subtracted, wherever it ran; what emulating the lane's own I/O may take is judged in witness_load.c.
span=$((now - from)) others=$((others + worked - ours - used)) emulated=$((emulated + stolen))
if [ "$quiet" = yes ]; then
	is 0 "$rc" 'status where nothing disturbs'
elif ((others * 100 >= span)); then
	left_out+=("the quiet side, since others worked $others of $span ms on CPU $cpu: $distrust")
elif ((emulated * 10 >= span)) && [[ "$distrust" == 'the hypervisor took'* ]]; then
	left_out+=("the quiet side, since the hypervisor took $emulated of $span ms of CPU $cpu: $distrust")
else
	is 'nothing' "$distrust" "what disturbed CPU $cpu, where others worked $others of $span ms"
fi

# ---- a lane that only says what the harness costs is not concerned
hog "$cpu"
measure null.nop --duration 200ms
calm
is 0 "$rc" 'status of a null lane beside a hog'

# ---- a quota that stops us in the window (cgroups, version 1; a machine with version 2 does this in the virtual rack)
group=/sys/fs/cgroup/cpu/feedline-disturb-$$
if [ -e /sys/fs/cgroup/cpu/cpu.cfs_quota_us ] && mkdir "$group" 2>/dev/null; then
	echo 20000 >"$group/cpu.cfs_quota_us"
	# shellcheck disable=SC2016 # the inner shell expands these
	before=(bash -c 'echo $$ >"$0/tasks" && exec "$@"' "$group")
	measure memory.copy --duration 1s
	rmdir "$group"
	is 4 "$rc" 'status under a quota'
	has "$distrust" "the cgroup's CPU quota stopped it" 'a quota that stopped it'
	has "$distrust" "0.20 CPUs' worth of time" 'the quota itself'
else
	left_out+=('cpu quota')
fi

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
