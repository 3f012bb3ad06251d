#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bundle.sh: the check of an unpacked bundle can fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
parts=$(mktemp -d)
trap 'rm -rf "$tree" "$parts"' EXIT
mkdir -p "$parts/other" lib/feedline libexec/feedline

# library FILE SONAME [LINKER OPTION...]: with one function, called `planted`.
library() {
	echo 'int planted(void) { return 0; }' | cc -shared -fPIC -o "$1" -x c - -x none -Wl,-soname,"$2" "${@:3}"
}

# program FILE [LINKER OPTION...]: calls that function.
program() {
	echo 'int planted(void); int main(void) { return planted(); }' |
		cc -o "$1" -x c - -x none -Wl,--disable-new-dtags "${@:2}" -Wl,--allow-shlib-undefined
}

# A mathematical library of a later day, one that other rooms of the C library may use only, and one of our own.
for version in 2.33 2.34 2.35 2.100 ABI_DT_RELR PRIVATE; do
	echo "GLIBC_$version { planted; };" >"$parts/map"
	mkdir "$parts/$version"
	library "$parts/$version/libm.so.6" libm.so.6 -Wl,--version-script="$parts/map"
done
library "$parts/libown.so.1" libown.so.1
# shellcheck disable=SC2016 # $ORIGIN is for the loader
rpath='-Wl,-rpath,$ORIGIN/../../lib/feedline'
file=libexec/feedline/feedline-lane-planted

outcome 2 'found no programs and libraries' 'an empty tree'
plant README <<<'a text'
outcome 2 'found no programs and libraries' 'a tree without programs'

for version in 2.33 2.34; do
	program "$file" "$rpath" "$parts/$version/libm.so.6"
	outcome 0 '1 programs and libraries, 0 wrong' "version $version"
done
for version in 2.35 2.100 ABI_DT_RELR PRIVATE; do
	program "$file" "$rpath" "$parts/$version/libm.so.6"
	outcome 1 "$file:1: needs GLIBC_$version (planted), newer than 2.34" "version $version"
done
program "$file" "$rpath" "$parts/2.35/libm.so.6"
outcome 0 '0 wrong' 'a newer C library is allowed' 2.35

program "$file" "$rpath" "$parts/libown.so.1"
outcome 1 "$file:1: needs libown.so.1, which is neither in lib/feedline nor" 'a library that is missing'
cp "$parts/libown.so.1" lib/feedline/
outcome 0 '2 programs and libraries, 0 wrong' 'a library that is there'
cp "$parts/2.35/libm.so.6" lib/feedline/libown.so.1
outcome 0 '2 programs and libraries, 0 wrong' 'versions that a library has itself'
library lib/feedline/libown.so.1 libown.so.1 -Wl,--no-as-needed "$parts/2.35/libm.so.6"
outcome 0 '2 programs and libraries, 0 wrong' 'a library that needs the C library'

for way in "${rpath}s" "$rpath -Wl,--enable-new-dtags" -Wl,--no-undefined; do
	# shellcheck disable=SC2086 # may be two words
	program "$file" $way "$parts/libown.so.1"
	outcome 1 "$file:1: needs libown.so.1 and does not look in lib/feedline" "by '$way'"
done
program "$file" "$rpath:/usr/lib/elsewhere" "$parts/libown.so.1"
outcome 1 "$file:1: looks for libraries in \"/usr/lib/elsewhere\"" 'a place of this machine'
program "$file" "$rpath:" "$parts/libown.so.1"
outcome 1 "$file:1: looks for libraries in \"\"" 'the directory that one happens to be in'
program "$file" "$rpath" "$parts/libown.so.1"

chmod u+s "$file"
outcome 1 "$file:1: runs as somebody else" 'rights of another user'
chmod u-s "$file"
chmod o+w lib/feedline
outcome 1 'lib/feedline:1: others may write it' 'a directory for everybody to write'
chmod o-w lib/feedline
chmod o-r "$file"
outcome 1 "$file:1: not everybody may read it" 'a file for its owner only'
chmod o+r "$file"
ln -s /etc/passwd link
outcome 1 'link:1: links to /etc/passwd' 'a link that leads out'
rm link
mkfifo pipe
outcome 1 'pipe:1: neither file' 'a pipe'
rm pipe
outcome 0 '0 wrong' 'all mended'
verdict
