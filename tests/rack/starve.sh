#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# starve.sh BUILD_DIR: who is starved, and by which hop, where we know it: a source of known pace, a drive that is held back by
# a cgroup from outside, hogs on the accelerator's CPU, one CPU for all. This machine may be busy by itself, so what is asked is
# what must never be said, whatever else happens: no "fed" where too little comes, no "starved" where enough does or where the
# control itself fails, and no hop that is not the one; and that it is said at all, where the fault is large.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

set=$home/set
feedline data make "$set" --size 64MiB --store "$store" >/dev/null
left_out=()

# begin NAME ARGS...: a feed in the background, behind "${before[@]}"; in a network of its own, where it does not wait for
# others. Where there is none, it has ended before the next begins. end NAME: it has ended; rc; band, cause and hop of its
# first lane; `value` reads it.
before=()
apart=()
[ -z "${FEEDLINE_OWN_NET:-}" ] || apart=(unshare -n)
declare -A feeds
begin() {
	timeout -s KILL 120 "${before[@]}" "${apart[@]}" "$prefix/feedline" bench feed --path "$set" "${@:2}" \
		--store "$home/$1.db" --json >"$home/$1.out" 2>"$home/$1.err" &
	feeds[$1]=$!
	[ ${#apart[@]} -gt 0 ] || while kill -0 "${feeds[$1]}" 2>/dev/null; do
		sleep 0.1
	done
}
end() {
	rc=0
	wait "${feeds[$1]}" || rc=$?
	unset "feeds[$1]"
	out=$home/$1.out
	rc=$(undisturbed "$rc" "$out")
	band=$(value '.lanes[0].band')
	cause=$(value '.lanes[0].cause')
	hop=$(value '.lanes[0].hop')
}
# feed ARGS...: one that is waited for.
feed() {
	begin one "$@"
	end one
}
value() {
	jq -r "$1" "$out"
}
# never WORD GOT WHAT
never() {
	did=$((did + 1))
	[ "$1" != "$2" ] && return
	printf 'FAIL %s: %s\n' "$3" "$2"
	wrong=$((wrong + 1))
}
# agree: the status is that of the band.
agree() {
	case $band in
	fed) is 0 "$rc" "status of $band, $1" ;;
	*starved) is 1 "$rc" "status of $band, $1" ;;
	*) is 3 "$rc" "status of $band, $1" ;;
	esac
}

