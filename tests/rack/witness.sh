#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# witness.sh BUILD_DIR: the drive is asked what it moved. A lane that says it reads past the page cache and does not is found
# out; one that does is not. Needs a loop device, which nobody else uses and whose settings are ours.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

head -c 128M /dev/urandom >"$home/image"
if ! drive=$(losetup --find --show --direct-io=on "$home/image" 2>"$home/err"); then
	echo "no loop device: $(<"$home/err")"
	exit 77
fi
queue=/sys/block/${drive#/dev/}/queue
# A loop device keeps its settings for the next one who takes it.
usual() {
	echo 0 >"$queue/nomerges"
	echo 1 >"$queue/iostats"
}
trap 'usual 2>/dev/null; losetup -d "$drive"; rm -rf "$home"' EXIT
usual 2>/dev/null || true
left_out=()

# measure ARGS...: rc, $home/out, the witnesses of its first lane.
measure() {
	rc=0
	feedline bench "$@" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
	witnesses=$(feedline show --store "$store" --json | jq -c '[.. | .witnesses? // empty] | first')
}
value() {
	jq -r "$1" "$home/out"
}

# ---- really read: what the drive counts is what arrived
measure storage.read --path "$drive" --block 256KiB --depth 4 --duration 500ms
if [ "$rc" != 0 ]; then
	echo "'$drive' cannot be read: $(value '.lanes[0].reason')"
	exit 77
fi
is true "$(jq '.device_read_ratio > 0.9 and .device_read_ratio < 1.1' <<<"$witnesses")" \
	"ratio of a real read ($(jq .device_read_ratio <<<"$witnesses"))"
is null "$(jq .device_write_ratio <<<"$witnesses")" 'ratio of what was not written'

# ---- a window that is short against what is under way says nothing, and accuses nobody
measure storage.read --path "$drive" --block 1MiB --depth 64 --duration 5ms
is 0 "$rc" "status of a short read ($(value '.lanes[0].reason'))"
is null "$(jq .device_read_ratio <<<"$witnesses")" 'ratio of a short read'

# ---- said to be read, and not
measure null.claimant --path "$drive" --duration 300ms
is 3 "$rc" 'status of a read that a cache answered'
is invalid "$(value '.lanes[0].verdict')" 'verdict of a read that a cache answered'
is 'the drive delivered 0 % of what was read: a cache answered' "$(value '.lanes[0].reason')" \
	'reason of a read that a cache answered'
has "$(value '.lanes[0].hint')" 'loop device' 'hint of a read that a cache answered'
is null "$(value '.lanes[0].facts.amplified')" 'amplification where nothing was read'

# ---- somebody else who reads the drive at the same time hides the lie, but is not taken for amplification
timeout 60 bash -c 'while dd if="$0" of=/dev/null bs=1M iflag=direct status=none; do :; done' "$drive" &
other=$!
measure null.claimant --path "$drive" --rate 1MB --duration 300ms
kill "$other"
wait "$other" 2>/dev/null || true
is true "$(jq '.device_read_ratio > 2' <<<"$witnesses")" 'ratio beside another reader'
is null "$(value '.lanes[0].facts.amplified')" 'amplification beside another reader'

# ---- a drive that counts nothing is no witness
if echo 0 2>/dev/null >"$queue/iostats"; then
	measure null.claimant --path "$drive" --duration 300ms
	is 0 "$rc" 'status where the drive does not count'
	is null "$(jq .device_read_ratio <<<"$witnesses")" 'ratio where the drive does not count'

	# ---- and who lets it count meanwhile, or merges no longer, has changed a setting
	(
		for _ in $(seq 100); do
			[ "$(workers)" = 0 ] || break
			sleep 0.1
		done
		sleep 0.5
		echo 2 >"$queue/nomerges"
		echo 1 >"$queue/iostats"
	) &
	rc=0
	feedline bench storage.read --path "$drive" --duration 2s --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	wait
	is 4 "$rc" 'status where a setting was changed'
	has "$(value '.lanes[0].distrust | join("; ")')" "io_stats of drive '${drive#/dev/}' changed from 0 to 1 during the run" \
		'reason where a setting was changed'
	has "$(value '.lanes[0].distrust | join("; ")')" "no_merges of drive '${drive#/dev/}' changed from 0 to 2" \
		'reason where a second setting was changed'
else
	left_out+=('queue settings')
fi

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
