#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# agents.sh BUILD_DIR: cases over three hosts, and what befalls hosts while they are measured: whoever is lost is named with
# the cause, the others go on, nothing is left running, and the status is never 0.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"

crowd=$build/tests/crowd
hosts=3
hosts_make $hosts
export CROWD_GRACE_MS=2000

# A clock that is two days ahead of the others', where the kernel can make one.
ahead=(unshare --time --fork --kill-child --monotonic 172800)
"${ahead[@]}" true 2>/dev/null || ahead=()

# agent K: on host K, in the background; its pid in $behind. The clock of the second is far from the hub's.
agent() {
	local clock=()

	[ "$1" != 2 ] || clock=("${ahead[@]}")
	on_behind "$1" "${clock[@]}" bash -c 'exec "$1" agent "$2" "$3" <"$4" 2>"$5"' agent "$crowd" "$prefix" "$(hosts_home "$1")/journals" \
		"$home/lines/$(($1 - 1)).line" "$home/agent$1.err"
}

# begin CASE...: hub and agents; their pids in $hub and agents[K]
declare -a agents=()
begin() {
	local k

	rm -rf "$home/lines" "$store"* "$home"/hosts/*/journals/*
	mkdir -p "$home/lines"
	"$crowd" hub "$hosts" 10.77.0.254 "$home/lines" "$prefix" "$store" "$@" >"$home/out" 2>"$home/err" &
	hub=$!
	for ((k = 1; k <= hosts; k++)); do
		while [ ! -e "$home/lines/$((k - 1)).line" ]; do sleep 0.02; done
		agent "$k"
		agents[k]=$behind
	done
}
# in_case N: until the hub has begun it
in_case() {
	while ! grep -q "case $1:" "$home/err"; do
		kill -0 "$hub" 2>/dev/null || return 0
		sleep 0.02
	done
}
# stepping K: until a worker on host K is at full load, as far as can be seen
stepping() {
	while [ -z "$(processes_on "$1" feedline-lane)" ]; do sleep 0.02; done
	sleep 1
}
# conclude: rc, out; all agents are gone
conclude() {
	local k

	rc=0
	wait "$hub" || rc=$?
	for ((k = 1; k <= hosts; k++)); do
		wait "${agents[k]}" 2>/dev/null || true
	done
	out=$(cat "$home/out")
	is 0 "$(workers)" "workers left after $1"
}
# lane CASE LANE: its line
lane() {
	grep "^case $1 lane $2 " "$home/out" || true
}
never_0() {
	is 1 "$((rc != 0))" "status after $1"
}

# All is well. The second agent's clock is far from the hub's, which changes nothing.
begin 0:ok,1:ok,2:ok 0-1:ok,2:ok
conclude 'a good run'
has "$(lane 0 2)" 'on n3: measured' 'a lane of the third host'
has "$(lane 1 1)" 'on n2: measured' 'a group over two hosts'
has "$(lane 1 1)" 'clock known' 'its clock'
is '' "$(grep 'the clock of host' "$home/out")" 'a clock that is far away, and stays there'
has "$out" 'watched n1/' 'what was watched says where'
is '' "$(ls "$(hosts_home 2)/journals")" 'journals are given up when all is stored'

# The clock of one host jumps in the middle of a window: its lane is not to be trusted, that of the others is.
export CROWD_JUMP_MS=100
CROWD_MS=4000 begin 0:ok,1:ok,2:ok 0:ok,1:ok,2:ok
in_case 0
stepping 3
for k in 1 2 3 4; do # the first may be before the look that comes before the window
	kill -USR1 "${agents[3]}"
	sleep 0.5
done
conclude 'a clock that jumps'
unset CROWD_JUMP_MS
has "$(lane 0 2)" 'on n3: measured' 'a lane beside a clock that jumps'
has "$(lane 0 2)" 'the clock of host n3 moved by +' 'a lane beside a clock that jumps'
is '' "$(lane 0 0 | grep 'the clock of host')$(lane 0 1 | grep 'the clock of host')" 'the hosts beside it'
is '' "$(lane 1 2 | grep 'the clock of host')" 'the case after it'
is 3 "$(grep -c '^case 1 .*: measured' "$home/out")" 'lanes of the case after it'

# A lane that fails takes its group along, and nobody else.
begin 0:fail_open,1:ok,2:ok 0-1:fails,2:ok
conclude 'a lane that fails'
has "$(lane 0 0)" 'on n1: not measured: scripted failure' 'a lane that fails'
has "$(lane 0 1)" 'on n2: measured' 'the lane beside it on another host'
has "$(lane 1 0)" 'not measured' 'the lane of its group'
has "$(lane 1 2)" 'on n3: measured' 'the third host goes on'

# A worker hangs on one host.
begin 0:hang_open/500,1:ok,2:hang_step/500 0:ok,1:ok,2:ok
conclude 'workers that hang'
has "$(lane 0 0)" "on n1: invalid: the worker hangs: phase 'open'" 'a worker that hangs'
has "$(lane 0 1)" 'on n2: measured' 'the host beside'
has "$(lane 0 2)" "on n3: invalid: the worker hangs: phase 'step'" 'another that hangs'
has "$(lane 1 2)" 'on n3: measured' 'its host goes on'
never_0 'workers that hang'

# A worker dies in the warm-up: that is heard, and what comes after it is not waited for.
begin 0:crash_step,1:ok,2:ok 0:ok,1:ok,2:ok
conclude 'a worker that dies early'
has "$(lane 0 0)" 'on n1: invalid: the worker was killed by SIG' 'a worker that dies early'
has "$(lane 1 0)" 'on n1: measured' 'its host goes on'
never_0 'a worker that dies early'

# Lanes in lockstep over two hosts end after the same step: their data is right, and says so itself.
begin 0=1:ok,2:ok 1=2:ok,0:ok 2=2:ok
conclude 'groups in lockstep'
has "$(lane 0 0)" 'on n1: measured' 'a rank in lockstep'
has "$(lane 0 1)" 'on n2: measured' 'the other one'
has "$(lane 0 2)" 'on n3: measured' 'a lane beside them'
has "$(lane 1 1)" 'on n3: measured' 'a group on two other hosts'
has "$(lane 2 0)" 'on n3: measured' 'a group on one host'

# One that dies, one that hangs, and two that both wait: the other waited for it, and a third host has nothing to do with it.
CROWD_GRACE_MS=10000 begin 0=1:dies,2:ok 0=1:hangs/500,2:ok 0=1:silent/500,2:ok 0=1:ok
conclude 'lockstep that breaks off'
has "$(lane 0 1)" 'on n2: invalid: the worker was killed by SIG' 'a rank that dies'
has "$(lane 0 0)" 'on n1: not measured: a lane of the same case failed on n2: null.scripted_lockstep: the worker was killed' \
	'the other one'
has "$(lane 1 1)" "on n2: invalid: the worker hangs: phase 'step' did not end within" 'a rank that hangs'
has "$(lane 1 0)" 'on n1: not measured: a lane of the same case failed on n2: null.scripted_lockstep: the worker hangs' \
	'who waited for it'
has "$(lane 2 0)$(lane 2 1)" 'waited in step 2' 'ranks that both wait'
for c in 0 1 2; do has "$(lane "$c" 2)" 'on n3: measured' "the lane beside them, case $c"; done
has "$(lane 3 1)" 'on n2: measured' 'the hosts go on'
never_0 'lockstep that breaks off'

# An agent is killed in the middle of a window: its host is lost, with its group; then all its lanes.
CROWD_MS=4000 begin 0-1:ok,2:ok 0:ok,1:ok,2:ok
in_case 0
stepping 2
kill -KILL "${agents[2]}"
conclude 'a killed agent'
has "$(lane 0 1)" 'on n2: invalid: host n2 was lost: ' 'the lane of a killed agent'
has "$(lane 0 0)" 'on n1: not measured: host n2 was lost: ' 'the lane of its group'
has "$(lane 0 2)" 'on n3: measured' 'a host that has nothing to do with it'
has "$(lane 1 1)" 'on n2: not measured: host n2 was lost: ' 'its lanes of later cases'
has "$(lane 1 0)" 'on n1: measured' 'who was grouped with it goes on'
never_0 'a killed agent'

# An agent that is stopped does not end, nor does anybody hear of it: it is late.
CROWD_MS=4000 begin 0:ok,1:ok,2:ok 0:ok,1:ok,2:ok
in_case 0
stepping 3
kill -STOP "${agents[3]}"
wait "$hub" || true
kill -CONT "${agents[3]}"
conclude 'a stopped agent'
has "$(lane 0 2)" 'on n3: invalid: host n3 was lost: it did not come to the end of the window within' 'a stopped agent'
has "$(lane 0 2)" "phase 'window' of null.scripted" 'and the phase'
has "$(lane 0 0)" 'on n1: measured' 'the others'
has "$(lane 1 2)" 'on n3: not measured: host n3 was lost' 'it stays lost'
never_0 'a stopped agent'

# A link is cut: nobody hears of the host, nor it of the hub, which both find out.
CROWD_MS=4000 begin 0:ok,1:ok,2:ok 0:ok,1:ok,2:ok
in_case 0
stepping 3
hosts_cut 3
conclude 'a cut link'
hosts_mend 3
has "$(lane 0 2)" 'on n3: invalid: host n3 was lost: ' 'a host whose link is cut'
has "$(lane 0 1)" 'on n2: measured' 'the others'
has "$(lane 1 2)" 'on n3: not measured: host n3 was lost' 'and later'
has "$(cat "$home/agent3.err")" 'crowd: ' 'its agent says why it ended'
never_0 'a cut link'

# The journal of one host has no room.
mkdir -p "$(hosts_home 2)/journals"
nsenter -t "${hosts_pid[2]}" -m mount -t tmpfs -o size=4k,nr_inodes=16 tmpfs "$(hosts_home 2)/journals"
begin 0:ok,1:ok,2:ok 0:ok,1:ok,2:ok
conclude 'a full journal'
has "$(lane 0 1)" 'on n2: invalid: host n2 was lost: write the journal' 'a full journal'
has "$(lane 0 1)" 'No space left on device' 'and why'
has "$(lane 1 0)" 'on n1: measured' 'the others go on'
never_0 'a full journal'
nsenter -t "${hosts_pid[2]}" -m umount "$(hosts_home 2)/journals"

# The hub dies when a case is measured and not stored: agents end, and what they kept restores it.
CROWD_DIE=1 begin 0:ok,1:ok,2:ok 0:ok,1:ok,2:ok
conclude 'a killed hub'
never_0 'a killed hub'
run=$(sed -n 's/^run //p' "$home/out")

# What is left of a journal where the machine went down while it was written: up to the last whole line it is taken, and
# that is said. journal_cut LINE WANT: it ends in the middle of that line; what an import of it says, and leaves behind
journal=$(echo "$(hosts_home 2)"/journals/*.jsonl)
second=$(grep -n '^{"lane"' "$journal" | sed -n '2s/:.*//p')
lanes_of() {
	feedline export "$run" --store "$1" | grep -c '^{"lane"' || true
}
journal_cut() {
	local at

	for at in "$store"*; do cp "$at" "$home/cut.db${at#"$store"}"; done
	at=$(($(head -n "$(($1 - 1))" "$journal" | wc -c) + $(sed -n "$1p" "$journal" | wc -c) / 2))
	head -c "$at" "$journal" >"$home/cut.jsonl"
	rc=0
	feedline import --store "$home/cut.db" "$home/cut.jsonl" 2>"$home/said" || rc=$?
	is 0 "$rc" "status of a journal that ends in line $1"
	has "$(cat "$home/said")" "feedline: journal of host n2 for run $run: $2" "a journal that ends in line $1"
	has "$(cat "$home/said")" '; its last line was cut short' "a journal that ends in line $1"
}
before=$(lanes_of "$store")
journal_cut "$second" '0 lanes added, 1 already there'
is "$before" "$(lanes_of "$home/cut.db")" 'lanes of a journal that ends in a lane'
journal_cut "$((second + 3))" '1 lane added, 1 already there'
is "$((before + 1))" "$(lanes_of "$home/cut.db")" 'lanes of a journal that ends in what was watched'
feedline import --store "$home/cut.db" "$journal" 2>"$home/said" || true
has "$(cat "$home/said")" ': 0 lanes added, 2 already there; ' 'the whole of it after that'
feedline export "$run" --store "$home/cut.db" >"$home/exported"
is "$(sed -n "$second,\$p" "$journal" | grep -c '^{"watched"')" \
	"$(grep '^{"watched".*"case":1' "$home/exported" | grep -c '"subject":"n2/')" 'what was watched, after that'
# a line that is broken with others after it is damage: nothing of the file is taken
sed "${second}s/.\{40\}$//" "$journal" >"$home/holed.jsonl"
rc=0
feedline import --store "$store" "$home/holed.jsonl" 2>"$home/said" || rc=$?
is '2 1' "$rc $(wc -l <"$home/said")" 'status of a journal with a hole, and its lines'
has "$(cat "$home/said")" "$home/holed.jsonl:$second" 'a journal with a hole: where'
has "$(cat "$home/said")" 'nothing was imported' 'a journal with a hole'
is "$before" "$(lanes_of "$store")" 'lanes after a journal with a hole'

for k in 1 2 3; do
	journal=$(echo "$(hosts_home "$k")"/journals/*.jsonl)
	feedline import --store "$store" "$journal" 2>"$home/said" || true
	has "$(cat "$home/said")" "journal of host n$k for run " "what the journal of n$k gives"
	has "$(cat "$home/said")" ': 1 lane added' "what the journal of n$k gives"
done
is 6 "$(feedline export "$run" --store "$store" | grep -c '^{"lane"')" 'lanes after the import of all journals'

# A window that is longer than an agent waits for a word: the hub says that it is alive.
export CROWD_PATIENCE_MS=7000
CROWD_MS=9000 begin 0-1:ok,2:ok
conclude 'a long window'
for k in 0 1 2; do has "$(lane 0 $k)" "measured" "lane $k of a long window"; done
is '' "$(cat "$home"/agent?.err)" 'what agents say of a long window'

# The hub is stopped: its connections stand, and nobody tells the agents anything. They do not wait for it at full load.
CROWD_MS=2000 begin 0:ok,1:ok,2:ok
in_case 0
stepping 1
kill -STOP "$hub"
for k in 1 2 3; do
	wait "${agents[k]}" || true
	has "$(cat "$home/agent$k.err")" 'crowd: the hub has said nothing for 7 s' "agent $k of a stopped hub"
done
is 0 "$(workers)" 'workers left while the hub is stopped'
kill -CONT "$hub"
conclude 'a stopped hub'
has "$(lane 0 0)" 'on n1: invalid: host n1 was lost' 'a lane of a stopped hub'
never_0 'a stopped hub'
unset CROWD_PATIENCE_MS

# All hosts are lost.
CROWD_MS=4000 begin 0:ok,1:ok,2:ok 0:ok,1:ok,2:ok
in_case 0
stepping 1
kill -KILL "${agents[1]}" "${agents[2]}" "${agents[3]}"
conclude 'all agents killed'
is 3 "$rc" 'status when nobody is left'
has "$(cat "$home/err")" 'no host is left' 'and why'
has "$(lane 0 0)" 'on n1: invalid: host n1 was lost' 'what was under way is recorded'

# A host where nothing could be kept takes no part.
rc=0
env -u HOME -u XDG_STATE_HOME "$prefix/feedline" agent <"$home/lines/0.line" 2>"$home/said" || rc=$?
is 2 "$rc" 'status of an agent without a place for its journal'
has "$(cat "$home/said")" 'set XDG_STATE_HOME' 'and what to do'

finish
