#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# slurm.sh BUILD_DIR: feedline in an allocation of Slurm's over two hosts, and under srun itself: one run, one verdict, one
# status; what srun is told wrong is refused with what to type; an agent that dies is named; nothing is left running.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
source "$(dirname "${BASH_SOURCE[0]}")/slurm.bash"
source "$(dirname "${BASH_SOURCE[0]}")/launched.bash"
feedline=$prefix/feedline

hosts_make 2
slurm_make 2
allocation=(salloc --quiet --nodes=2 --exclusive)
step=(srun --quiet --nodes=2 --exclusive --cpu-bind=none)

# in an allocation
launched 1 "${allocation[@]}" "$feedline" run --suite "$suite" --store "$store" --json
lanes_are 2 salloc
none_left 2 salloc
many=$(keys)
launched 1 "$feedline" run --launcher local --suite "$suite" --store "$store" --json
lanes_are 1 local
is "$many" "$(keys)" 'keys of one host and of two'

# an allocation of one node is one machine
launched 1 salloc --quiet --nodes=1 --exclusive "$feedline" bench null.nop --duration 50ms --store "$store" --json
is 1 "$(jq '.lanes | length' "$home/out")" 'lanes on one node'
is null "$(jq -r '.lanes[0].placement.host' "$home/out")" 'host of one machine'

if [ "$(nproc)" -gt 1 ]; then
	launched 1 salloc --quiet --nodes=2 "$feedline" run --suite "$suite" --store "$store"
	is 3 "$rc" 'status of an allocation of single CPUs'
	has "$(cat "$home/err")" 'it could not measure this machine; salloc --exclusive feedline' 'an allocation of single CPUs'
	none_left 2 'an allocation of single CPUs'
fi

# under srun
launched 1 "${step[@]}" "$feedline" run --suite "$suite" --store "$store"
is 2 "$rc" 'status without a secret'
has "$(cat "$home/err")" 'no FEEDLINE_SECRET, by which agents of one run know each other; set it before: export FEEDLINE_SECRET=$(' \
	'without a secret'
FEEDLINE_SECRET=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
export FEEDLINE_SECRET
launched 1 "${step[@]}" "$feedline" run --suite "$suite" --store "$store" --json
lanes_are 2 srun
is "$many" "$(keys)" 'keys in an allocation and under srun'
none_left 2 srun
launched 1 srun --quiet --nodes=1 --ntasks=2 --exclusive "$feedline" run --suite "$suite" --store "$store"
is 2 "$rc" 'status of two tasks on a node'
has "$(cat "$home/err")" '2 tasks on 1 nodes: feedline wants one on each; srun --nodes=N --exclusive --cpu-bind=none feedline' \
	'two tasks on a node'
FEEDLINE_SECRET=short launched 1 "${step[@]}" "$feedline" run --suite "$suite" --store "$store"
is 2 "$rc" 'status of what is no secret'
is 0 "$(grep -c short "$home/err")" 'what is no secret is not shown'
none_left 2 'what srun is told wrong'
unset FEEDLINE_SECRET

# the hub is told to end: what there is, is kept
on_behind 1 "${allocation[@]}" "$feedline" run --suite "$long" --store "$home/long.db" >"$home/out" 2>"$home/err"
wait_for_lanes "$home/long.db"
pkill -TERM -f "^$feedline run"
rc=0
wait "$behind" || rc=$?
is 3 "$rc" 'status of an interrupted run'
has "$(cat "$home/err")" 'interrupted; run' 'an interrupted run'
is interrupted "$(feedline runs --store "$home/long.db" --json | jq -r '.runs[0].state')" 'an interrupted run'
none_left 2 'an interrupted run'

# an agent dies, and with its host: the rest is kept
on_behind 1 "${allocation[@]}" "$feedline" run --suite "$long" --store "$home/dead.db" --json >"$home/out" 2>"$home/err"
wait_for_lanes "$home/dead.db"
hosts_kill 2
rc=0
wait "$behind" || rc=$?
lost_a_host ''
has "$(jq -r '.lanes[] | select(.placement.host == "n2") | .reason' "$home/out")" 'n2 was lost' 'which host was lost'
is 15 "$(jq -r '.lanes[] | select(.placement.host == "n1") | .rounds' "$home/out")" 'rounds on the host that was left'
none_left 1 'a run that lost a host'

finish
