# SPDX-License-Identifier: Apache-2.0
# failed.bash: whoever sees only the end of a long log sees what there is to mend. For scripts/test and scripts/tree, in the
# root of the tree.
# shellcheck shell=bash

# excerpt LOG NUMBER: what that test said, of many lines the first and the last: a program that checks itself says first
# what was wrong, a script last. A test that is a ctest itself (scripts/tree) ends with what was printed here for its own
# tests: that is passed on, and nothing of what is before.
excerpt() {
	awk -v head="^$2/[0-9]+ Testing: " '/^[0-9]+\/[0-9]+ Testing: / { on = $0 ~ head; said = 0 }
		/^<end of output>$/ { said = 0 }
		on && said
		/^Output:$/ { said = 1 }' "$1" |
		grep -vE '^(\[ +(RUN|OK) +\]| *Start +[0-9]+: |-{58}$)|  Passed  |^$' |
		awk '/^---- failed: / && !inner { inner = 1; n = 0 }
			{ line[++n] = $0 }
			END {
				half = inner ? 200 : 25
				for (i = 1; i <= n; i++)
					if (i <= half || i > n - half)
						print line[i]
					else if (i == half + 1)
						printf "... (%d lines)\n", n - 2 * half
			}'
}

# tested PRESET COMMAND...: the command, a ctest of that preset, and its status. Where it fails, what each failed test said
# and ctest's own summary stand at the end once more.
tested() {
	local rc=0 number name logs=build/$1/Testing/Temporary
	said=$(mktemp)
	trap 'rm -f "$said"' EXIT
	rm -f "$logs/LastTestsFailed.log" # of an earlier run
	"${@:2}" 2>&1 | tee "$said" || rc=$?
	if [ $rc != 0 ]; then
		while IFS=: read -r number name; do
			printf '\n---- failed: %s\n' "$name"
			excerpt "$logs/LastTest.log" "$number"
		done <"$logs/LastTestsFailed.log" || true
		awk '/tests passed, .* failed out of/ { end = "" } { end = end $0 "\n" } END { printf "\n%s", end }' "$said"
	fi
	return $rc
}
