#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# size.sh: the size budget can fail, and so can its waivers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# function NAME LINES
function_of() {
	printf 'int %s(int x)\n{\n' "$1"
	for ((i = 4; i < $2; i++)); do
		printf '\tx += %d;\n' "$i"
	done
	printf '\treturn x;\n}\n'
}
# head_of N: lines, so that what follows is not in the head of the file.
head_of() {
	for ((i = 0; i < $1; i++)); do
		printf '/* line */\n'
	done
}

outcome 2 'found no files' 'an empty tree'
for f in a b c d e f g h i j k l; do
	function_of $f 10
done | plant harness/short.c
for i in 1 2 3 4 5 6 7 8 9; do
	head_of 10 | plant "harness/file$i.c"
done
outcome 0 '0 wrong' 'short functions'

{ head_of 12; function_of huge 81; } | plant harness/long.c
outcome 1 'huge has 81 lines; split it at 80' 'a long function'
{ head_of 12; printf '/* size: one switch over all kinds */\n'; function_of huge 81; } | plant harness/long.c
outcome 0 '0 wrong' 'a waived function'
{ head_of 12; printf '/* size: */\n'; function_of huge 81; } | plant harness/long.c
outcome 1 'a waiver needs a reason' 'a waiver without a reason'
{ head_of 12; printf '/* size: one switch over all kinds */\n'; function_of huge 20; } | plant harness/long.c
outcome 1 'this waiver is not needed' 'a waiver without need'
head_of 801 | plant harness/long.c
outcome 1 '801 lines; split it at 800' 'a long file'
{ printf '/* size: a table made by a machine */\n'; head_of 800; } | plant harness/long.c
outcome 0 '0 wrong' 'a waived file'
{ printf '/* size: a table made by a machine */\n'; head_of 8; } | plant harness/long.c
outcome 1 'harness/long.c:1: this waiver is not needed' 'a file waiver without need'
rm harness/long.c harness/file?.c

function_of a 21 | plant harness/short.c
outcome 1 'median of a function is 21 lines' 'a high median'
{ for f in a b c d e f g; do function_of $f 8; done; function_of h 51; } | plant harness/short.c
outcome 1 '90th percentile of a function is 51 lines' 'a high percentile'
head_of 251 | plant harness/short.c
outcome 1 'median of a file is 251 lines' 'long files'
verdict
