#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ssh.sh BUILD_DIR: runs over hosts that ssh reaches: eight of them make one run; hosts that cannot be reached, have another
# feedline or another secret, die, or are cut off, are named, the rest is kept, and nothing is left running.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
source "$(dirname "${BASH_SOURCE[0]}")/sshd.bash"
source "$(dirname "${BASH_SOURCE[0]}")/launched.bash"
feedline=$prefix/feedline

hosts_make 9
sshd_make 1 2 3 4 5 6 7 8 # none on n9

# eight hosts, one of them our own: one run, one verdict, one status
launched 1 "$feedline" run --hosts 'n[1-8]' --suite "$suite" --store "$store" --json
lanes_are 8 eight
none_left 8 eight
many=$(keys)
is 1 "$(feedline runs --store "$store" --json | jq '.runs | length')" 'runs of eight hosts'

# one host, without ssh: the same keys
launched 1 "$feedline" run --launcher local --suite "$suite" --store "$store" --json
lanes_are 1 local
is "$many" "$(keys)" 'keys of one host and of eight'
none_left 1 local

# from elsewhere, names from a file, by name of the benchmark
printf '# two\nn2 rack=r1\nn3 rack=r2\n' >"$home/hosts.txt"
rc=0
feedline bench null.nop --duration 100ms --hosts "$home/hosts.txt" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
is 0 "$(undisturbed "$rc" "$home/out")" "status from elsewhere ($(tail -n 1 "$home/err"))"
is 'n2 n3' "$(jq -r '[.lanes[].placement.host] | sort | join(" ")' "$home/out")" 'hosts of a file'

# only what would run
launched 1 "$feedline" run --hosts n1,n2 --suite "$suite" --dry-run --json
is 0 "$rc" 'status of a dry run'
has "$(cat "$home/out")" '"n2"' 'a dry run'
none_left 2 'a dry run'

# what is typed wrong: status 2, before anything is started
while IFS='|' read -r arguments what; do
	# shellcheck disable=SC2086 # words
	launched 1 "$feedline" run $arguments --suite "$suite" --store "$store"
	is 2 "$rc" "status of $arguments"
	has "$(cat "$home/err")" "$what" "message of $arguments"
	is 1 "$(wc -l <"$home/err")" "lines of the message of $arguments"
done <<'EOT'
--hosts n1,n1|host 'n1' is named twice; there is one agent on a host
--hosts n1,-oProxyCommand=touch|'-oProxyCommand=touch' is not the name of a host
--hosts n[2-1]|between '[' and ']' are numbers
--hosts ./nowhere|nowhere
--launcher sssh --hosts n1|no launcher is called 'sssh'; did you mean 'ssh'?
--launcher ssh|launcher 'ssh': which hosts?
--launcher mpirun|launcher 'mpirun': no mpirun of Open MPI has started this feedline; mpirun --map-by ppr:1:node --bind-to none
--launcher slurm|launcher 'slurm': this is no allocation of Slurm's
--launcher env|launcher 'env': no FEEDLINE_SIZE in the environment
--launcher local --hosts n1|--hosts does not go with the launcher 'local'
--hosts n1,n2 --hub-interface eth7|--hub-interface 'eth7': this host has no such interface with an address
--hub-interface eth0|--hub-interface is about other hosts, and this machine is measured alone
EOT

# hosts that cannot take part: named, with the reason; status 3
while IFS='|' read -r arguments what; do
	# shellcheck disable=SC2086 # words
	launched 1 "$feedline" run $arguments --suite "$suite" --store "$store"
	is 3 "$rc" "status of $arguments"
	has "$(cat "$home/err")" "$what" "message of $arguments"
	none_left 9 "$arguments"
