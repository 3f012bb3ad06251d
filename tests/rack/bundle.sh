#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bundle.sh BUILD_DIR: the archive of scripts/bundle runs by being unpacked: here, in a newer Debian, and says in one line
# that an older one does not suffice. The other Debians are roots made by debootstrap, kept in BUILD_DIR/roots; where they
# cannot be made, what is here is still tested and the rest is said to be left out.
set -euo pipefail

roots=$(cd "$1" && pwd)/roots

# make_root NAME: $roots/NAME, a Debian of that name, only unpacked and not configured: what is needed of it is its C
# library, its shell and its tar. Else prints why not.
make_root() {
	local root=$roots/$1 part
	[ ! -d "$root" ] || return 0
	[ "$(id -u)" = 0 ] || { echo 'it takes root to make one'; return; }
	command -v debootstrap >/dev/null || { echo "'debootstrap' is not installed; scripts/setup installs it"; return; }
	rm -rf --one-file-system "$root.new"
	timeout -k 5 300 debootstrap --foreign --variant=minbase "$1" "$root.new" >"$root.log" 2>&1 ||
		{ tail -n 1 "$root.log"; return; }
	for part in proc sys dev; do
		[ ! -h "$root.new/$part" ] || rm "$root.new/$part" # made in containers, onto itself
		mkdir -p "$root.new/$part"
	done
	rm -rf "$root.new/var/cache/apt"
	mv "$root.new" "$root"
}

# Before common.bash takes the network away.
if [ -z "${FEEDLINE_OWN_NET:-}" ]; then
	mkdir -p "$roots"
	for debian in trixie bullseye; do
		make_root $debian >"$roots/$debian.why"
	done
fi
# shellcheck source=tests/rack/common.bash
. "$(dirname "$0")/common.bash" "$1"
source=$(cd "$(dirname "$0")/../.." && pwd)

# ---- what is packed

