#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mishaps.sh BUILD_DIR: what befalls those who measure over hosts by ssh: disks that are full or cannot be written, Ctrl-C
# at the wrong moment or in the wrong place, an sshd that is restarted, names that mean nothing. Each is one line with the
# cause and what to do, nothing is lost, and nothing is left running.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
source "$(dirname "${BASH_SOURCE[0]}")/sshd.bash"
source "$(dirname "${BASH_SOURCE[0]}")/launched.bash"
feedline=$prefix/feedline

mkdir -p "$home/small" "$home/hosts/n2/state"
mount -t tmpfs -o size=16m small "$home/small" # on all hosts, which are made after it
mount -t tmpfs -o size=1m state "$home/hosts/n2/state"
hosts_make 2
sshd_make 1 2

# begin STORE: the long suite on n1 and n2, until something is measured
begin() {
	on_behind 1 "$feedline" run --hosts n1,n2 --suite "$long" --store "$1" --json >"$home/out" 2>"$home/err" </dev/null
	wait_for_lanes "$1"
}
conclude() {
	rc=0
	wait "$behind" || rc=$?
	none_left 2 "$1"
}
one_line() {
	is 1 "$(wc -l <"$home/err")" "lines of the message of $1 ($(cat "$home/err"))"
}
rounds_of() {
	jq -r --arg n "$1" '[.lanes[] | select(.placement.host == $n) | .rounds] | join(" ")' "$home/out"
}

# lists and files of hosts that are none
printf '# n1\n\n' >"$home/nobody"
mkdir "$home/directory"
while IFS='|' read -r hosts what; do
	launched 1 "$feedline" run --hosts "${hosts/HOME/$home}" --suite "$suite" --store "$store"
	is 2 "$rc" "status of --hosts $hosts"
	has "$(cat "$home/err")" "${what/HOME/$home}" "message of --hosts $hosts"
	one_line "--hosts $hosts"
done <<'EOT'
n1,,n2|a name of a host is missing; n1,n2, n[1-8], or a file with a name a line
me@n1|'me@n1' is not the name of a host; n1,n2, n[1-8], or a file with a name a line; who logs in, and at which port
HOME/nobody|/nobody' names no host; a line is the name of a host, or of several, and rack=NAME
HOME/directory|/directory': Is a directory
EOT

# Ctrl-C before all hosts have come: that of n2 does not, whose sshd is stopped
# shellcheck disable=SC2046 # a list of numbers
kill -STOP $(processes_on 2 sshd)
on_behind 1 "$feedline" run --hosts n1,n2 --suite "$long" --store "$store" >"$home/out" 2>"$home/err" </dev/null
while [ -z "$(processes_on 1 'feedline agent')" ]; do sleep 0.05; done
kill -INT "$behind"
# shellcheck disable=SC2046 # a list of numbers
kill -CONT $(processes_on 2 sshd)
conclude 'Ctrl-C at once'
is '3 feedline: interrupted' "$rc $(cat "$home/err")" 'Ctrl-C at once'

# Ctrl-C at one of the agents: that host is lost, the other goes on
begin "$home/agent.db"
# shellcheck disable=SC2046 # a list of numbers
kill -INT $(processes_on 2 'feedline agent')
conclude 'Ctrl-C at an agent'
lost_a_host ' (Ctrl-C at an agent)'
is 15 "$(rounds_of n1)" 'rounds of the host that goes on'
has "$(jq -r '.lanes[] | select(.placement.host == "n2") | .reason' "$home/out")" 'host n2 was lost: interrupted' 'Ctrl-C at an agent'

# sshd is restarted, and takes its sessions along: the run does not need them any more
begin "$home/sshd.db"
# shellcheck disable=SC2046 # a list of numbers
kill -KILL $(processes_on 2 sshd:)
on 2 "$(command -v sshd)" -f "$ssh_dir/sshd2"
conclude 'an sshd that is restarted'
is 0 "$(undisturbed "$rc" "$home/out")" "status with an sshd that is restarted ($(tail -n 1 "$home/err"))"
is '15 15' "$(rounds_of n1) $(rounds_of n2)" 'rounds with an sshd that is restarted'

# The disk of the store is full: what was measured is with the hosts, and goes on from there
begin "$home/small/store.db"
dd if=/dev/zero of="$home/small/fill" bs=4k 2>"$home/said" || true
conclude 'a full store'
rm "$home/small/fill"
is 3 "$rc" 'status of a full store'
one_line 'a full store'
has "$(cat "$home/err")" 'the disk is full' 'a full store'
has "$(cat "$home/err")" "what is not stored yet the hosts keep in feedline/journal of their state directories" 'a full store: what is kept'
id=$(feedline runs --store "$home/small/store.db" --json | jq -r '.runs[-1].id')
has "$(cat "$home/err")" "go on with: feedline run --resume $id --store $home/small/store.db --hosts n1,n2" 'a full store: how to go on'
for k in 1 2; do
	on "$k" "$feedline" import "$(hosts_home "$k")/state/feedline/journal/$id-n$k.jsonl" --store "$home/small/store.db" 2>"$home/said" || true
	has "$(cat "$home/said")" "journal of host n$k for run $id: 1 lane added" "what n$k kept"
done
launched 1 "$feedline" run --resume "$id" --store "$home/small/store.db" --hosts n1,n2 --json
is 0 "$(undisturbed "$rc" "$home/out")" "status of going on after a full store ($(tail -n 1 "$home/err"))"
is '15 15' "$(rounds_of n1) $(rounds_of n2)" 'rounds after a full store'

# A host that cannot keep anything is lost by name, with what to do
# lost_with WHAT HINT: by the JSON in $home/out
lost_with() {
	lost_a_host " ($1)"
	has "$(jq -r '.lanes[] | select(.placement.host == "n2") | .reason' "$home/out")" 'host n2 was lost: ' "$1"
	has "$(jq -r '.lanes[] | select(.placement.host == "n2") | .reason' "$home/out")" "$1" 'why'
	has "$(jq -r '.lanes[] | select(.placement.host == "n2") | .hint' "$home/out")" "$2" "$1: what to do"
	none_left 2 "$1"
}
state=$(hosts_home 2)/state
dd if=/dev/zero of="$state/fill" bs=4k 2>"$home/said" || true
launched 1 "$feedline" run --hosts n1,n2 --suite "$suite" --store "$store" --json
lost_with 'No space left on device' 'make room'
rm "$state/fill"
nsenter -t "${hosts_pid[2]}" -m mount -o remount,ro "$state"
launched 1 "$feedline" run --hosts n1,n2 --suite "$suite" --store "$store" --json
lost_with 'Read-only file system' 'let XDG_STATE_HOME name a directory that can be written'

finish
