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
		pid=$(pgrep "${same_net[@]}" -f "^$1/libexec/feedline/feedline-sense watch" | head -n 1) && break
		sleep 0.05
	done
	echo "$pid"
}
none_left() {
	is '' "$(pgrep "${same_net[@]}" -f "^$1/libexec/feedline/feedline-" || true)" "$2: what is left running"
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

# ---- not asked for, it is not there
measure null.nop --duration 300ms --telemetry=no
is 0 "$(series)" 'series where none is wanted'
is 0 "$(grep -c telemetry: "$home/err" || true)" 'lines where none is wanted'

# ---- where a time is measured it looks only at the two ends of the window
measure memory.latency --duration 1500ms
is true "$(jq -s 'length > 5 and all(.[].series.at | length; . <= 2)' "$home/watched")" 'looks beside a latency'
is true "$(jq -s 'all(.[].series.at[]; . <= 0 or . >= 1.5e9)' "$home/watched")" 'nothing within the window of a latency'

# ---- it sits where no lane is
if [ "$(nproc)" -gt 1 ]; then
	feedline bench null.nop --duration 2s --store "$store" --json >"$home/out" 2>"$home/err" &
	pid=$(watcher "$prefix")
	for _ in $(seq 100); do
		[ "$(workers)" = 0 ] || break
		sleep 0.05
	done
	sleep 0.7
	allowed=$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
	wait
	lanes=$(jq -r '.lanes[0].placement.cpus' "$home/out")
	is true "$([[ $allowed =~ ^[0-9] && $lanes =~ ^[0-9] ]] && echo true)" "CPUs of the watcher ($allowed) and of the lane ($lanes)"
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
	never is ready|sleep 600|was not ready within 31 s
	says nothing more|$ready; sleep 600|does not answer
	closes its socket|$ready; exec 3>&-; sleep 600|closed its socket
	prints and prints|$ready; yes|does not answer
	floods|$ready; while :; do printf '{"is":"quiet"}' >&3; done|floods
	sends no JSON|$ready; while sleep 0.1; do printf 'hello' >&3; done|lies: what it sends is no message
	sends what is too long|$ready; while sleep 0.1; do head -c 70000 /dev/zero >&3; done|lies: what it sends is no message
	speaks for others|$ready; while sleep 0.1; do printf "${series/system/gpu-9}{}}" >&3; done|lies: it speaks of what
	has no numbers|$ready; while sleep 0.1; do printf "$series{\"a\":[\"b\"]}}" >&3; done|lies: a value is no number
END

# ---- GPUs: those of the stub, which a lane names and has nothing else to do with
gpus=$home/gpus
cp -r "$prefix" "$gpus"
cp "$build/stub/libexec/feedline/feedline-sense" "$gpus/libexec/feedline/"
one=gpu-0000:12:00.0

# on STUB WHAT [ARGS...]: one lane of GPU 1, or of $one_gpu; checks that the run went through.
on() {
	local stub=$1 what=$2
	shift 2
	rc=0
	CUDA_STUB=$stub timeout -s KILL 60 "$gpus/feedline" bench null.scripted_link --gpu "${one_gpu:-1}" --duration 2s \
		--store "$home/gpus.db" --json "$@" >"$home/out" 2>"$home/err" || rc=$?
	is true "$(jq '.lanes[0].metrics.bytes_per_s.median > 0' "$home/out")" "$what: rate"
	"$gpus/feedline" export last --store "$home/gpus.db" | jq -c '.watched // empty' >"$home/watched"
	distrust=$(jq -r '.lanes[0].distrust | map(select(contains("gpu-"))) | join("; ")' "$home/out")
	notes=$("$gpus/feedline" show --store "$home/gpus.db" --json | jq -c '.runs[0].lanes[0].rounds[0].notes')
}
telemetry_lines() {
	grep -c telemetry: "$home/err" || true
}

on '' 'nothing happens'
is '' "$distrust" 'nothing happens: reasons'
is null "$(jq -c .marked_samples <<<"$notes")" 'nothing happens: marks'
is 0 "$(telemetry_lines)" 'nothing happens: lines'
is 8 "$(jq -r 'select(.series.metric == "power_w") | .subject' "$home/watched" | sort -u | wc -l)" 'GPUs that are seen'
is true "$(seen $one power_w '.value | (length > 3) and (max > min)')" 'power that moves'
is true "$(seen $one pcie_gen '.value | . == [5, 5]')" 'a link that does not'
is 0 "$(seen $one other_processes '.value | max')" 'users'
has "$("$gpus/feedline" report last --store "$home/gpus.db")" "$one: busy" 'GPU in the report'
is true "$(jq '.telemetry.cpu_ratio > 0 and .telemetry.calls > 100' "$home/out")" 'cost in the report'

# GPU 1 of eight; the lane's time is longer than any warm-up, so that the 14th look lies in it
while IFS='|' read -r what stub reason; do
	on "$stub" "$what"
	has "$distrust" "$reason" "$what: reason"
	is 4 "$rc" "$what: status"
	on "${stub//gpu1:/gpu3:}" "$what of another GPU"
	is '' "$distrust" "$what of another GPU: reasons"
done <<-END
	heat|nvml:gpu1:nvmlDeviceGetCurrentClocksEventReasons:14+:value=32|$one was slowed down by heat in
	slow link|nvml:gpu1:nvmlDeviceGetCurrPcieLinkGeneration:1+:value=3|the PCIe link of $one ran with generation 3 under load; it can do 5
	replays|nvml:gpu1:nvmlDeviceGetPcieReplayCounter:5+:value=10|7 PCIe replays of $one in the window
END
on 'nvml:gpu1:nvmlDeviceGetCurrPcieLinkWidth:14+:value=8' 'narrow link'
is "the PCIe link of $one changed between 16 and 8 lanes in the window" "$distrust" 'narrow link: reason'
is true "$(jq '.marked_samples > 0' <<<"$notes")" 'narrow link: marks'
on 'nvml:xid=1-31-1-1700' Xid
has "$distrust" "Xid 31 of $one at" 'Xid: reason'
is '[31]' "$(seen $one xid '.value | tojson')" 'Xid: series'
on 'nvml:storm=1-31-1-1700' 'a storm of Xids'
has "$distrust" "events of Xid 31 of $one, the first at" 'a storm of Xids: reason'
is true "$(seen $one xid_events '.value | add > 50')" 'a storm of Xids: series'
is true "$(seen $one power_w '.value | length > 3')" 'a storm of Xids: the other series'
is 0 "$(telemetry_lines)" "a storm of Xids: lines ($(<"$home/err"))"
on 'nvml:gpu1:nvmlDeviceGetCurrentClocksEventReasons:1+:value=4' 'power limit'
is '' "$distrust" 'power limit: reasons'
has "$(jq -r '.remarks[0]' <<<"$notes")" "the power limit of $one acted in 100 % of the window" 'power limit: remark'
on 'busy=1' 'a GPU that is used' --shared
has "$distrust" "1 other process used $one in 100 % of the window" 'a GPU that is used: reason'

# A part of a GPU: what is seen is of the whole that it belongs to.
part=$(CUDA_STUB=mig=1 "$gpus/feedline" topo --json |
	jq -r '[.gpus[] | select(.parent)][0] | "\(.id) \(.parent)"')
whole=${part#* }
part=${part% *}
# on_part STUB WHAT: as on(), with a part of the last GPU
on_part() {
	one_gpu=$part on "mig=1,$1" "$2"
}
on_part 'nvml:gpu7:nvmlDeviceGetCurrentClocksEventReasons:1+:value=32' 'heat of a part'
has "$distrust" "$whole was slowed down by heat in" 'heat of a part: reason'
on_part 'nvml:gpu6:nvmlDeviceGetCurrentClocksEventReasons:1+:value=32' 'heat of another GPU than that of a part'
is '' "$distrust" 'heat of another GPU than that of a part: reasons'
is 'true 0' "$(seen "$whole" power_w '.value | length > 3') $(jq -c "select(.subject == \"$part\")" "$home/watched" | wc -l)" \
	'the series of a part are those of its whole'

# ---- a library that does not have everything, or nothing; one that hangs, loses a GPU, crashes
on 'nvml:missing=nvmlDeviceGetPowerUsage,nvml:gpu1:nvmlDeviceGetTemperatureV:1+:fail=3' 'a library that lacks something'
is '' "$(seen $one power_w '.value')" 'power that nobody can tell'
is true "$(seen $one sm_clock_hz '.value | min > 0')" 'the clock beside it'
on 'nvml:none' 'no library'
is 1 "$(telemetry_lines)" "no library: lines ($(<"$home/err"))"
is 0 "$(jq -r 'select(.subject | startswith("gpu")) | .subject' "$home/watched" | wc -l)" 'no library: GPUs'
is true "$(seen node0 memory_free_bytes '.value | min > 0')" 'no library: the host'
on 'nvml:gpu2:nvmlDeviceGetPowerUsage:1+:hang' 'a call that hangs'
has "$(<"$home/err")" 'telemetry: gpu-0000:21:00.0: nvmlDeviceGetPowerUsage has not returned for 5 s' 'a call that hangs: line'
is 1 "$(telemetry_lines)" 'a call that hangs: lines'
is true "$(seen $one power_w '.value | length > 3')" 'the other GPUs'
none_left "$gpus" 'a call that hangs'

# GPUs that nobody keeps open start anew, one or all; the limit of the stub is 2 s. Sense, which asks before, finds them by number.
on 'nvml:gpu2:nvmlDeviceGetHandleByUUID:1:hang' 'a GPU that does not start'
has "$(<"$home/err")" 'telemetry: gpu-0000:21:00.0: nvmlDeviceGetHandleByUUID has not returned for 2 s' \
	'a GPU that does not start: line'
is 1 "$(telemetry_lines)" 'a GPU that does not start: lines'
is 7 "$(jq -r 'select(.series.metric == "power_w") | .subject' "$home/watched" | sort -u | wc -l)" 'the GPUs that start'
none_left "$gpus" 'a GPU that does not start'
on 'nvml:nvmlDeviceGetHandleByUUID:1+:slow=1700' 'GPUs that start slowly'
is 0 "$(telemetry_lines)" 'GPUs that start slowly: lines'
is 8 "$(jq -r 'select(.series.metric == "power_w") | .subject' "$home/watched" | sort -u | wc -l)" 'GPUs that started slowly'
on 'nvml:gpu2:nvmlDeviceGetHandleByUUID:1:slow=1700' 'a GPU that starts late'
is 0 "$(telemetry_lines)" 'a GPU that starts late: lines'
is true "$(seen $one power_w '.value | length > 3')" 'the GPUs that do not start late'
is true "$(seen gpu-0000:21:00.0 power_w '.value | length > 3')" 'a GPU once it is there'
on 'nvml:gpu2:nvmlDeviceGetUtilizationRates:14:fail=15' 'a GPU that is lost'
has "$(<"$home/err")" 'telemetry: gpu-0000:21:00.0: ' 'a GPU that is lost: line'
is true "$(seen $one power_w '.value | length > 3')" 'the GPUs that are not lost'
on 'nvml:gpu2:nvmlDeviceGetPowerUsage:9:crash' 'a library that crashes'
has "$(<"$home/err")" 'telemetry: the watcher was killed by SIGABRT' 'a library that crashes: line'
is 0 "$(series)" 'a library that crashes: series'

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
