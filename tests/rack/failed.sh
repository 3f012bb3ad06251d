#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# failed.sh BUILD_DIR: a lane that fails says how to see it again; what it says is done, and fails again. And other tools take
# the commands that benchmarks declare for them, where these tools are installed.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# of FILTER: from the last document
of() {
	jq -er "$1" "$home/out"
}

# says WORDS: a shell command as it was printed, with more words behind it; its document is the next one to ask.
says() {
	eval "$*" >"$home/out" 2>"$home/err" || true
}

# again WHAT: the command of the first lane, which failed: brief, the same lanes, and it fails again.
again() {
	local command options
	command=$(of '.lanes[0].again')
	options=$(of '[.lanes[].options | del(.duration)]')
	is fail "$(of '.lanes[0].verdict')" "$1"
	is true "$(of '.lanes[0].evidence | length >= 3')" "$1: evidence"
	says "$command --dry-run --json"
	is true "$(of '.time_ns <= 10e9 and (.plan.cases | length == 1 and .[0].rounds == 1)')" "$1: takes 10 s at most"
	says "$command --json"
	is fail "$(of '.lanes[0].verdict')" "$1, again"
	is "$options" "$(of '[.lanes[].options | del(.duration)]')" "$1, again: the same lanes"
}

# ---- alone: a pace that no memory keeps

says feedline bench null.pipeline --batch 1MiB --pace 10us --consume 10us --depth 2 --duration 200ms --json
command=$(of '.lanes[0].again')
has "$(feedline report --store "$XDG_STATE_HOME/feedline/store.db")" "
      $command" 'the text has the command on a line of its own'
again 'alone'

# ---- beside another lane

cat >"$home/suite.yaml" <<'SUITE'
- together:
    - bench: null.pipeline
      with: {batch: 1MiB, pace: 10us, consume: 10us, duration: 200ms}
    - bench: null.nop
      with: {duration: 200ms}
  repeat: 2
SUITE
says feedline run --suite "$home/suite.yaml" --json
has "$(of '.lanes[0].again')" ' | feedline run --suite /dev/stdin' 'the case is a suite on one line'
again 'beside another lane'

# ---- the tools that others know

# same_by TOOL BENCH SHORTER [OPTION...]: the tool takes the command, made shorter.
same_by() {
	local tool=$1 bench=$2 shorter=$3 command
	shift 3
	feedline bench "$bench" "$@" --duration 50ms --json >"$home/out" || true
	of '.lanes[0]' >"$home/lane.json"
	command=$("$build/tests/peer_of" "$prefix/share/feedline/manifests" "$home/lane.json") || true
	has "$command" "$tool " "$bench: a command for $tool"
	[ -n "$command" ] || return 0
	if ! command -v "$tool" >/dev/null; then
		printf 'skipped: %s is not installed: %s\n' "$tool" "$command"
		return
	fi
	eval "$command $shorter" >"$home/tool" 2>&1 || is 0 $? "$command: $(tail -n 2 "$home/tool")"
	has "$(<"$home/tool")" "$(jq -r --arg b "$bench" '.benchmarks[] | select(.name == $b) | .peer.prints' \
		"$prefix/share/feedline/manifests/host.json")" "$bench: what $tool prints"
}
mkdir "$home/an odd: place"
head -c 16M /dev/urandom >"$home/an odd: place/it's \$a file"
odd="$home/an odd: place/it's \$a file"
if fallocate -l 4096 "$home/probe" && dd if="$home/probe" of=/dev/null bs=4096 iflag=direct status=none 2>/dev/null; then
	same_by fio storage.read --runtime=1 --path "$odd" --depth 4
	same_by fio storage.read --runtime=1 --path "$odd" --block 4KiB --pattern random --threads 3 --buffers plain
	same_by fio storage.read_buffered '' --path "$odd" --block 64KiB
	same_by fio storage.read_buffered --runtime=1 --path "$odd" --block 64KiB --cache warm --pattern random
else
	echo 'skipped: fio: no direct I/O here'
fi
if grep -qw avx2 /proc/cpuinfo; then
	for bench in memory.copy memory.read memory.write; do
		same_by likwid-bench "$bench" '-s 1' --memory node0
	done
else
	echo 'skipped: likwid-bench: no AVX here'
fi

finish
