#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# telemetry.sh BUILD_DIR: what devices do beside a case is seen and kept; a watcher that goes wrong costs its series and one
# line, never the run.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
left_out=()

# The watcher's process, once it is there.
watcher() {
	local pid
	for _ in $(seq 200); do
		pid=$(pgrep -f "^$1/libexec/feedline/feedline-sense watch" | head -n 1) && break
		sleep 0.05
	done
	echo "$pid"
}
none_left() {
	is '' "$(pgrep -f "^$1/libexec/feedline/feedline-" || true)" "$2: what is left running"
}

# measure ARGS...: status in rc, JSON in $home/out, what was said in $home/err, what was watched in $home/watched.
measure() {
	rc=0
	feedline bench "$@" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
	feedline export last --store "$store" | jq -c '.watched // empty' >"$home/watched"
}
# seen SUBJECT METRIC FILTER: what jq makes of the samples of that series in the window; "" where there is none.
seen() {
	jq -r --arg subject "$1" --arg metric "$2" \
		"select(.subject == \$subject and .series.metric == \$metric) | .series | $3" "$home/watched"
}
series() {
	wc -l <"$home/watched"
}

# ---- a CPU hog shows, and so does what watching costs
hogs=()
for _ in $(seq "$(nproc)"); do
	timeout 60 bash -c 'while :; do :; done' &
	hogs+=($!)
done
measure null.nop --duration 1500ms
kill "${hogs[@]}"
wait "${hogs[@]}" 2>/dev/null || true
is true "$(seen node0 cpu_busy_ratio '.value | max > 0.9')" 'CPUs that are busy'
is true "$(seen node0 memory_free_bytes '.value | min > 0')" 'free memory'
if [ -r /proc/pressure/cpu ]; then
	is true "$(seen system cpu_pressure_ratio '.value | max > 0.1')" 'CPU pressure'
else
	left_out+=('pressure')
fi
is true "$(seen feedline cpu_ns '(.value | add) > 0')" 'what it costs'
is true "$(seen feedline agent_cpu_ns '(.value | add) > 0')" 'what reading it costs'
is true "$(seen feedline calls '(.value | add) > 10')" 'calls'
is true "$(seen feedline longest_call_ns '.value | max > 0')" 'the longest call'
is true "$(jq -s 'all(.[].series.at[]; . > -1e9 and . < 3.5e9)' "$home/watched")" 'times about the window'
none_left "$prefix" 'after a run'