mkdir "$home/one" "$home/two"
archive=$("$source/scripts/bundle" "$build" "$home/one" 2>"$home/said")
(umask 077 && TZ=Asia/Tokyo "$source/scripts/bundle" "$build" "$home/two" >/dev/null)
is '' "$(cmp "$archive" "$home/two/${archive##*/}" 2>&1)" 'the same build gives the same bytes'
is 644 "$(stat -c %a "$home/two/${archive##*/}")" 'the archive is for everybody to read'
place="$home/a place; with blanks"
mkdir "$place"
tar -C "$place" -xzf "$archive"
bundle=$(echo "$place"/*)
is "$(basename "$archive" .tar.gz)" "$(basename "$bundle")" 'one directory, named like the archive'
for part in feedline man bash-completion; do
	is '' "$(diff -r "$build/share/$part" "$bundle/share/$part")" "share/$part is that of the build"
done
for part in "$build"/libexec/feedline/*; do
	is yes "$([ -x "$bundle/libexec/feedline/${part##*/}" ] && echo yes)" "${part##*/} is in it"
done
"$source/scripts/checks/bundle" "$bundle" >/dev/null
has "$(mandoc -T ascii "$bundle/share/man/man1/feedline.1" | sed 's/.\x08//g')" 'feedline-bench(1)' 'the manual'
if [ "$("$bundle/feedline" list --json | jq -r '.benchmarks[] | select(.name == "gpu.h2d").reason')" = 'built without CUDA' ]; then
	has "$(<"$bundle/README")" 'GPUs cannot be measured: it was built without CUDA.' 'the README of one without CUDA'
	has "$(<"$home/said")" 'bundle: it cannot measure GPUs' 'what scripts/bundle says of one without CUDA'
else
	has "$(<"$bundle/README")" 'GPUs are measured through the driver' 'the README of one with CUDA'
	is '' "$(<"$home/said")" 'what scripts/bundle says of one with CUDA'
fi
for part in "$bundle"/lib/feedline/*; do
	has "$(<"$bundle/README")" "  ${part##*/} " "the README names ${part##*/}"
done

# The loader finds every library in the bundle or in the C library, whatever the user's environment says.
mkdir "$home/bad"
for part in "$bundle"/lib/feedline/*; do
	echo 'no library' >"$home/bad/${part##*/}"
done
for part in "$bundle"/program/* "$bundle"/libexec/feedline/*; do
	while IFS='|' read -r name path; do
		[ ! -e "$bundle/lib/feedline/$name" ] || is "$bundle/lib/feedline/$name" "$(realpath "$path")" "$name"
	done < <(LD_LIBRARY_PATH=$home/bad ldd "$part" | sed -nE 's/^\t([^ ]+) => (.*) \(0x[0-9a-f]+\)$/\1|\2/p')
done

# ---- it runs

# trial DIR: what the bundle in DIR is asked for, in a home of its own; prints "ok" at the end. Runs with any sh.
cat >"$home/trial" <<'TRIAL'
set -eu
export HOME="$2" LC_ALL=C
unset XDG_STATE_HOME XDG_CACHE_HOME
cd /
"$1/feedline" --version
"$1/feedline" list | grep memory.copy >/dev/null
"$1/feedline" topo | grep node0 >/dev/null
"$1/feedline" bench null.nop --duration 10ms >/dev/null
status=0
"$1/feedline" bench memory.copy --duration 50ms >/dev/null || status=$?
[ $status = 0 ] || [ $status = 4 ] # others may disturb it
"$1/feedline" report >"$2/report" || [ $? = 4 ]
grep memory.copy "$2/report"
echo ok
TRIAL

# tried WHAT SAID: did the trial come to its end?
tried() {
	is ok "$(tail -n 1 <<<"$2")" "$1: $2"
	has "$2" 'GB/s' "$1: the report has a rate"
}

mkdir "$home/own"
tried 'beside blanks' "$(LD_LIBRARY_PATH=$home/bad sh "$home/trial" "$bundle" "$home/own" 2>&1)"
if [ "$(id -u)" = 0 ]; then
	mkdir "$home/other"
	chown 65534:65534 "$home/other"
	chmod 755 "$home"
	chmod -R a-w "$bundle"
	tried 'as another user, who may write nothing' "$(setpriv --reuid 65534 --regid 65534 --clear-groups \
		sh "$home/trial" "$bundle" "$home/other" 2>&1)"
	chmod -R u+w "$bundle"
fi
version=$("$build/feedline" --version)
mkdir "$home/bin"
ln -s "$bundle/feedline" "$home/bin/feedline"
is "$version" "$(PATH=$home/bin:$PATH env feedline --version)" 'through a link'
is 2 "$("$bundle/feedline" bench nonsense 2>/dev/null || echo $?)" 'its status is that of feedline'

# ---- systems that do not suffice

# refused WORDS COMMAND...: one line that holds these words, status 2, and nothing else.
refused() {
	local words=$1 status=0
	shift
	"$@" >"$home/out" 2>"$home/err" || status=$?
	is 2 "$status" "$words: status"
	is '' "$(<"$home/out")" "$words: nothing on stdout"
	is 1 "$(wc -l <"$home/err")" "$words: one line: $(<"$home/err")"
	has "$(<"$home/err")" "feedline: this system has $words, this archive needs glibc 2.34 or later on $(uname -m); " "$words"
}

# pretends LIBC: a getconf that says so comes first.
pretends() {
	mkdir -p "$home/pretend"
	printf '#!/bin/sh\necho "%s"\n' "$1" >"$home/pretend/getconf"
	chmod +x "$home/pretend/getconf"
}
for libc in 2.31 2.33 2.33.9000 2.4; do
	pretends "glibc $libc"
	PATH=$home/pretend:$PATH refused "glibc $libc" "$bundle/feedline" list
done
for libc in 'glibc 2.34' 'glibc 2.41' 'glibc 2.36.9000' 'glibc 3.0' 'undefined' ''; do
	pretends "$libc"
	is "$version" "$(PATH=$home/pretend:$PATH "$bundle/feedline" --version)" "where getconf says '$libc'"
done
sed 's|^loader=.*|loader=/nowhere/ld.so|' "$bundle/feedline" >"$home/elsewhere"
refused "no '/nowhere/ld.so'" sh "$home/elsewhere" list

# ---- what is not packed

# packs_not WORDS: scripts/bundle says so, and leaves nothing.
packs_not() {
	rm -rf "$home/none"
	mkdir "$home/none"
	is 1 "$(PATH=$home/shadow:$PATH "$source/scripts/bundle" "$build" "$home/none" 2>"$home/err" || echo $?)" "$1: status"
	has "$(<"$home/err")" "$1" 'why nothing is packed'
	is '' "$(ls "$home/none")" "$1: nothing is left"
}

# A program that needs a later C library comes with the build; cc makes that library.
mkdir "$home/shadow" "$home/late"
echo 'GLIBC_2.99 { planted; };' >"$home/late/map"
echo 'int planted(void) { return 0; }' | cc -shared -fPIC -x c - -o "$home/late/libm.so.6" -Wl,-soname,libm.so.6 \
	-Wl,--version-script="$home/late/map"
echo 'int planted(void); int main(void) { return planted(); }' |
	cc -o "$home/late/feedline-lane-late" -x c - -x none "$home/late/libm.so.6"
cat >"$home/shadow/cmake" <<SHADOW
#!/bin/sh
PATH=$PATH cmake "\$@" && cp "$home/late/feedline-lane-late" "\$4/libexec/feedline/"
SHADOW
chmod +x "$home/shadow"/*
packs_not 'feedline-lane-late:1: needs GLIBC_2.99 (planted), newer than 2.34'
echo 'int lost(void) { return 0; }' | cc -shared -fPIC -o "$home/late/liblost.so.1" -x c - -Wl,-soname,liblost.so.1
echo 'int lost(void); int main(void) { return lost(); }' |
	cc -o "$home/late/feedline-lane-late" -x c - -x none "$home/late/liblost.so.1"
packs_not 'feedline-lane-late: the loader does not find liblost.so.1 here'

# A place of this machine.
printf 'at %s/harness/base\n' "$source" >"$home/late/feedline-lane-late"
packs_not 'name the place where feedline was built'

# A library whose licence is not known.
rm "$home/shadow/cmake"
cp "$bundle/lib/feedline/libyaml-0.so.2" "$home/late/"
printf '#!/bin/sh\necho "	libyaml-0.so.2 => %s (0x0)"\n' "$home/late/libyaml-0.so.2" >"$home/shadow/ldd"
chmod +x "$home/shadow/ldd"
packs_not "no licence of '$home/late/libyaml-0.so.2' is known here"

# ---- other Debians

# inside DEBIAN COMMAND...: there, as nobody, without network; /tmp is its only place to write, and holds $home/share.
inside() {
	local root=$roots/$1
	shift
	# shellcheck disable=SC2016 # for the other sh
	timeout -k 5 120 unshare --mount sh -c '
		set -e
		root=$1 share=$2
		shift 2
		for part in proc sys dev; do mount --rbind "/$part" "$root/$part"; done
		mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
		mkdir "$root/tmp/share"
		mount --bind "$share" "$root/tmp/share"
		exec chroot --userspec=65534:65534 "$root" "$@"' sh "$root" "$home/share" "$@"
}
mkdir "$home/share"
cp "$archive" "$home/trial" "$home/share/"
cat >"$home/share/unpacked" <<'UNPACKED'
set -eu
mkdir '/tmp/a place' /tmp/home
tar -C '/tmp/a place' -xzf /tmp/share/*.tar.gz
cd '/tmp/a place'/*
"$@"
UNPACKED
chmod -R a+rX "$home/share"
for debian in trixie bullseye; do
	if [ ! -d "$roots/$debian" ]; then
		printf 'left out: %s: %s\n' $debian "$(<"$roots/$debian.why")"
	elif [ $debian = trixie ]; then
		# shellcheck disable=SC2016 # for the other sh
		tried $debian "$(inside $debian sh /tmp/share/unpacked sh -c 'sh /tmp/share/trial "$PWD" /tmp/home' 2>&1)"
	else
		refused 'glibc 2.31' inside $debian sh /tmp/share/unpacked ./feedline list
	fi
done
finish