done <<'EOT'
--hosts n1,n9|host n9: ssh: connect to host n9 port 22: Connection refused
--hosts n2,nowhere|host nowhere: ssh: Could not resolve hostname nowhere
--hosts n1,n2 --remote-program /no/feedline|host n2: bash: line 1: /no/feedline: No such file or directory; feedline must be there
EOT
mv "$ssh_dir/authorized_keys" "$ssh_dir/nobody"
launched 1 "$feedline" run --hosts n1,n2 --suite "$suite" --store "$store"
mv "$ssh_dir/nobody" "$ssh_dir/authorized_keys"
has "$(cat "$home/err")" 'host n2: root@n2: Permission denied' 'no key'
is 3 "$rc" 'status without a key'

# a program in the place of feedline on n2: behind another secret, of another version
cat >"$home/other-secret" <<EOF2
#!/bin/sh
sed 's/"secret":"...../"secret":"00000/' | exec $feedline "\$@"
EOF2
sed "s/$(feedline --version | cut -d ' ' -f 2)/9.9.9/g" "$feedline" >"$prefix/feedline-9.9.9" # of the same length
chmod +x "$home/other-secret" "$prefix/feedline-9.9.9"
launched 1 "$feedline" run --hosts n1,n2 --remote-program "$home/other-secret" --suite "$suite" --store "$store"
is 3 "$rc" 'status of another secret'
has "$(cat "$home/err")" 'secret' 'another secret'
has "$(cat "$home/err")" 'n2' 'another secret, whose'
none_left 2 'another secret'
launched 1 "$feedline" run --hosts n1,n2 --remote-program "$prefix/feedline-9.9.9" --suite "$suite" --store "$store"
is 2 "$rc" "status of another version ($(tail -n 1 "$home/err"))"
has "$(cat "$home/err")" '9.9.9' 'another version'
none_left 2 'another version'
rm "$prefix/feedline-9.9.9"

# an interface that the others do not reach
on 1 ip link add far type bridge
on 1 ip addr add 10.99.0.1/24 dev far
on 1 ip link set far up
launched 1 "$feedline" run --hosts n1,n2 --hub-interface far --suite "$suite" --store "$store"
is 3 "$rc" 'status of an interface that nobody reaches'
has "$(cat "$home/err")" 'host n2: the hub was not reached at port' 'an interface that nobody reaches'
has "$(cat "$home/err")" '10.99.0.1: Network is unreachable' 'an interface that nobody reaches: why'
none_left 2 'an interface that nobody reaches'

# one machine by two names, in either order
for hosts in n1,10.77.0.1 10.77.0.2,n1,n2; do
	launched 1 "$feedline" run --hosts "$hosts" --suite "$suite" --store "$store"
	is 2 "$rc" "status of $hosts"
	has "$(cat "$home/err")" 'are one machine; there is one agent on a host; name each once' "$hosts"
	has "$(cat "$home/err")" '10.77.0' "$hosts: which"
	none_left 2 "$hosts"
done

# somebody else measures on n2
on_behind 2 "$feedline" bench null.nop --duration 20s --store "$home/n2.db" >/dev/null 2>&1
sleep 1
launched 1 "$feedline" run --hosts n1,n2 --suite "$suite" --store "$store"
is 3 "$rc" 'status beside another run'
has "$(cat "$home/err")" 'another run is measuring' 'beside another run'
has "$(cat "$home/err")" 'wait for it to end, or stop it' 'beside another run: what to do'
has "$(cat "$home/err")" 'n2' 'beside another run: where'
kill "$behind"
wait "$behind" || true
none_left 2 'beside another run'

