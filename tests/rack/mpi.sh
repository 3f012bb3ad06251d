#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mpi.sh BUILD_DIR: feedline under mpirun over two and eight hosts: one run, one verdict, one status, which mpirun passes on;
# ranks that share a host or are bound are refused with the command to type; SIGTERM keeps what there is; a host that dies
# ends the run, with what it had; nothing is left running.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
source "$(dirname "${BASH_SOURCE[0]}")/launched.bash"
feedline=$prefix/feedline

command -v mpirun >/dev/null || {
	echo 'skip: no mpirun here'
	exit 77
}
[ -e "$prefix/libexec/feedline/feedline-mpi" ] || {
	echo 'skip: built without Open MPI'
	exit 77
}
hosts_make 8
rsh=$(hosts_rsh)
export TMPDIR=$home

# mpi HOSTS OPTION...: the words of an mpirun that reaches them, into $mpi.
mpi() {
	mpi=(mpirun --allow-run-as-root --mca plm_rsh_agent "$rsh" --mca oob_tcp_if_include 10.77.0.0/24
		--mca btl_tcp_if_include 10.77.0.0/24 --host "$@")
}

mpi n1,n2,n3,n4,n5,n6,n7,n8 --map-by ppr:1:node --bind-to none
launched 1 "${mpi[@]}" "$feedline" run --suite "$suite" --store "$store" --json
lanes_are 8 eight
none_left 8 eight
is 1 "$(feedline runs --store "$store" --json | jq '.runs | length')" 'runs of eight ranks'
many=$(keys)

mpi n1,n2 --map-by ppr:1:node --bind-to none
launched 1 "${mpi[@]}" "$feedline" run --suite "$suite" --store "$store" --json
lanes_are 2 two
is "$many" "$(keys)" 'keys of two hosts and of eight'
launched 1 "$feedline" run --launcher local --suite "$suite" --store "$store" --json
lanes_are 1 local
is "$many" "$(keys)" 'keys of one host and of eight'

# what mpirun is told wrong
mpi n1:2,n2:2 --map-by ppr:2:node --bind-to none
launched 1 "${mpi[@]}" "$feedline" run --suite "$suite" --store "$store"
is 2 "$rc" 'status of two ranks on a host'
has "$(cat "$home/err")" 'mpirun has started 2 ranks on one host: feedline wants one on each; mpirun --map-by ppr:1:node --bind-to none feedline' \
	'two ranks on a host'
if [ "$(nproc)" -gt 1 ]; then
	mpi n1,n2 --map-by ppr:1:node --bind-to core
	launched 1 "${mpi[@]}" "$feedline" run --suite "$suite" --store "$store"
	is 2 "$rc" 'status of bound ranks'
	has "$(cat "$home/err")" 'it could not measure this machine; mpirun --map-by ppr:1:node --bind-to none feedline' 'bound ranks'
fi
mpi n1,n2 --map-by ppr:1:node --bind-to none
launched 1 "${mpi[@]}" "$feedline" run --suite "$home/no-such-suite.yaml" --store "$store"
is 2 "$rc" 'status of a suite that is not there'
launched 1 "${mpi[@]}" "$feedline" run --hosts n1,n2 --suite "$suite" --store "$store"
is 2 "$rc" 'status of --hosts under mpirun'
none_left 2 'what is told wrong'

# mpirun is told to end: what there is, is kept, and goes on under mpirun
on_behind 1 "${mpi[@]}" "$feedline" run --suite "$long" --store "$home/long.db" >"$home/out" 2>"$home/err"
wait_for_lanes "$home/long.db"
kill -TERM "$behind"
rc=0
wait "$behind" || rc=$?
is true "$([ "$rc" != 0 ] && echo true)" 'status of an interrupted run is not 0'
none_left 2 'an interrupted run'
is '[1,"interrupted"]' "$(feedline runs --store "$home/long.db" --json | jq -c '[(.runs | length), .runs[0].state]')" 'an interrupted run'
launched 1 "${mpi[@]}" "$feedline" run --resume last --store "$home/long.db" --json
is 0 "$(undisturbed "$rc" "$home/out")" "status of going on ($(grep -m 1 ^feedline: "$home/err" || tail -n 1 "$home/err"))"
is '15 15' "$(jq -r '[.lanes[].rounds] | join(" ")' "$home/out")" 'rounds of a run that went on'

# a host dies: mpirun ends all, the run keeps what it had
mpi n1,n3 --map-by ppr:1:node --bind-to none
on_behind 1 "${mpi[@]}" "$feedline" run --suite "$long" --store "$home/dead.db" --json >"$home/out" 2>"$home/err"
wait_for_lanes "$home/dead.db"
hosts_kill 3
rc=0
wait "$behind" || rc=$?
is true "$([ "$rc" != 0 ] && echo true)" 'status of a run that lost a host is not 0'
has "$(cat "$home/err")" 'interrupted; host n3 ' 'which host a run has lost'
has "$(cat "$home/err")" 'go on by mpirun, as before, with: feedline run --resume' 'how a run that lost a host goes on'
none_left 1 'a run that lost a host'
is true "$(feedline report last --format json --store "$home/dead.db" | jq '[.lanes[].rounds] | add > 2')" 'lanes of a run that lost a host'

finish
