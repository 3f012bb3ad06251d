#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# terminal.sh BUILD_DIR: what a run shows on a terminal and what it does not show elsewhere: the progress line with the
# time left, cut to the width; colours unless NO_COLOR is set. The terminal is that of script(1).
# shellcheck source=tests/rack/common.bash
. "$(dirname "$0")/common.bash" "$1"
cd "$home"
esc=$'\e'
cr=$'\r'
cat >suite.yaml <<'SUITE'
- bench: null.pipeline
  with: {duration: 1200ms, batch: 1MiB, pace: 10ms, consume: 5ms}
- bench: null.nop
  with: {duration: 100ms}
  repeat: 2
SUITE

# shown COLUMNS VARIABLE...: all that a terminal of that width gets from a run of the suite, whatever its status: this
# machine may be busy.
shown() {
	local columns=$1
	shift
	env -u NO_COLOR TERM=xterm "$@" \
		script -qec "stty cols $columns; '$prefix/feedline' run --suite suite.yaml --store '$store'" /dev/null || true
}

# lacks TEXT PART WHAT: is PART nowhere in TEXT?
lacks() {
	is no "$([[ "$1" == *"$2"* ]] && echo yes || echo no)" "$3"
}

# The texts that the progress line had, one a line.
progress() {
	tr '\r' '\n' <<<"$1" | grep '^\[[0-9]*/[0-9]*\] '
}

got=$(shown 100)
has "$got" "${cr}[1/3] " 'progress: the first of three steps'
has "$got" '[3/3] ' 'progress: the last'
has "$got" ' left: null.nop, round 2 of 2' 'progress: time left, case and round'
has "$got" "${esc}[36munjudged${esc}[0m" 'colours on a terminal'
is yes "$([ "$(progress "$got" | grep -c '^\[1/3\]')" -ge 2 ] && echo yes)" 'progress: renewed while a step runs'
lacks "$(progress "$got")" "$esc" 'progress: no escape codes'

got=$(shown 100 NO_COLOR=1)
has "$got" '[1/3] ' 'NO_COLOR: progress'
lacks "$got" "$esc" 'NO_COLOR: no escape codes at all'
has "$(shown 100 NO_COLOR=)" "${esc}[36m" 'NO_COLOR: empty is as if it were not set'

got=$(shown 100 TERM=dumb)
lacks "$got" "$esc" 'dumb terminal: no escape codes'
lacks "$got" '[1/3]' 'dumb terminal: no progress'

got=$(shown 40)
is '' "$(progress "$got" | grep -E '^.{40,}')" 'narrow terminal: no line as wide as it'
has "$got" '[1/3] ' 'narrow terminal: progress'

feedline run --suite suite.yaml --store "$store" >out 2>err || true
lacks "$(cat out err)" "$esc" 'files: no escape codes'
lacks "$(cat out err)" "$cr" 'files: no progress'

finish
