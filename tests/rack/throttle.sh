#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# throttle.sh BUILD_DIR: --read-limit holds a lane's reads back, by a cgroup that is gone afterwards: also where the worker was
# killed, where feedline was killed, and where it may not be made. (Version 1 here; version 2 in the virtual rack.)
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

file=$home/data
head -c 64M /dev/urandom >"$file"
sync "$file"
left_out=()

# The cgroup directory of ours for block devices, and those that feedline made near it.
group=$(feedline topo --json | jq -r '.limits.io_group // ""')
groups_left() {
	find "${group:-/nonexistent}" -maxdepth 1 -name 'feedline-limit-*' 2>/dev/null | wc -l
}

# measure ARGS...: rc, $home/out; the command is behind "${before[@]}".
before=()
measure() {
	rc=0
	timeout -s KILL 120 "${before[@]}" "$prefix/feedline" bench storage.read --path "$file" "$@" --store "$store" --json \
		>"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}

# ---- where no drive is known, nothing is measured as if it had been held back
mkdir "$home/memory"
if mount -t tmpfs none "$home/memory" 2>/dev/null; then
	head -c 64M /dev/urandom >"$home/memory/data"
	rc=0
	feedline bench null.claimant --path "$home/memory/data" --read-limit 20MB --duration 200ms --store "$store" --json \
		>"$home/out" 2>"$home/err" || rc=$?
	umount "$home/memory"
	is 3 "$rc" 'status where no drive is known'
	is 'not measured' "$(value '.lanes[0].verdict')" 'verdict where no drive is known'
else
	left_out+=('tmpfs')
fi

# ---- as somebody who may not
if [ "$(id -u)" = 0 ] && before=(setpriv --reuid 65534 --clear-groups) && "${before[@]}" true 2>/dev/null; then
	chmod 777 "$home"
	chmod 644 "$file"
	store=$home/other.db
	before+=(env "HOME=$home/other" "XDG_STATE_HOME=$home/other" "XDG_CACHE_HOME=$home/other")
	mkdir -m 777 "$home/other"
	if "${before[@]}" "$prefix/feedline" list >/dev/null 2>&1; then
		measure --read-limit 20MB --duration 200ms
		is 3 "$rc" "status as another user ($(head -n 1 "$home/err"))"
		is 'not measured' "$(value '.lanes[0].verdict')" 'verdict as another user'
		has "$(value '.lanes[0].reason')" 'a cgroup that limits reads cannot be made here' 'reason as another user'
		has "$(value '.lanes[0].hint')" 'root' 'hint as another user'
	else
		left_out+=('another user (may not run the program)')
	fi
	store=$home/store.db
else
	left_out+=('another user')
fi
before=()

# ---- held back
measure --read-limit 20MB --duration 2s
if [ "$(value '.lanes[0].verdict')" = 'not measured' ] && [[ $(value '.lanes[0].reason') == *'cannot be made here'* ]]; then
	printf 'left out here: %s; %s\n' "${left_out[*]}" "$(value '.lanes[0].reason')"
	finish
	exit 77
fi
is 0 "$rc" "status of limited reads ($(value '.lanes[0].reason'))"
is true "$(value '.lanes[0].metrics.bytes_per_s.median | . > 1e6 and . < 22e6')" \
	"20 MB/s ($(value '.lanes[0].metrics.bytes_per_s.median'))"
is 0 "$(groups_left)" 'cgroups left by a run'

# ---- the next lane, of the same worker, is not
cat >"$home/suite.yaml" <<YAML
- bench: storage.read
  with: {path: $file, duration: 1s, read_limit: 20MB}
- bench: storage.read
  with: {path: $file, duration: 1s}
YAML
feedline run --suite "$home/suite.yaml" --store "$store" --json >"$home/out" 2>"$home/err" || true
is true "$(value '[.lanes[].metrics.bytes_per_s.median] | .[1] > 2 * .[0]')" 'reads after limited ones'
is 0 "$(groups_left)" 'cgroups left by a suite'

# ---- a limit that feedline itself is under is not escaped by a wider one
if mkdir "$group/feedline-test-$$" 2>/dev/null; then
	drive=$(findmnt -n -o MAJ:MIN -T "$file" | tr -d ' ')
	drive=$(feedline topo --json | jq -r --arg d "$drive" '.drives[] | select(.dev == $d or any(.parts[]; . == $d)) | .dev')
	echo "$drive 10000000" >"$group/feedline-test-$$/blkio.throttle.read_bps_device"
	# shellcheck disable=SC2016 # the inner shell expands these
	before=(bash -c 'echo $$ >"$0/tasks" && exec "$@"' "$group/feedline-test-$$")
	measure --read-limit 20MB --duration 2s
	before=()
	is 0 "$rc" "status under a limit of its own ($(value '.lanes[0].reason'))"
	is true "$(value '.lanes[0].metrics.bytes_per_s.median | . > 1e6 and . < 11e6')" \
		"10 MB/s ($(value '.lanes[0].metrics.bytes_per_s.median'))"
	is 0 "$(find "$group/feedline-test-$$" -mindepth 1 -type d | wc -l)" 'cgroups left under a limit'
	rmdir "$group/feedline-test-$$"
else
	left_out+=('a limit of its own')
fi

# in_the_middle: waits until a worker is held back; sets agent and worker.
in_the_middle() {
	"$prefix/feedline" bench storage.read --path "$file" --read-limit 20MB --duration 30s --store "$store" --json \
		>"$home/out" 2>"$home/err" &
	agent=$!
	worker=
	for ((t = 0; t < 100; t++)); do
		worker=$(cat "$group/feedline-limit-$agent-0/cgroup.procs" 2>/dev/null) && [ -n "$worker" ] && return
		sleep 0.1
	done
}

# ---- the worker is killed
in_the_middle
is 1 "$(groups_left)" 'cgroups while it runs'
kill -9 "$worker"
wait "$agent" 2>/dev/null || true
is invalid "$(value '.lanes[0].verdict')" 'verdict where the worker was killed'
is 0 "$(groups_left)" 'cgroups left where the worker was killed'

# ---- feedline is interrupted
in_the_middle
kill -INT "$agent"
wait "$agent" 2>/dev/null || true
is 0 "$(groups_left)" 'cgroups left where it was interrupted'

# ---- feedline is killed: the next run cleans up, and nothing that is not its own
in_the_middle
kill -9 "$agent"
wait "$agent" 2>/dev/null || true
for ((t = 0; t < 50; t++)); do
	[ -d "/proc/$worker" ] || break
	sleep 0.1
done
# One that somebody holds is not left over, whatever its PID: that of another container means nothing here.
mkdir "$group/feedline-limit-x-$$"
held=$group/feedline-limit-999999999-0
for ((t = 0; t < 100; t++)); do # until it is held, another script's run may clean it up
	mkdir "$held" 2>/dev/null || true
	{ exec 9<"$held"; } 2>/dev/null && flock 9 && [ "$held" -ef /dev/fd/9 ] && break
done
feedline bench null.nop --duration 10ms --store "$store" >/dev/null 2>&1 || true
is "feedline-limit-999999999-0 feedline-limit-x-$$" \
	"$(find "$group" -maxdepth 1 -name 'feedline-limit-*' -printf '%f\n' | sort | paste -s -d ' ')" \
	'cgroups left after the run that follows a killed one'
exec 9<&-
rmdir "$group/feedline-limit-x-$$"
feedline bench null.nop --duration 10ms --store "$store" >/dev/null 2>&1 || true
is 0 "$(groups_left)" 'cgroups left that nobody holds'

# ---- a worker that cannot leave its cgroup is not used again: the next lane is not held back
mounted=$(findmnt -n -o TARGET -T "$group" 2>/dev/null || true)
# shellcheck disable=SC2016 # the inner shell expands these
if [ -n "$mounted" ] && unshare -m bash -c 'mount -o remount,bind,ro "$0"' "$mounted" 2>/dev/null; then
	unshare -m "$prefix/feedline" run --suite "$home/suite.yaml" --store "$store" --json >"$home/out" 2>"$home/err" &
	agent=$!
	for ((t = 0; t < 100; t++)); do
		[ -z "$(cat "$group/feedline-limit-$agent-0/cgroup.procs" 2>/dev/null)" ] || break
		sleep 0.1
	done
	nsenter -m -t "$agent" mount -o remount,bind,ro "$mounted"
	wait "$agent" || true
	is true "$(value '[.lanes[].metrics.bytes_per_s.median] | .[1] > 2 * .[0]')" \
		"reads after those of a worker that stayed ($(value '[.lanes[] | [.reason, .metrics.bytes_per_s.median]]' | tr -d '\n '))"
	feedline bench null.nop --duration 10ms --store "$store" >/dev/null 2>&1 || true
	is 0 "$(groups_left)" 'cgroups left by a worker that stayed'
else
	left_out+=('a worker that stays')
fi

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
