#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# storage.sh BUILD_DIR: files, drives and directories that are measured at once; what storage benchmarks refuse, and what goes
# wrong under them: each with one clear line and the right status, and nothing written where it was not asked for. Parts that
# this system does not allow to set up are said to be left out.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

left_out=()
drives=()
mounts=()
clean_up() {
	local one
	for one in "${mounts[@]}"; do umount "$one" 2>/dev/null || umount -l "$one" 2>/dev/null || true; done
	for one in "${drives[@]}"; do losetup -d "$one" 2>/dev/null || true; done
	rm -rf "$home"
}
trap clean_up EXIT

# measure ARGS...: rc, $home/out
measure() {
	rc=0
	feedline bench "$@" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}
# refused WHAT REASON ARGS...: one lane that is not measured, with the reason and without a number.
refused() {
	local what=$1 reason=$2
	shift 2
	measure "$@" --duration 100ms
	is 3 "$rc" "status: $what"
	is 'not measured' "$(value '.lanes[0].verdict')" "verdict: $what"
	has "$(value '.lanes[0].reason')" "$reason" "reason: $what"
	is null "$(value '.lanes[0].metrics.bytes_per_s.median')" "no number: $what"
}

# image BYTES: a drive (a loop device that really reads its file), or status 1
image() {
	local file
	file=$(mktemp "$home/image-XXXXXX")
	head -c "$1" /dev/urandom >"$file"
	drive=$(losetup --find --show --direct-io=on "$file" 2>"$home/err") || return 1
	drives+=("$drive")
}
# file_system BYTES OPTIONS: a directory with a file system of its own on such a drive
file_system() {
	image "$1" && mkfs.ext4 -qF "$drive" 2>"$home/err" || return 1
	place=$(mktemp -d "$home/place-XXXXXX")
	mount -o "$2" "$drive" "$place" 2>"$home/err" || return 1
	mounts+=("$place")
}

a=$home/a
b=$home/b
head -c 48M /dev/urandom >"$a"
head -c 32M /dev/urandom >"$b"
mkdir "$home/dir"
sync "$a" "$b"

# ---- several at once
measure storage.read --path "$a" --depth 4 --path "$b" --block 256KiB --duration 300ms
if [ "$rc" != 0 ]; then
	printf 'storage.read cannot run in %s: %s\n' "$home" "$(value '.lanes[0].reason')"
	exit 77
fi
is "$a $b" "$(value '[.lanes[].options.path] | join(" ")')" 'a lane for each path'
is '4 4 262144 262144' "$(value '[.lanes[].options | .depth] + [.lanes[].options | .block] | join(" ")')" \
	'all other options are of every lane'
is true "$(value '[.lanes[] | .data_verified and .metrics.bytes_per_s.median > 0] | all')" 'both are read'
is 1 "$(value '[.lanes[].case // 0] | unique | length')" 'in one case'
for bench in 'storage.read_buffered --cache warm' storage.latency; do
	# shellcheck disable=SC2086 # words
	measure $bench --path "$a" --path "$b" --block 64KiB --duration 200ms
	is 0 "$rc" "$bench of two files"
	is true "$(value '[.lanes[].data_verified] | length == 2 and all')" "$bench of two files: data"
done
measure storage.read_buffered --path "$a" --duration 200ms
is '0.00 no' "$(value '.lanes[0].facts | .cached_before + " " + .direct')" 'cold before'
measure storage.read_buffered --path "$a" --cache warm --duration 200ms
is '1.00 no' "$(value '.lanes[0].facts | .cached_before + " " + .direct')" 'warm before'

# ---- data that tell where they belong
feedline data make "$home/set" --size 32MiB >"$home/out" 2>"$home/err" || true
if [ -f "$home/set/feedline-data.json" ]; then
	echo stranger >"$home/set/other"
	measure storage.read --path "$home/set" --path "$a" --block 64KiB --duration 200ms
	is 0 "$rc" 'a directory and a file'
	is 'each by seed, file and offset; every word of the last 8 of each thread' "$(value '.lanes[0].facts.verified')" 'test data tell by themselves'
	is 'by reading again the last 8 of each thread' "$(value '.lanes[1].facts.verified')" 'other data do not'
	rm "$home/set/other"
	file=$(jq -r '.files[0].name' "$home/set/feedline-data.json")
	bytes=$(stat -c %s "$home/set/$file")
	cp "$home/set/$file" "$home/kept"
	# every block of 64 KiB has a wrong bit
	for ((at = 5000; at < bytes; at += 65536)); do
		printf x | dd of="$home/set/$file" bs=1 seek="$at" conv=notrunc status=none
	done
	measure storage.read --path "$home/set" --block 64KiB --duration 200ms
	is 1 "$rc" 'status of wrong data'
	has "$(value '.lanes[0].reason')" 'at offset' 'reason of wrong data'
	cp "$home/kept" "$home/set/$file"
	truncate -s $((bytes - 65536)) "$home/set/$file"
	refused 'a file shorter than its index says' "its index says $bytes" storage.read --path "$home/set"
