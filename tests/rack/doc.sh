#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# doc.sh BUILD_DIR: manual pages and completion hold all that --help shows; the pages are good roff; the completion offers
# what fits, in a bash without any other completion, and neither writes, complains nor hangs whatever the store is.
# shellcheck source=tests/rack/common.bash
. "$(dirname "$0")/common.bash" "$1"
cd "$home"
fl=$build/feedline
pages=$build/share/man/man1
script=$build/share/bash-completion/completions/feedline

# ---- the files

umask 022
"$fl" doc share
is '755 755' "$(stat -c %a share/man/man1 share/bash-completion/completions | tr '\n' ' ' | sed 's/ $//')" \
	'doc: for everybody to read'
is '' "$(diff -r share/man "$build/share/man")" 'doc: pages as in the build'
is '' "$(diff -r share/bash-completion "$build/share/bash-completion")" 'doc: completion as in the build'
is 2 "$("$fl" doc 2>/dev/null || echo $?)" 'doc: without a directory'
touch file
is 2 "$("$fl" doc file/share 2>/dev/null || echo $?)" 'doc: into a file'

# ---- the pages

# A page has no date: it is written by the build, which must give the same bytes every day.
for page in "$pages"/*.1; do
	is '' "$(mandoc -T lint -W warning "$page" | grep -v 'missing date')" "lint of $page"
done

# plain PAGE: as people read it.
plain() {
	mandoc -T ascii "$pages/$1.1" | sed 's/.\x08//g'
}

# What can be called, and what --help names for it.
commands=$("$fl" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
benchmarks=$("$fl" list | awk '/^[a-z]/ { print $1 }')
options_of() {
	"$fl" "$@" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}

for command in $commands; do
	page=$(plain "feedline-$command")
	has "$(plain feedline)" "feedline-$command(1)" "feedline(1) names $command"
	for option in $(options_of "$command"); do
		has "$page" "$option" "feedline-$command(1)"
	done
done
for command in baseline data; do
	page=$(plain "feedline-$command")
	for verb in $("$fl" $command --help | sed -n "s/^  $command \([a-z]*\) .*/\1/p"); do
		has "$page" "       $command $verb" "feedline-$command(1)"
	done
done
for benchmark in $benchmarks; do
	section=$(plain feedline-bench | sed -n "/^   $benchmark\$/,/^ *Metrics:/p")
	for option in $(options_of bench "$benchmark"); do
		has "$section$(plain feedline-bench | sed '/^BENCHMARKS/,$d')" "$option" "feedline-bench(1) on $benchmark"
	done
done
for status in 0 1 2 3 4 5; do
	has "$(plain feedline)" "       $status      " "feedline(1): exit status $status"
done

# ---- the completion

# offers WORD...: what is offered for the last of these words, sorted, with blanks between. Messages count as offers.
offers() {
	local answer
	# shellcheck disable=SC2016 # for the other bash
	answer=$(timeout -s KILL 20 bash --norc --noprofile -c '
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_feedline
		printf "%s\n" "${COMPREPLY[@]}"' bash "$script" "$@" 2>&1 | sort | tr '\n' ' ')
	printf '%s' "${answer% }"
}

# offered WANT WORD...
offered() {
	local want=$1
	shift
	is "$want" "$(offers "$@")" "after '${*:1}'"
}

offered 'bench' "$fl" ben
offered 'report run runs' "$fl" r
offered '--help --version' "$fl" --
offered 'bench' "$fl" help ben
offered 'baseline' "$fl" bas
offered 'set show' "$fl" baseline s
offered 'calibrate' "$fl" help baseline c
offered '--note' "$fl" baseline set --no
offered 'null.nop null.pipeline' "$fl" bench nul
offered 'null.nop null.pipeline' "$fl" help bench nul
offered '' "$fl" help list ''
offered '--batch' "$fl" bench null.pipeline --ba
offered '--path --pattern' "$fl" bench storage.read --pat
offered '' "$fl" bench null.nop --pat
offered 'json markdown text' "$fl" report --format ''
offered 'markdown' "$fl" report --format m
offered 'json' "$fl" report --format = j
offered 'json markdown text' "$fl" report --format =
offered 'random sequential' "$fl" bench storage.read --depth 4 --pattern ''
offered 'random' "$fl" run --pattern ra
offered 'no yes' "$fl" bench null.nop --json =
offered '--help' "$fl" topo --json --he
offered '' "$fl" bench null.pipeline --depth ''
offered '' "$fl" nonsense ''
has " $(offers "$fl" run --suite '') " ' quick ' 'suites by name'
offered 'unet3d-a100 unet3d-b200 unet3d-h100 unet3d-v100' "$fl" bench feed --demand unet
has " $(offers "$fl" run --demand '') " ' all ' 'demands'
offered 'auto ladder repeat starvation' "$fl" bench feed --study ''
offered '--read-limit' "$fl" bench storage.read --read
has " $(offers "$fl" run --suite '') " ' file ' 'suites by file'
touch 'a file with blanks'
offered 'a file with blanks' "$fl" topo --machine 'a f'
offered 'share' "$fl" doc sh
for command in $commands; do
	got=" $(offers "$fl" "$command" --) "
	for option in $(options_of "$command"); do
		has "$got" " $option " "completion of $command"
	done
done
for benchmark in $benchmarks; do
	got=" $(offers "$fl" bench "$benchmark" --) "
	for option in $(options_of bench "$benchmark"); do
		has "$got" " $option " "completion of bench $benchmark"
		[ "$option" = --study ] || # which study a suite makes, it says itself
			has " $(offers "$fl" run "$option") " " $option " "completion of run with $benchmark"
	done
done

# ---- names from the store

offered 'last' "$fl" report ''
is no "$([ -e state ] && echo yes || echo no)" 'asking makes no store'
"$fl" bench null.nop --duration 10ms >/dev/null
id=$("$fl" runs --json | jq -r '.runs[0].id')
before=$(find state -type f -exec sha256sum {} +)
offered "$id last" "$fl" report ''
offered "$id last" "$fl" report --format json ''
offered "$id" "$fl" report "${id:0:9}"
offered "$id last" "$fl" run --resume ''
is "$before" "$(find state -type f -exec sha256sum {} +)" 'asking leaves the store as it is'
"$fl" bench null.nop --duration 10ms --store other.db >/dev/null
other=$("$fl" runs --store other.db --json | jq -r '.runs[0].id')
offered "$other last" "$fl" report --store other.db ''
offered "$other last" "$fl" report --store = other.db ''
offered 'last' "$fl" report --store file ''
offered "$id last" "$fl" compare ''
offered '' "$fl" compare --noise good
"$fl" baseline set good "$id" 2>/dev/null
offered "$id good last" "$fl" compare ''
offered "$id good last" "$fl" compare good ''
offered 'good' "$fl" compare --noise g
offered 'good' "$fl" show g
offered 'good' "$fl" baseline show g
offered "$id" "$fl" baseline set other "${id:0:9}"
offered 'last' "$fl" report --store missing.db ''

# A store from elsewhere, and a program that does not answer.
cat >hostile <<'PROGRAM'
#!/bin/sh
printf 'head\n%s\n%s\n%s\n20260101T000000Z-aaaaaa  x\n' '$(touch owned)' '`touch owned`;touch owned' '*'
PROGRAM
printf '#!/bin/sh\nsleep 60\n' >silent
chmod +x hostile silent
offered '20260101T000000Z-aaaaaa last' ./hostile report ''
is no "$([ -e owned ] && echo yes || echo no)" 'names of a store are not run'
offered 'last' ./silent report ''
offered 'last' ./missing report ''

finish
