#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# data.sh BUILD_DIR: data sets: what is made can be verified and cannot be compressed; every fault planted in it is caught and
# named with its place; what is interrupted, killed or has no room left passes for complete never and goes on later; files of
# others are never written or removed. What needs a mount is left out where nothing can be mounted.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
if [ -z "${FEEDLINE_OWN_MOUNTS:-}" ] && unshare -m true 2>/dev/null; then
	export FEEDLINE_OWN_MOUNTS=1
	rm -rf "$home"
	exec unshare -m bash "$0" "$@"
fi
set=$home/set
mib=1048576
i=0

# data WORDS...: rc, $home/out, $home/err
data() {
	rc=0
	case $1 in
	remove) feedline data "$@" >"$home/out" 2>"$home/err" || rc=$? ;;
	*) feedline data "$@" --store "$store" >"$home/out" 2>"$home/err" || rc=$? ;;
	esac
}
# ends STATUS WHAT: and stderr is one line, or none where all is well.
ends() {
	is "$1" "$rc" "status of $2"
	is "$(($1 > 0))" "$(wc -l <"$home/err")" "lines on stderr: $2: $(head -c 300 "$home/err")"
}
says() {
	has "$(cat "$home/out" "$home/err")" "$1" "$2"
}
state() {
	jq -r .state "$1/feedline-data.json"
}
# block FILE OFFSET: that block of the set, on stdout.
block() {
	dd if="$set/$1" bs=4096 skip=$(($2 / 4096)) count=1 status=none
}
# put FILE OFFSET: stdin goes there.
put() {
	dd of="$set/$1" bs=4096 oflag=seek_bytes seek="$2" conv=notrunc iflag=fullblock status=none
}
# flip FILE OFFSET: the lowest bit of that byte.
flip() {
	local byte
	byte=$(dd if="$set/$1" bs=1 skip="$2" count=1 status=none | od -An -tu1)
	# shellcheck disable=SC2059 # the byte is the format
	printf "\\$(printf %o $((byte ^ 1)))" | dd of="$set/$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- what is made is there, is right and is not made again

data make "$set" --size 25MiB --like resnet50-a100 --seed 7
ends 0 'a first make'
says "made " 'a first make'
files=$(jq '.files | length' "$set/feedline-data.json")
is complete "$(state "$set")" 'state after make'
is $((25 * mib)) "$(jq '[.files[].bytes] | add' "$set/feedline-data.json")" 'bytes of the index'
is $((25 * mib)) "$(find "$set" -name 'data-*' -printf '%s\n' | awk '{ n += $1 } END { print n }')" 'bytes of the files'
is true "$(jq '[.files[:-1][].bytes] | unique | length == 1 and .[0] % 4096 == 0' "$set/feedline-data.json")" 'files like a record'
before=$(find "$set" -printf '%p %i %T@ %s\n' | sort | cksum)
data make "$set" --size 25MiB --like resnet50-a100
ends 0 'a second make'
says "there already: $files file" 'a second make'
is "$before" "$(find "$set" -printf '%p %i %T@ %s\n' | sort | cksum)" 'a second make writes nothing'
data verify "$set"
ends 0 'verify'
says "verified $files file" 'verify'
is 2 "$(feedline runs --store "$store" --json | jq '[.runs[] | select(.suite | startswith("data."))] | length')" 'runs in the store'
for other in '--size 26MiB --like resnet50-a100' '--size 25MiB' '--size 25MiB --like resnet50-a100 --seed 8'; do
	# shellcheck disable=SC2086 # words
	data make "$set" $other
	ends 2 "make with $other over another set"
	says 'data remove' "make with $other over another set"
done
is "$before" "$(find "$set" -printf '%p %i %T@ %s\n' | sort | cksum)" 'what is refused writes nothing'
data remove "$set"
ends 0 'remove'
says "removed $files files, 25 MiB, and the directory '$set'" 'remove'
is no "$([ -e "$set" ] && echo yes || echo no)" 'the directory after remove'

# A directory that was there before is not ours to remove.
mkdir "$set"
data make "$set" --size 1MiB
data remove "$set"
ends 0 'remove from a directory that make did not make'
says "removed 1 file, 1 MiB, from '$set'; the directory, which was not made for them, stays" 'remove from a directory that make did not make'
is '' "$(ls -A "$set")" 'what is left in a directory that make did not make'
data make "$set" --size 1MiB
data remove "$set" --json
is '1 1048576 false' "$(jq -r '"\(.files) \(.bytes) \(.directory_removed)"' "$home/out")" 'remove --json'
echo mine >"$set/data-00000002"
data make "$set" --size 1MiB --like resnet50-a100
ends 2 'make where one of many names is taken'
says "'$set/data-00000002' is there, and is not of a data set" 'make where one of many names is taken'
rm -rf "$set"
ln -s /dev/null "$set"
data make "$set" --size 1MiB
ends 2 'make in what is no directory'
says 'Not a directory' 'make in what is no directory'
rm "$set"

# No two makes are alike, unless they are asked to be; no tool makes them smaller.
data make "$set" --size 9MiB
data make "$home/other" --size 9MiB
data make "$home/again" --size 9MiB --seed "$(printf '%u' "$(jq -r .seed "$set/feedline-data.json")")"
is no "$(cmp -s "$set/data-00000000" "$home/other/data-00000000" && echo yes || echo no)" 'two makes'
is yes "$(cmp -s "$set/data-00000000" "$home/again/data-00000000" && echo yes || echo no)" 'two makes with one seed'
is yes "$([ "$(gzip -9c "$set/data-00000000" | wc -c)" -gt $((9 * mib * 985 / 1000)) ] && echo yes || echo no)" 'gzip'
is $((9 * 256)) "$(split -b 4096 --filter 'cksum' "$set/data-00000000" | sort -u | wc -l)" 'blocks that differ'
data remove "$home/again"

# ---- faults, each in a set that is whole again afterwards

cp -r "$set" "$home/right"
cp -r "$home/right" "$home/two"
# wrong WHAT PART...: verify finds it and says PART; then the set is made whole again.
wrong() {
	local what=$1 part
	shift
	data verify "$set"
	ends 1 "verify: $what"
	for part in "$@"; do
		says "$part" "verify: $what"
	done
	rm -rf "$set"
	cp -r "$home/right" "$set"
}
flip data-00000000 $((5 * mib + 123))
wrong 'a flipped bit' "'data-00000000' at offset $((5 * mib)): 1 bit is flipped, in byte 123"
flip data-00000000 $((9 * mib - 1))
wrong 'the last bit' "'data-00000000' at offset $((9 * mib - 4096)): 1 bit is flipped, in byte 4095"
flip data-00000000 24 # the offset in the head of the first block
wrong 'a flipped bit in a head' "'data-00000000' at offset 0: 1 bit is flipped, in byte 24"
block data-00000000 $((2 * mib)) >"$home/a"
block data-00000000 $((3 * mib)) >"$home/b"
put data-00000000 $((3 * mib)) <"$home/a"
put data-00000000 $((2 * mib)) <"$home/b"
wrong 'swapped blocks' "at offset $((2 * mib)): holds the block of 'data-00000000' at offset $((3 * mib))" 'wrong blocks: 2, wrong files: 0'
dd if="$home/other/data-00000000" bs=4096 skip=700 count=1 status=none | put data-00000000 $((700 * 4096))
wrong 'a stale block' "at offset $((700 * 4096)): holds a block of another data set (seed $(jq -r .seed "$home/other/feedline-data.json"))"
fallocate -p -o $((7 * mib)) -l 8192 "$set/data-00000000"
wrong 'a hole' "at offset $((7 * mib)): was never written (zeros)" 'wrong blocks: 2, wrong files: 0'
head -c 1000 /dev/urandom | dd of="$set/data-00000000" bs=1 seek=$((mib + 512)) conv=notrunc status=none
wrong 'a torn block' "at offset $mib: " 'of 512 words are wrong, from byte 512 on'
head -c 4096 /dev/urandom | put data-00000000 $mib
wrong 'noise' "at offset $mib: holds nothing of a data set"
truncate -s $((9 * mib - 4096)) "$set/data-00000000"
wrong 'a short file' "'data-00000000': has $((9 * mib - 4096)) bytes instead of $((9 * mib))"
truncate -s $((9 * mib - 1)) "$set/data-00000000"
wrong 'a file that is short by a byte' "has $((9 * mib - 1)) bytes instead of"
data verify "$set" --json
is $((9 * mib)) "$(jq .moved_bytes "$home/out")" 'verify --json'
truncate -s $((4 * mib)) "$set/data-00000000"
data verify "$set" --json
is $((4 * mib)) "$(jq .moved_bytes "$home/out")" 'verify --json of a short file'
truncate -s 0 "$set/data-00000000"
wrong 'a file of zero length' 'has 0 bytes instead of'
truncate -s $((10 * mib)) "$set/data-00000000"
wrong 'a long file' "has $((10 * mib)) bytes instead of"
rm "$set/data-00000000"
wrong 'a missing file' "'data-00000000': is missing"
data make "$set" --size 9MiB
ends 0 'the set is whole again'
rm "$set/data-00000000"
data make "$set" --size 9MiB
ends 1 'make over a complete set without a file'
ln -s "$home/right/data-00000000" "$set/data-00000000"
wrong 'a link' "'data-00000000': is a link"
rm "$set/data-00000000"
data verify "$set" --json
is '0 1' "$(jq -r '"\(.moved_bytes) \(.files)"' "$home/out")" 'verify --json of a missing file'
mkfifo "$set/data-00000000"
wrong 'a pipe' "'data-00000000': is no file"
rm "$set/data-00000000"
mkdir "$set/data-00000000"
wrong 'a directory' "'data-00000000': is no file"
sed -i 's/"bytes": /"bytes": -/' "$set/feedline-data.json"
wrong 'a damaged index' 'the index of the data set'
data verify "$home/nothing"
ends 2 'verify of no directory'
data verify "$home/right/data-00000000"
ends 2 'verify of a file'
mkdir "$home/empty"
data verify "$home/empty"
ends 2 'verify of no data set'

# ---- strangers are counted and left alone

echo mine >"$set/mine"
mkdir "$set/dir"
data verify "$set"
ends 0 'verify beside strangers'
says '; left alone: 2 other entries' 'verify beside strangers'
rm "$set/data-00000000"
ln -s "$home/right/data-00000000" "$set/data-00000000"
data remove "$set"
ends 0 'remove beside strangers'
says "removed 0 files, 0 B, from '$set'; left alone: 3 other entries" 'remove beside strangers'
is 'data-00000000 dir mine' "$(find "$set" -mindepth 1 -printf '%f\n' | sort | xargs)" 'what remove leaves'
is yes "$(cmp -s "$home/right/data-00000000" "$home/two/data-00000000" && echo yes || echo no)" 'what a link leads to'
data remove "$set"
ends 2 'remove without an index'
rm "$set/data-00000000"
echo mine >"$set/data-00000000"
data make "$set" --size 9MiB
ends 2 'make over a file of somebody else'
says "is there, and is not of a data set" 'make over a file of somebody else'
is mine "$(cat "$set/data-00000000")" 'the file of somebody else'
is no "$([ -e "$set/feedline-data.json" ] && echo yes || echo no)" 'an index beside the file of somebody else'
rm -rf "$set"

# An index is not believed that claims what was not made for it.
data make "$set" --size 1MiB --seed 7
sed -i 's/data-00000000/thesis.tex/' "$set/feedline-data.json"
echo mine >"$set/thesis.tex"
data remove "$set"
ends 1 'remove by an index that claims another name'
says "'thesis.tex' is no name" 'remove by an index that claims another name'
is mine "$(cat "$set/thesis.tex")" 'a file of another name'
rm -rf "$set"
data make "$set" --size 1MiB --seed 7
echo mine >"$set/data-00000001"
head -c 4096 /dev/zero | tr '\0' x | put data-00000000 0 # its other end still tells
sed -i 's/"bytes": 1048576}/&, {"name": "data-00000001", "bytes": 4096}/' "$set/feedline-data.json"
data remove "$set"
ends 0 'remove by an index that claims a file of others'
says '; left alone: 1 other entry' 'remove by an index that claims a file of others'
is data-00000001 "$(ls "$set")" 'what is left of it'
is mine "$(cat "$set/data-00000001")" 'a file of others with the name of one of the set'
rm -rf "$set"

# Through a link to the directory.
mkdir "$home/real"
ln -s real "$home/link"
data make "$home/link" --size 1MiB
ends 0 'make through a link'
says "in '$home/real'" 'make through a link'
data remove "$home/link"
ends 0 'remove through a link'
rm -f "$home/link"

# ---- a directory that is exchanged under way

# many FILES: the index of a set of that many, of which no file need be there.
many() {
	printf '{"schema":1,"state":"complete","seed":"0x0000000000000007","like":null,"files":[\n'
	seq 0 $(($1 - 1)) | awk 'NR > 1 { print "," } { printf "{\"name\":\"data-%08d\",\"bytes\":4096}", $1 }'
	printf ']}\n'
}
data make "$home/theirs" --size 1MiB --seed 7
mkdir "$home/swapped"
many 300000 >"$home/swapped/feedline-data.json"
rc=0
feedline data remove "$home/swapped" >"$home/out" 2>"$home/err" &
remover=$!
sleep 0.15 # it reads the index for longer than that
mv "$home/swapped" "$home/away"
ln -s theirs "$home/swapped"
wait "$remover" || rc=$?
is 'data-00000000 feedline-data.json' "$(find "$home/theirs" -mindepth 1 -printf '%f\n' | sort | xargs)" 'where a link leads that was put in the place of a set'
rm -rf "$home/theirs" "$home/away" "$home/swapped"

# ---- interrupted, killed

# started ARGS...: make runs in the background as $maker until its first file is there.
started() {
	"$prefix/feedline" data make "$set" --store "$store" "$@" >"$home/out" 2>"$home/err" &
	maker=$!
	for _ in $(seq 2000); do
		[ ! -s "$set/data-00000000" ] || return 0
		sleep 0.005
	done
}
started --size 1GiB --like unet3d-h100 --threads 1
kill -TERM "$maker"
rc=0
wait "$maker" || rc=$?
ends 3 'an interrupted make'
says 'feedline: interrupted; go on with: feedline data make ' 'an interrupted make'
is 'being made' "$(state "$set")" 'state when interrupted'
is 0 "$(workers)" 'workers after the interrupt'
data verify "$set"
ends 2 'verify of what is not complete'
data make "$set" --size 300MiB
ends 2 'make of another size over what is not complete'
# As if another one was at it, from a container that does not see the lock of this node's runs.
exec 9<"$set"
flock 9
data make "$set" --size 1GiB --like unet3d-h100
ends 3 'a second maker'
says 'is being made by another process' 'a second maker'
data remove "$set"
ends 3 'remove while it is made'
is 'being made' "$(state "$set")" 'state while another one makes it'
exec 9<&-
started --size 1GiB --like unet3d-h100 --threads 1
kill -KILL "$maker"
wait "$maker" 2>/dev/null || true
for _ in $(seq 200); do
	[ "$(workers)" != 0 ] || break
	sleep 0.05
done
is 0 "$(workers)" 'workers after the kill'
is 'being made' "$(state "$set")" 'state when killed'
whole=$(find "$set" -name 'data-*' -size 146604032c -printf '%f %i %T@\n' | sort)
data make "$set" --size 1GiB --like unet3d-h100
ends 0 'make goes on'
is complete "$(state "$set")" 'state when it went on'
is "$whole" "$(find "$set" -name 'data-*' -printf '%f %i %T@\n' | sort | grep -Ff <(printf '%s\n' "${whole:-none}") || true)" 'whole files are kept'
data verify "$set"
ends 0 'verify of what went on'
data remove "$set"

# A worker that stands still: what the hint names is an option of the command.
started --size 1GiB --like unet3d-h100 --threads 1 --timeout 700ms
pgrep -P "$maker" -f feedline-lane | xargs kill -STOP
rc=0
wait "$maker" || rc=$?
ends 3 'a worker that stands still'
says 'no step for 1 s; if it only needs longer, allow it more time with --timeout' 'a worker that stands still'
is 0 "$(workers)" 'workers after one stood still'
data make "$set" --size 1GiB --like unet3d-h100 --timeout 1h
ends 0 'make goes on with more time'
data verify "$set" --timeout 1h
ends 0 'verify with more time'
# All files are there, only the index does not say so.
sed -i 's/complete/being made/' "$set/feedline-data.json"
data make "$set" --size 1GiB --like unet3d-h100
ends 0 'make of nothing more'
is complete "$(state "$set")" 'state after nothing more'
data remove "$set"

# The kernel kills the worker in the middle of a file, or refuses a write that another of its threads has taken over.
rc=0
(ulimit -f $((32 * 1024)) && "$prefix/feedline" data make "$set" --size 40MiB --store "$home/limit.db") \
	>"$home/out" 2>"$home/err" || rc=$?
ends 3 'a worker that is killed half-way'
is 1 "$(grep -cE 'killed by SIGXFSZ in phase|at offset (3[3-9]|4[0-2])[0-9]{6}: File too large' "$home/err")" \
	"a worker that is killed half-way ($(tail -n 1 "$home/err"))"
is 'being made' "$(state "$set")" 'state after a worker was killed'
data make "$set" --size 40MiB
ends 0 'make after a worker was killed'
data verify "$set"
ends 0 'verify after a worker was killed'
data remove "$set"

# ---- in memory, read-only, full: file systems of our own

disk=$home/disk
mkdir "$disk"
trap 'umount -l "$disk" 2>/dev/null || true; rm -rf "$home"' EXIT
# soon COMMAND...: what io_uring had open is let go a little after the process has ended.
soon() {
	for _ in $(seq 100); do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	"$@"
}
# ext4 MIB OPTION...: an empty one at $disk.
ext4() {
	rm -f "$home/image"
	truncate -s "$1M" "$home/image"
	mkfs.ext4 -q "${@:2}" "$home/image" 2>/dev/null && mount -o loop "$home/image" "$disk" 2>/dev/null
}
if [ -n "${FEEDLINE_OWN_MOUNTS:-}" ] && mount -t tmpfs tmpfs "$disk" 2>/dev/null; then
	data make "$disk/set" --size 1MiB
	ends 3 'make in memory'
	says 'is on tmpfs: tmpfs is memory, not a drive' 'make in memory'
	is '' "$(ls "$disk")" 'what is left in memory'
	soon umount "$disk"
	# No direct I/O at all: data.make does without and says so.
	mount -t ramfs ramfs "$disk"
	mkdir "$disk/set"
	printf '{"schema":1,"state":"being made","seed":"0x0000000000000007","like":null,"files":[{"name":"data-00000000","bytes":94371840}]}' \
		>"$disk/set/feedline-data.json"
	rc=0
	feedline bench data.make --path "$disk/set" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	is 0 "$(undisturbed "$rc" "$home/out")" 'status of make without direct I/O'
	is 'no true' "$(jq -r '.lanes[0] | "\(.facts.direct) \(.data_verified)"' "$home/out")" 'make without direct I/O'
	is 94371840 "$(stat -c %s "$disk/set/data-00000000")" 'size of what was made without direct I/O'
	soon umount "$disk"
else
	echo 'data.sh: nothing can be mounted here: memory, full and read-only file systems are not tested'
fi
if [ -n "${FEEDLINE_OWN_MOUNTS:-}" ] && ext4 64; then
	set=$disk/set
	data make "$set" --size 60MiB
	ends 3 'make where there is no room'
	says "the data needs 60 MiB, '$set' has " 'make where there is no room'
	is lost+found "$(ls "$disk")" 'what is left where there is no room'
	data make "$set" --size 16MiB
	ends 0 'make where there is room'
	soon mount -o remount,ro "$disk"
	data make "$disk/new" --size 1MiB
	ends 2 'make in a read-only file system'
	says 'Read-only file system' 'make in a read-only file system'
	data make "$disk" --size 1MiB
	ends 2 'make in a directory that is read-only'
	data remove "$set"
	ends 2 'remove in a read-only file system'
	data verify "$set"
	ends 0 'verify in a read-only file system'
	soon umount "$disk"

	# Room enough, but no inode for the file.
	ext4 64 -N 32
	mkdir "$set"
	while : >"$disk/$i"; do i=$((i + 1)); done 2>/dev/null
	rm "$disk/1"
	data make "$set" --size 16MiB
	ends 3 'make without an inode for its file'
	says 'No space left on device' 'make without an inode for its file'
	is 'being made' "$(state "$set")" 'state without an inode'
	soon umount "$disk"

	# The room goes while it is made: somebody else takes what is left.
	ext4 1200
	started --size 700MiB --threads 1
	fallocate -l 1000M "$disk/filler" 2>/dev/null || dd if=/dev/zero of="$disk/filler" bs=1M 2>/dev/null || true
	rc=0
	wait "$maker" || rc=$?
	ends 3 'make while the room goes'
	says 'No space left on device; make room' 'make while the room goes'
	is 'being made' "$(state "$set")" 'state when the room went'
	rm "$disk/filler"
	data make "$set" --size 700MiB
	ends 0 'make when there is room again'
	data verify "$set"
	ends 0 'verify when there was room again'
	soon umount "$disk"
else
	echo 'data.sh: no ext4 on a loop device here: full and read-only file systems are not tested'
fi

is 0 "$(workers)" 'workers left'
finish