fi

# ---- what is no drive, and what fits none
: >"$home/empty"
truncate -s 64M "$home/hole"
refused 'a file without bytes' 'has 0 bytes' storage.read --path "$home/empty"
refused 'a file that was never written' 'has a hole at offset 0' storage.read --path "$home/hole"
refused 'a directory without an index' 'without an index of test data' storage.read --path "$home/dir"
refused 'a block that no drive reads' 'with O_DIRECT: refused' storage.read --path "$a" --block 1000
refused 'more in flight than there is' 'need 1024' storage.read --path "$a" --depth 1024
refused 'a device without blocks' 'neither a file nor a block device' storage.read --path /dev/null
refused 'cold at random' 'not cold' storage.read_buffered --path "$a" --pattern random
if [ -d /dev/shm ] && cp "$b" "/dev/shm/feedline-$$"; then
	for bench in storage.read storage.read_buffered; do
		refused "$bench in memory" 'tmpfs is memory' "$bench" --path "/dev/shm/feedline-$$"
	done
	refused 'writing into memory' 'tmpfs is memory' storage.write --path /dev/shm --size 16MiB
	rm "/dev/shm/feedline-$$"
fi

# ---- writing, and what is left behind: nothing
sums=$(cat "$a" "$b" | sha256sum)
measure storage.write --path "$home/dir" --size 64MiB --block 256KiB --duration 300ms
is 0 "$rc" 'status of writing'
is true "$(value '.lanes[0] | .data_verified and .metrics.bytes_per_s.median > 0')" 'what was written'
feedline bench storage.write --path "$home/dir" --size 64MiB --duration 60s --store "$store" >"$home/out" 2>&1 &
for ((i = 0; i < 100 && $(workers) == 0; i++)); do sleep 0.05; done
pkill "${same_net[@]}" -KILL -f "^$prefix/libexec/feedline/feedline-lane" || true
wait $! || true
is '' "$(ls -A "$home/dir")" 'what a killed worker leaves behind'
is "$sums" "$(cat "$a" "$b" | sha256sum)" 'files that were there'
refused 'writing over a file' 'is no directory' storage.write --path "$a"
refused 'more than there is room for' 'has room for' storage.write --path "$home/dir" --size 16TiB
is "$sums" "$(cat "$a" "$b" | sha256sum)" 'files that were there, after refusals'

# ---- on drives of our own
if image 64M; then
	ln -s "$drive" "$home/link"
	measure storage.read --path "$home/link" --block 64KiB --duration 200ms
	is 0 "$rc" 'a link to a drive'
	is "$drive" "$(value '.lanes[0].options.path')" 'is that drive'
	refused 'writing over a drive' 'is no directory' storage.write --path "$drive"
else
	left_out+=('loop device')
fi
if file_system 96M data=ordered; then
	refused 'a full directory' 'has room for' storage.write --path "$place" --size 128MiB
	cp "$b" "$place/file"
	sync "$place/file"
	(sleep 1 && truncate -s 1M "$place/file") &
	measure storage.read --path "$place/file" --block 64KiB --duration 4s
	wait
	is 3 "$rc" 'status of a file that is cut off meanwhile'
	has "$(value '.lanes[0].reason')" 'short read at offset' 'reason of a file that is cut off meanwhile'
	mount -o remount,ro "$place"
	refused 'a directory that may not be written' 'Read-only file system' storage.write --path "$place" --size 1MiB --depth 1
else
	left_out+=('file system of our own')
fi
# A file system that takes O_DIRECT and answers from its cache all the same.
if file_system 96M data=journal; then
	cp "$b" "$place/file"
	sync "$place/file"
	measure storage.read --path "$place/file" --block 64KiB --duration 300ms
	is 3 "$rc" 'status of direct reads that a cache answered'
	is 'invalid' "$(value '.lanes[0].verdict')" 'verdict of direct reads that a cache answered'
else
	left_out+=('file system with a journal of data')
fi

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