# ---- a drive that is read shows about what the lane says
head -c 64M /dev/urandom >"$home/image"
if drive=$(losetup --find --show --direct-io=on "$home/image" 2>"$home/err"); then
	trap 'losetup -d "$drive"; rm -rf "$home"' EXIT
	measure storage.read --path "$drive" --block 256KiB --depth 4 --duration 1s
	if [ "$rc" = 0 ]; then
		rate=$(jq '.lanes[0].metrics.bytes_per_s.mean' "$home/out")
		is true "$(seen "${drive#/dev/}" read_bytes_per_s \
			"[.at, .value] | transpose | map(select(.[0] > 1.5e8 and .[0] < 1e9))
			| (map(.[1]) | add / length / $rate) | . > 0.5 and . < 1.5")" 'what the drive reads'
		is true "$(seen "${drive#/dev/}" busy_ratio '.value | max > 0.1')" 'how busy the drive is'
	else
		left_out+=("reading a loop device: $(jq -r '.lanes[0].reason' "$home/out")")
	fi
else
	left_out+=('a drive: no loop device')
fi

# ---- where a time is measured it looks only at the two ends of the window
measure memory.latency --duration 1500ms
is true "$(jq -s 'length > 5 and all(.[].series.at | length; . <= 2)' "$home/watched")" 'looks beside a latency'
is true "$(jq -s 'all(.[].series.at[]; . <= 0 or . >= 1.5e9)' "$home/watched")" 'nothing within the window of a latency'

# ---- it sits where no lane is
if [ "$(nproc)" -gt 1 ]; then
	feedline bench memory.copy --threads 1 --duration 2s --store "$store" --json >"$home/out" 2>"$home/err" &
	pid=$(watcher "$prefix")
	for _ in $(seq 100); do
		[ "$(workers)" = 0 ] || break
		sleep 0.05
	done
	sleep 0.7
	allowed=$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
	wait
	lanes=$(jq -r '.lanes[0].placement.cpus' "$home/out")
	# shellcheck disable=SC2016 # for awk
	overlap=$(printf '%s\n%s\n' "$allowed" "$lanes" | awk -F, '
		{ for (i = 1; i <= NF; i++) { n = split($i, a, "-"); for (c = a[1]; c <= a[n]; c++) seen[c]++ } }
		END { for (c in seen) if (seen[c] > 1) n_both++; print n_both + 0 }')
	is 0 "$overlap" "CPUs shared by the watcher ($allowed) and the lane ($lanes)"
else
	left_out+=('placement: one CPU')
fi

# ---- what was seen goes where the run goes
feedline export --store "$store" >"$home/all.jsonl"
is true "$(jq -s '[.[] | select(.watched)] | length > 20' "$home/all.jsonl")" 'series in an export'
feedline import "$home/all.jsonl" --store "$home/other.db" 2>"$home/err"
feedline export --store "$home/other.db" >"$home/back.jsonl"
is same "$(cmp -s "$home/all.jsonl" "$home/back.jsonl" && echo same)" 'exported, imported and exported again'

# ---- struck in the middle
for signal in STOP KILL; do
	feedline bench null.nop --duration 1500ms --store "$store" --json >"$home/out" 2>"$home/err" &
	run=$!
	pid=$(watcher "$prefix")
	for _ in $(seq 100); do
		[ "$(workers)" = 0 ] || break
		sleep 0.05
	done
	sleep 0.5
	kill -"$signal" "$pid"
	rc=0
	wait "$run" || rc=$?
	is 0 "$(undisturbed "$rc" "$home/out")" "status after SIG$signal"
	case $signal in
	STOP) why='telemetry: the watcher does not answer; nothing is watched any more' ;;
	KILL) why='telemetry: the watcher was killed by SIGKILL; nothing is watched any more' ;;
	esac
	has "$(<"$home/err")" "$why" "line after SIG$signal"
	feedline export last --store "$store" | jq -c '.watched // empty' >"$home/watched"
	is 0 "$(series)" "series after SIG$signal"
	has "$(feedline show --store "$store" --json | jq -r '.. | .notes? // empty | .telemetry')" 'the watcher' \
		"note after SIG$signal"
	none_left "$prefix" "after SIG$signal"
done

# ---- watchers that are none. The machine is asked of the real one.
bad=$home/bad
cp -r "$prefix" "$bad"
mv "$bad/libexec/feedline/feedline-sense" "$bad/libexec/feedline/really-sense"
ready='printf "{\"is\":\"ready\"}" >&3'
series='{\"is\":\"series\",\"subject\":\"system\",\"at_ns\":[1],\"metrics\":'
while IFS='|' read -r what script line; do
	printf '#!/bin/bash\n[ "$1" = watch ] || exec "${0%%/*}/really-sense" "$@"\n%s\n' "$script" \
		>"$bad/libexec/feedline/feedline-sense"
	chmod +x "$bad/libexec/feedline/feedline-sense"
	rc=0
	timeout -s KILL 60 "$bad/feedline" bench null.nop --duration 300ms --store "$home/bad.db" --json \
		>"$home/out" 2>"$home/err" || rc=$?
	is 0 "$(undisturbed "$rc" "$home/out")" "status beside a watcher that $what ($(jq -c "[.lanes[].reason]" "$home/out"))"
	has "$(<"$home/err")" "telemetry: the watcher $line" "line of a watcher that $what"
	is 1 "$(grep -c telemetry: "$home/err")" "lines of a watcher that $what"
	is 0 "$("$bad/feedline" export --store "$home/bad.db" last | jq -c .watched//empty | wc -l)" \
		"series of a watcher that $what"
	none_left "$bad" "a watcher that $what"
done <<-END
	exits|echo no idea >&2; exit 7|exited with status 7: no idea; nothing
	is killed|$ready; kill -SEGV \$\$|was killed by SIGSEGV; nothing
	never is ready|sleep 600|was not ready within 11 s
	says nothing more|$ready; sleep 600|does not answer
	closes its socket|$ready; exec 3>&-; sleep 600|closed its socket
	prints and prints|$ready; yes|does not answer
	floods|$ready; while :; do printf '{"is":"quiet"}' >&3; done|floods
	sends no JSON|$ready; while sleep 0.1; do printf 'hello' >&3; done|lies: what it sends is no message
	sends what is too long|$ready; while sleep 0.1; do head -c 70000 /dev/zero >&3; done|lies: what it sends is no message
	speaks for others|$ready; while sleep 0.1; do printf "${series/system/gpu-9}{}}" >&3; done|lies: it speaks of what
	has no numbers|$ready; while sleep 0.1; do printf "$series{\"a\":[\"b\"]}}" >&3; done|lies: a value is no number
END

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