# interrupted, it keeps what it has, and goes on over the same hosts
on_behind 1 "$feedline" run --hosts n1,n2 --suite "$long" --store "$home/long.db" >"$home/out" 2>"$home/err"
wait_for_lanes "$home/long.db"
kill -TERM "$behind"
rc=0
wait "$behind" || rc=$?
is 3 "$rc" 'status of an interrupted run'
has "$(cat "$home/err")" 'go on with: feedline run --resume' 'how an interrupted run goes on'
has "$(cat "$home/err")" '--hosts n1,n2' 'where an interrupted run goes on'
none_left 2 'an interrupted run'
id=$(feedline runs --store "$home/long.db" --json | jq -r '.runs[-1].id')
launched 1 "$feedline" run --resume "$id" --store "$home/long.db"
is 2 "$rc" 'status of going on without hosts'
has "$(cat "$home/err")" "run '$id' was on 2 hosts: n1,n2; go on with: feedline run --resume $id --store $home/long.db --hosts n1,n2" 'going on without hosts'
launched 1 "$feedline" run --resume "$id" --hosts n1,n3 --store "$home/long.db"
is 2 "$rc" 'status of going on over other hosts'
has "$(cat "$home/err")" 'was on 2 hosts: n1,n2' 'going on over other hosts'
# sql STATEMENT: on a copy of that run
sql() {
	/usr/bin/python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as store:
    for row in store.execute(sys.argv[2]): print(*row)' "$home/moved.db" "$1"
}
cp "$home/long.db" "$home/moved.db"
is 'eth0 eth0' "$(sql "SELECT json_extract(environment, '\$.interface') FROM host ORDER BY name" | xargs)" 'interfaces in the record'
far="UPDATE host SET environment = json_set(environment, '\$.interface', 'far') WHERE name = 'n2'"
sql "$far"
launched 1 "$feedline" run --resume "$id" --hosts n1,n2 --store "$home/moved.db" --json
is 0 "$(undisturbed "$rc" "$home/out")" "status of going on over another interface that nothing uses ($(tail -n 1 "$home/err"))"
launched 1 "$feedline" run --resume "$id" --hosts n2,n1 --store "$home/long.db" --json
is 0 "$(undisturbed "$rc" "$home/out")" "status of going on ($(tail -n 1 "$home/err"))"
is '15 15' "$(jq -r '[.lanes[].rounds] | join(" ")' "$home/out")" 'rounds of a run that went on'
# between the hosts another interface is another measurement
printf -- '- {bench: tcp.latency, across: pairs, repeat: 15, with: {duration: 200ms}}\n' >"$home/between.yaml"
rm "$home/moved.db"
on_behind 1 "$feedline" run --hosts n1,n2 --suite "$home/between.yaml" --store "$home/moved.db" >"$home/out" 2>"$home/err"
wait_for_lanes "$home/moved.db"
kill -TERM "$behind"
wait "$behind" || true
none_left 2 'an interrupted run between hosts'
id=$(feedline runs --store "$home/moved.db" --json | jq -r '.runs[-1].id')
sql "$far"
launched 1 "$feedline" run --resume "$id" --hosts n1,n2 --store "$home/moved.db"
is 2 "$rc" 'status of going on over another interface'
has "$(cat "$home/err")" "host n2: this machine is not as run '$id' left it: interface was 'far', is 'eth0'" 'another interface'
has "$(cat "$home/err")" 'choose the network of before with --hub-interface' 'what to do about another interface'

# a host dies; the link of another is cut. They are named, what is left goes on
lost() {
	on_behind 1 "$feedline" run --hosts "n1,n2,n$2" --suite "$long" --store "$home/$1.db" --json >"$home/out" 2>"$home/err"
	wait_for_lanes "$home/$1.db"
	"hosts_$1" "$2"
	rc=0
	wait "$behind" || rc=$?
	lost_a_host " ($1)"
	is '15 15' "$(jq -r --arg n "n$2" '[.lanes[] | select(.placement.host != $n) | .rounds] | join(" ")' "$home/out")" \
		"rounds on the hosts that were left ($1)"
	has "$(jq -r --arg n "n$2" '.lanes[] | select(.placement.host == $n) | .reason' "$home/out")" "n$2 was lost" "which host ($1)"
	none_left 2 "a run that lost a host ($1)"
}
lost kill 3
lost cut 4
none_left 4 'a host that was cut off'

# the hub dies: no agent is left
on_behind 1 "$feedline" run --hosts n1,n2 --suite "$long" --store "$home/dead.db" >/dev/null 2>&1
wait_for_lanes "$home/dead.db"
hub=$(processes_on 1 "$feedline run" | head -n 1)
kill -KILL "$hub"
wait "$behind" || true
none_left 2 'a hub that died'

finish