hogs=()
calm() {
	[ ${#hogs[@]} = 0 ] || kill "${hogs[@]}" 2>/dev/null || true
	wait "${hogs[@]}" 2>/dev/null || true
	hogs=()
}
group=
# What was put into the cgroup has ended; it goes away a moment later.
leave_group() {
	[ -z "$group" ] || rmdir "$group" 2>/dev/null || { sleep 1 && rmdir "$group"; }
	group=
}
trap 'calm; kill "${feeds[@]}" 2>/dev/null || true; leave_group; rm -rf "$home"' EXIT

feed --step-bytes 1MiB --step-time 20ms --block 256KiB --duration 500ms
if [ "$rc" = 3 ] && [ "$band" = null ]; then
	printf 'feed cannot run in %s: %s\n' "$home" "$(value '.lanes[0].reason')"
	exit 77
fi

# ---- a source of known pace: a batch every PACE, wanted every 20 ms. rho is 20 ms / PACE. All of these sleep for most of
# their time. Beside them one that is told at the end: enough, but not in time. With fewer steps S is not known well enough
# to be told from a border.
paced=(--source paced --step-bytes 64KiB --block 64KiB --step-time 20ms --duration 2s)
late=("${paced[@]}" --pace 16ms --jitter 1 --duration 16s)
begin late "${late[@]}" --prefetch 1
for pace in 40ms 25ms; do # rho 0.5, 0.8
	feed "${paced[@]}" --pace $pace
	never fed "$band" "half or four fifths of what is wanted, a batch every $pace"
	never jitter "$cause" "the cause of too little, a batch every $pace"
	agree "a batch every $pace"
	[ $pace = 40ms ] || continue
	has "$band" starved 'half of what is wanted'
	is capacity "$cause" 'cause of half of what is wanted'
done
for pace in 16ms 10ms; do # rho 1.25, 2
	feed "${paced[@]}" --pace $pace
	never starved "$band" "a batch every $pace where one every 20 ms is wanted"
	never capacity "$cause" "the cause where enough comes, a batch every $pace"
	agree "a batch every $pace"
done

end late
cured=
if [[ $band == *starved ]]; then
	is jitter "$cause" 'cause where enough comes, too late'
	if [ "$cause" = jitter ]; then
		is true "$(value '.lanes[0].depth_needed > 1')" 'a deeper queue is needed'
		cured=$(value '.lanes[0].depth_needed')
	fi
else
	left_out+=("jitter (the band was $band)")
fi

# ---- a hog on the accelerator's CPU: the control fails, so nothing is said of the data
for cpu in $(value '.lanes[0].placement.cpus' | tr ',-' '  '); do
	for _ in 1 2 3; do
		timeout 120 taskset -c "$cpu" bash -c 'while :; do :; done' &
		hogs+=($!)
	done
done
feed --source paced --pace 500us --step-bytes 1MiB --block 256KiB --step-time 1ms --duration 1s
calm
never starved "$band" 'hogs on the CPU of the accelerator'
never fed "$band" 'hogs on the CPU of the accelerator'

# ---- a step time that nobody can keep
feed --source direct --step-bytes 32MiB --step-time 100us --duration 500ms
is 'not measurable' "$band" 'a step time that nobody can keep'
is 3 "$rc" 'status of a step time that nobody can keep'

# ---- one CPU for all: whatever it says, it does not blame the drive for a CPU that is missing, where the drive gives all CPUs
# what is wanted. Of the lane's own threads it is known how long they waited for it, also where the engine has threads of its own.
for engine in auto pread; do
	for step in '8MiB 1ms 8388' '8MiB 4ms 2097' '1MiB 4ms 262'; do # the last: MB/s that are wanted
		read -r bytes time wanted <<<"$step"
		block=1MiB
		[ "$bytes" != 1MiB ] || block=4KiB
		before=()
		feedline bench ingest --path "$set" --step-bytes "$bytes" --block $block --engine $engine --duration 500ms \
			--store "$store" --json >"$home/out" 2>"$home/err" || true
		enough=$(jq --argjson w "$wanted" '.lanes[0].metrics.bytes_per_s.median > 1.2e6 * $w' "$home/out")
		before=(taskset -c 0)
		feed --study ladder --step-bytes "$bytes" --step-time "$time" --block $block --engine $engine --duration 500ms
		[ "$time" != 1ms ] || never fed "$band" "more than one CPU can move, by $engine"
		[ "$enough" != true ] || is no "$([[ $hop == *drive* ]] && echo yes || echo no)" \
			"whether the drive is blamed for one CPU, $step by $engine ($(value '.lanes[0] | [.band, .S, .why_hop]' | tr -d '\n'))"
	done
	is number "$(feedline show --store "$home/one.db" --json |
		jq -r '[.. | .witnesses? // empty] | first | .run_queue_wait_ratio | type')" "how long its threads waited, by $engine"
done
before=()

# ---- the queue of the depth that was found: it cures what came too late. Looked at when all is done, it sleeps, too.
[ -z "$cured" ] || begin cured "${late[@]}" --prefetch "$cured"

# ---- a drive that is held back from outside: the whole of feedline in a cgroup of version 1
drive=$(feedline topo --json | jq -r --arg d "$(stat -c '%Hd:%Ld' "$set/data-00000000")" \
	'[.drives[] | select(.dev == $d or any(.parts[]?; . == $d))][0].dev // ""')
parent=$(awk '/ - cgroup / && /[ ,]blkio(,|$)/ { print $5 }' /proc/self/mountinfo | head -n 1)
if [ "$(id -u)" = 0 ] && [ -n "$drive" ] && [ -n "$parent" ] && mkdir "$parent/feedline-test-$$" 2>/dev/null; then
	group=$parent/feedline-test-$$
	echo "$drive 40000000" >"$group/blkio.throttle.read_bps_device"
	before=(bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group")
	# 105 MB/s are wanted, 40 may come
	feed --study ladder --step-bytes 2MiB --step-time 20ms --block 256KiB --depth 8 --duration 2s
	before=()
	leave_group
	has "$band" starved 'a drive that may give two fifths'
	[ "$hop" = unattributed ] || has "$hop" drive 'the hop that holds it back'
	is capacity "$cause" 'cause of a drive that is held back'
else
	left_out+=('a drive held back by a cgroup (no root, no known drive or no blkio of version 1)')
fi

if [ -n "$cured" ]; then
	end cured
	never starved "$band" "with the queue of $cured batches that was found"
fi

[ ${#left_out[@]} = 0 ] || printf 'left out: %s\n' "${left_out[@]}"
finish
