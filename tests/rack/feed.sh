#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# feed.sh BUILD_DIR: ingest and feed as whole programs on a data set: every source and several accelerators, by what path
# the data came; a file that is damaged under them; io_uring forbidden; a target that cannot be. Whether an accelerator is
# starved depends on the machine, so it is not asked here.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

set=$home/set
feedline data make "$set" --size 96MiB --store "$store" >/dev/null
small=(--step-bytes 4MiB --step-time 5ms --block 256KiB --depth 8 --duration 300ms)

# measure BENCH ARGS...: rc, $home/out; the command is behind "${before[@]}".
before=()
measure() {
	rc=0
	timeout -s KILL 120 "${before[@]}" "$prefix/feedline" bench "$1" --path "$set" "${small[@]}" "${@:2}" --store "$store" \
		--json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}

# ---- the control: does this file system have direct reads at all?
measure ingest
if [ "$rc" = 3 ]; then
	printf 'ingest cannot run in %s: %s\n' "$home" "$(value '.lanes[0].reason')"
	exit 77
fi

# ---- open loop from every source
for source in dram cached buffered direct paced; do
	measure ingest --source "$source"
	is 0 "$rc" "status of ingest from $source ($(value '.lanes[0].reason'))"
	is true "$(value '.lanes[0].data_verified')" "data from $source"
	is true "$(value '.lanes[0].placement.verified')" "placement from $source"
	is 'block heads' "$(value '.lanes[0].facts.checked')" "what is checked from $source"
	is true "$(value '.lanes[0].metrics.bytes_per_s.median > 0')" "a rate from $source"
	is true "$(value '.lanes[0].metrics | [.source_busy_ratio, .copy_busy_ratio] | all(.median >= 0 and .median <= 1)')" \
		"shares of $source"
	case $source in
	direct) is yes "$(value '.lanes[0].facts.direct')" 'direct reads' ;;
	cached) is 1.00 "$(value '.lanes[0].facts.cached_before')" 'in the page cache before' ;;
	buffered) is 0.00 "$(value '.lanes[0].facts.cached_before')" 'not in the page cache before' ;;
	dram) is null "$(value '.lanes[0].facts.engine')" 'no engine where nothing is read' ;;
	paced) is true "$(value '.lanes[0].metrics.bytes_per_s.median <= 1.05 * 4194304 / 0.040')" 'no more than the pace' ;;
	esac
done
measure ingest --source resident
is 3 "$rc" 'status of a resident source in open loop'
has "$(value '.lanes[0].reason')" 'a resident source moves nothing' 'reason of a resident source in open loop'

# ---- what is not in the index is counted, and left alone
printf 'mine' >"$set/notes.txt"
measure ingest
is 1 "$(value '.lanes[0].facts.strangers')" 'strangers in the directory'
is 'mine' "$(cat "$set/notes.txt")" 'a stranger is left alone'

# ---- closed loop: every byte is read, and each accelerator has its part
measure feed
is true "$(value '[.lanes[] | .data_verified] | all')" 'data of a closed loop'
is 'every byte' "$(value '.lanes[0].facts.checked')" 'what a closed loop checks'
is 'feed' "$(value '.lanes[0].bench')" 'the loop comes first'
measure feed --accelerators 2 --source dram
is 2 "$(value '[.lanes[] | select(.bench == "feed" and .options.source == "dram") | .options.accelerator] | unique | length')" \
	'two accelerators together'
is true "$(value '[.lanes[] | .data_verified] | all')" 'data of two accelerators'

# ---- io_uring forbidden: threads that call pread, and the record says so
before=("$build/tests/deny" io_uring)
measure ingest
is 0 "$rc" 'status without io_uring'
is pread "$(value '.lanes[0].facts.engine')" 'engine without io_uring'
is true "$(value '.lanes[0].data_verified')" 'data without io_uring'
measure ingest --engine io_uring
is 3 "$rc" 'status where io_uring is insisted on'
before=()

# ---- what cannot be
measure ingest --step-bytes 128KiB
is 2 "$rc" 'status of a block that is larger than a batch'
has "$(cat "$home/err")" 'larger than the batch' 'reason of a block that is larger than a batch'
measure ingest --accelerators 64 --block 4MiB
is 3 "$rc" 'status of more accelerators than blocks'
has "$(value '.lanes[0].reason')" 'blocks of 4194304 bytes for 64 accelerators' 'reason of more accelerators than blocks'

# ---- one bit of the file
printf 'x' | dd of="$set/data-00000000" bs=1 seek=5000000 conv=notrunc status=none
for source in direct cached buffered; do
	measure feed --source "$source" --duration 600ms
	is 1 "$rc" "status of damaged data from $source"
	is false "$(value '.lanes[0].data_verified')" "damaged data from $source"
	has "$(value '.lanes[0].reason')" 'offset 4997120' "where the damage is, from $source"
done
finish
