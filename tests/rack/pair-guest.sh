#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pair-guest.sh BUILD_DIR [CHECK...]: what must hold on two machines with a cable between them; run on n1 of the pair by
# pair.sh. A check is a function with its name in `checks`; it fails by a call of `wrong WHY`, and leaves the cable mended. While
# working on some: scripts/vrack --pair -t 300 -- bash tests/rack/pair-guest.sh BUILD_DIR CHECK... Times measured here mean
# nothing: the processors are emulated. That makes each start of a feedline over both machines cost ten seconds: one suite is
# better than many runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
source "$(dirname "${BASH_SOURCE[0]}")/undisturbed.bash"

checks=(machines_are_two rdma_is_there cable_can_be_cut suite_by_ssh suite_by_mpirun storage_of_the_other_machine
	rdma_of_every_kind rdma_of_one_machine rdma_over_a_cut_cable rdma_of_a_port_that_is_down rdma_that_does_not_match
	rdma_without_locked_memory rdma_to_a_lane_that_is_gone)
build=${1:?usage: pair-guest.sh BUILD_DIR [CHECK...]}
[ $# -lt 2 ] || checks=("${@:2}")
feedline=$build/feedline
dir=$(mktemp -d)
export TMPDIR=$dir # for mpirun

# ---- two machines

# on_n2 WORD...: a command on the other machine, which is not reached over the cable that is cut.
ssh -fNM -S "$dir/n2" n2 </dev/null >/dev/null 2>&1
on_n2() {
	ssh -n -S "$dir/n2" n2 "$(printf '%q ' "$@")"
}

# on_both COMMAND WORD...: at once. n2 has a `dir` of its own and `feedline`, and of our functions only that one.
on_both() {
	local other
	on_n2 bash -c "set -euo pipefail; dir=/run; feedline=$feedline"$'\n'"$(declare -f "$1" || :)"$'\n'"$(printf '%q ' "$@")" &
	other=$!
	"$@" && wait "$other"
}

# link_cut: packets are lost both ways, and nobody is told. link_mend: no more.
link_cut() {
	on_both lose_all
}

lose_all() {
	modprobe sch_netem
	tc qdisc add dev eth0 root netem loss 100%
}

link_mend() {
	on_both tc qdisc del dev eth0 root
}

# port_down, port_up: those of n2 know that its end of the cable is out. Those of n1 hear nothing.
port_down() {
	on_n2 ip link set eth0 down
}

port_up() {
	on_n2 ip link set eth0 up
}

# ---- feedline

# across WORD...: feedline on both machines, `run` or `bench`. What it says to its agents, and TCP that is measured, goes over
# $hub; its own process, and the agent of n1, are started by `under`. Sets rc, $dir/out, $dir/err.
hub=eth1 # which stays where eth0 is cut
under=()
across() {
	rc=0
	timeout -s KILL 200 "${under[@]}" "$feedline" "$@" --hosts n1,n2 --hub-interface "$hub" --store "$dir/store.db" --json \
		>"$dir/out" 2>"$dir/err" </dev/null || rc=$?
}

# behind WORD...: `across` in the background. ended: waits for it; from there on all is as behind `across`.
behind() {
	{
		across "$@"
		echo "$rc" >"$dir/rc"
	} &
	behind=$!
}

ended() {
	wait "$behind"
	rc=$(<"$dir/rc")
}

# wait_for_bytes N: until so many have left n1 over eth0, a minute at most.
wait_for_bytes() {
	local sent=/sys/class/net/eth0/statistics/tx_bytes until
	until=$(($(<$sent) + $1))
	for _ in $(seq 300); do
		[ "$(<$sent)" -lt "$until" ] || return 0
		sleep 0.2
	done
	wrong "$1 bytes did not leave n1 ($(tail -n 1 "$dir/err"))"
}

# none_left WHAT: nothing of feedline runs on either machine any more, 10 s later at most.
none_left() {
	on_both no_process "^$build/" || wrong "left of $1: $(pgrep -af "^$build/") $(on_n2 pgrep -af "^$build/")"
}

no_process() {
	for _ in $(seq 50); do
		pgrep -f "$1" >/dev/null || return 0
		sleep 0.2
	done
	return 1
}

# ended_with 'STATUS...' WHAT: the last run, with one of these.
ended_with() {
	[[ -n $rc && " $1 " == *" $rc "* ]] || wrong "status of $2 is '$rc', not one of '$1' ($(tail -n 1 "$dir/err"))"
}

# failed HOST WORDS WHAT: the last run was not measured, or something else was that is not to be trusted; a lane says these
# words, of that host; and nothing is left.
failed() {
	ended_with '3 4' "$3"
	has "$(jq -r --arg host "$1" '.lanes[] | select(.host == $host) | .reason // ""' "$dir/out")" "$2" "why $3, of $1"
	none_left "$3"
}

# lanes FILTER: what the last run says, one compact line.
lanes() {
	jq -c "$1" "$dir/out" 2>/dev/null || cat "$dir/err"
}

# measured WHAT: the last run is one verdict, of lanes that were measured, with right data. An emulated machine is distrusted
# with good reason.
measured() {
	ended_with '0 4' "$1"
	is '"unjudged"' "$(lanes .verdict)" "verdict of $1"
	is '[]' "$(lanes '[.lanes[] | select(.is_measurement != false) | select(.verdict != "unjudged" or .data_verified != true or .placement.verified != true) |
		[.case, .host, .verdict, .data_verified, .placement.verified, .reason]]')" "lanes of $1 that are not as they should be"
}

# ---- checks. What the kernels say, without feedline: if these fail, the rack is wrong and not the suite.

describe() {
	hostname
	cat /sys/devices/system/node/node0/distance
	local n
	for n in 0 1; do
		cat "$(dirname "$(grep -l "VRACK$n" /sys/class/nvme/*/serial)")/device/numa_node"
	done
	[ -e /dev/shm ] && [ -e /sys/fs/cgroup/cgroup.controllers ] && getent hosts n1 n2 | awk '{ print $1, $2 }'
}

machines_are_two() {
	local rest=$'10 21\n0\n1\n10.78.0.1 n1\n10.78.0.2 n2' file
	is "n1"$'\n'"$rest" "$(describe)" 'n1'
	is "n2"$'\n'"$rest" "$(on_n2 bash -c "$(declare -f describe); describe")" 'n2'
	[ "$(cat /proc/sys/kernel/random/boot_id)" != "$(on_n2 cat /proc/sys/kernel/random/boot_id)" ] || wrong 'one kernel'
	file=$(on_n2 mktemp)
	[ ! -e "$file" ] || wrong "what n2 writes is there on n1: '$file'"
}

describe_rdma() {
	local port=/sys/class/infiniband/rxe0/ports/1
	rdma link show rxe0/1 | sed 's/ *$//'
	cat $port/gid_attrs/types/1 $port/gids/1
	ibv_devinfo -d rxe0 | awk '$1 == "state:" { print $2 }'
	[ -c /dev/infiniband/uverbs0 ] && [ -c /dev/infiniband/rdma_cm ] && echo devices
}

rdma_is_there() {
	local k want
	for k in 1 2; do
		want=$(printf '%s\n' 'link rxe0/1 state ACTIVE physical_state LINK_UP netdev eth0' 'RoCE v2' \
			"0000:0000:0000:0000:0000:ffff:0a4e:000$k" PORT_ACTIVE devices)
		if [ $k = 1 ]; then
			is "$want" "$(describe_rdma)" 'RDMA of n1'
		else
			is "$want" "$(on_n2 bash -c "$(declare -f describe_rdma); describe_rdma")" 'RDMA of n2'
		fi
	done
}

# reached: does a packet find its way over eth0 and back?
reached() {
	busybox ping -c 1 -W 3 10.78.0.2 >/dev/null && echo yes || echo no
}

cable_can_be_cut() {
	is yes "$(reached)" 'whether n2 is reached'
	link_cut
	is no "$(reached)" 'whether n2 is reached over a cable that was cut'
	is ACTIVE "$(on_n2 rdma link show rxe0/1 | awk '{ print $4 }')" 'state of a port that knows nothing of it'
	link_mend
	port_down
	is DOWN "$(on_n2 rdma link show rxe0/1 | awk '{ print $4 }')" 'state of a port that is down'
	port_up
	is ACTIVE "$(on_n2 rdma link show rxe0/1 | awk '{ print $4 }')" 'state of a port that is up again'
	is yes "$(reached)" 'whether n2 is reached again'
}

# ---- one suite on both

# make_set K: a file system on the first drive, and test data in it, of each machine others.
make_set() {
	local block
	block=/dev/$(basename "$(dirname "$(grep -l VRACK0 /sys/class/nvme/*/serial)")")n1
	modprobe ext4
	mkfs.ext4 -q -F -E nodiscard "$block"
	mkdir -p /srv/rung
	mount "$block" /srv/rung
	"$feedline" data make /srv/rung/set --size 64MiB --seed "$(hostname | tr -d n)" --store "$dir/made.db" >/dev/null
}

# keys FILTER: what makes lanes comparable, of the last run.
keys() {
	lanes "[.lanes[] | select(.bench | $1) | [.bench, .case, .options, .placement.host]] | sort"
}

suite_by_ssh() {
	local hub=eth0
	on_both make_set || wrong 'no data set'
	cat >"$dir/small.yaml" <<-'YAML'
		- {bench: storage.read, with: {path: /srv/rung/set, block: 128KiB, depth: 4, duration: 2s}}
		- {bench: rdma.write, with: {size: 16KiB, depth: 8, duration: 2s}}
	YAML
	cat "$dir/small.yaml" - >"$dir/suite.yaml" <<-'YAML'
		- {bench: rdma.read, with: {size: 16KiB, depth: 8, duration: 2s}}
		- {bench: tcp.stream, with: {block: 64KiB, duration: 2s}}
		- {bench: tcp.latency, with: {duration: 2s}}
		- {bench: ingest, with: {path: /srv/rung/set, step_bytes: 64KiB, block: 32KiB, depth: 4, duration: 2s}}
	YAML
	across run --suite "$dir/suite.yaml"
	measured 'a suite by ssh'
	is "$(for bench in ingest rdma.read rdma.write storage.read tcp.latency tcp.stream; do printf '%s n1 n2\n' $bench; done)" \
		"$(jq -r '.lanes | group_by(.bench)[] | [.[0].bench] + ([.[].host] | sort) | join(" ")' "$dir/out")" 'lanes'
	is '["n1 to n2"]' "$(lanes '[.lanes[].between // empty] | unique')" 'between which hosts'
	is '["eth0"]' "$(lanes '[.lanes[].facts.interface // empty] | unique')" 'interface that was measured'
	is '["10.78.0.1 (1)","10.78.0.2 (1)"]' "$(lanes '[.lanes[].facts.gid // empty] | unique')" 'addresses of RDMA'
	is 1 "$("$feedline" runs --store "$dir/store.db" --json | jq '.runs | length')" 'runs in the store'
	by_ssh=$(keys '. == "storage.read" or . == "rdma.write"')
}

suite_by_mpirun() {
	if [ ! -e "$build/libexec/feedline/feedline-mpi" ]; then
		skip 'built without Open MPI'
		return
	fi
	rc=0
	timeout -s KILL 200 mpirun --allow-run-as-root --mca oob_tcp_if_include 10.79.0.0/24 --host n1,n2 \
		--map-by ppr:1:node --bind-to none "$feedline" run --suite "$dir/small.yaml" --store "$dir/mpi.db" --json \
		>"$dir/out" 2>"$dir/err" </dev/null || rc=$?
	measured 'a suite by mpirun'
	is "$by_ssh" "$(keys true)" 'lanes by mpirun and by ssh'
}

# ---- RDMA of every kind: operation, transport, direction, size, completion and memory

# rows: one `bench OPTIONS` a line, each a rule that measures for a moment
rows() {
	sed -E 's/^(\S+) (.*)$/- {bench: rdma.\1, with: {\2, duration: 1s}}/'
}

rdma_of_every_kind() {
	rows >"$dir/kinds.yaml" <<-'ROWS'
		write size: 1, depth: 8
		write size: 1MiB, depth: 2
		write size: 4KiB, depth: 8, transport: uc
		write size: 4KiB, depth: 8, direction: both
		write size: 4KiB, depth: 8, direction: both, transport: uc
		write size: 64KiB, depth: 4, completion: event, qps: 2
		write size: 16KiB, depth: 8, memory: node0
		write size: 16KiB, depth: 8, memory: node1
		read size: 1, depth: 8
		read size: 1MiB, depth: 2
		read size: 4KiB, depth: 8, direction: both, completion: event
		send size: 1, depth: 8
		send size: 1MiB, depth: 2
		send size: 4KiB, depth: 8, direction: both, completion: event
		send size: 4KiB, depth: 8, transport: uc
		send size: 1KiB, depth: 8, transport: ud
		atomic op: add, depth: 8
		atomic op: swap, depth: 8, qps: 2
		write_latency size: 1
		write_latency size: 64KiB, transport: uc, memory: node1
		read_latency size: 64KiB
		send_latency size: 8, completion: event
		send_latency size: 4KiB, transport: uc
		send_latency size: 1KiB, transport: ud
		atomic_latency op: add
		atomic_latency op: swap
	ROWS
	across run --suite "$dir/kinds.yaml"
	measured 'RDMA of every kind'
	is "$(wc -l <"$dir/kinds.yaml")" "$(lanes '[.lanes[] | select(.is_measurement != false) | .case] | unique | length')" \
		'cases measured'
	is '[]' "$(lanes '[.lanes[] | select(.data_verified != true or .placement.verified != true) | [.case, .host, .reason]]')" \
		'lanes that answer whose data or memory is not as it should be'
	is '["RC","UC","UD"]' "$(lanes '[.lanes[].facts.transport] | unique')" 'transports'
	is '["node0","node1"]' "$(lanes '[.lanes[].case | capture("memory=(?<node>[a-z0-9]+)").node] | unique')" 'memory that is named'
}

# Over no cable.
rdma_of_one_machine() {
	rc=0
	"$feedline" bench rdma.write --size 16KiB --depth 8 --duration 300ms --store "$dir/one.db" --json \
		>"$dir/out" 2>"$dir/err" </dev/null || rc=$?
	measured 'a machine that writes to itself'
}

# ---- what goes wrong with RDMA

small=(--size 16KiB --depth 8)

# Nobody is told: packets are just lost, as in a switch that lost its mind.
rdma_over_a_cut_cable() {
	behind bench rdma.write "${small[@]}" --duration 60s
	wait_for_bytes 2000000
	link_cut
	ended
	failed n1 'transport retry counter exceeded' 'a cable that was cut'
	has "$(lanes '[.lanes[].reason]')" 'rank 1 (target, ' 'which side a cable was cut to'
	link_mend
}

# Before anything is measured.
rdma_of_a_port_that_is_down() {
	port_down
	across bench rdma.read "${small[@]}" --duration 1s
	port_up
	failed n2 "rxe0 port 1 is down" 'a port that is down'
}

# why_of N: what the Nth case says, host by host.
why_of() {
	jq -r --argjson n "$1" '([.lanes[].case] | reduce .[] as $c ([]; if any(.[]; . == $c) then . else . + [$c] end) | .[$n]) as $c |
		.lanes[] | select(.case == $c and .verdict == "not measured") | .host + ": " + .reason' "$dir/out"
}

# The interface of n2 takes smaller packets, which is found by itself; but another MTU may be asked for, and an address that
# is not there.
rdma_that_does_not_match() {
	cat >"$dir/wrong.yaml" <<-'YAML'
		- {bench: rdma.write, with: {size: 16KiB, depth: 8, duration: 2s, mtu: 1024}}
		- {bench: rdma.write, with: {size: 16KiB, depth: 8, duration: 2s, gid: 9}}
	YAML
	on_n2 ip link set eth0 mtu 700
	across bench rdma.write "${small[@]}" --duration 2s
	measured 'an MTU that may be any'
	is '["512","512"]' "$(lanes '[.lanes[].facts.path_mtu]')" 'path MTU, where it may be any'
	across run --suite "$dir/wrong.yaml"
	on_n2 ip link set eth0 mtu 1500
	ended_with '3 4' 'what does not match'
	has "$(why_of 0)" 'n2: an MTU of 1024 was asked for; that of rxe0 port 1 is 512' 'another MTU'
	has "$(why_of 1)" 'GID at index 9' 'no such address'
	none_left 'what does not match'
}

# Root may lock what it likes, unless that right is taken away.
rdma_without_locked_memory() {
	local under=(prlimit --memlock=1048576 setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
	across bench rdma.write "${small[@]}" --duration 1s
	failed n1 'Cannot allocate memory' 'too little memory that may be locked'
	has "$(lanes '[.lanes[] | .hint]')" "'ulimit -l' is 1024 KiB" 'what to do about it'
}

rdma_to_a_lane_that_is_gone() {
	behind bench rdma.write "${small[@]}" --duration 60s
	wait_for_bytes 2000000
	on_n2 pkill -KILL -f "^$build/libexec/feedline/feedline-lane-rdma"
	ended
	failed n2 'the worker ' 'a lane that was killed' # was killed by SIGKILL, or closed its socket: what is seen first
}

# ---- storage of the other machine, by NFS (rung T5)

# The least that the kernel takes for a lease and for the time after a start in which only old clients are heard is 10 s; the
# latter ends at once here, there are none.
serve() {
	modprobe -a nfsd nfsv4
	mount -t nfsd nfsd /proc/fs/nfsd
	echo '/srv/rung 10.78.0.0/24(ro,no_subtree_check,fsid=0)' >/etc/exports
	rpc.nfsd --no-nfs-version 3 --grace-time 10 --lease-time 10 2
	rpc.mountd --no-nfs-version 3
	exportfs -r
	echo Y >/proc/fs/nfsd/v4_end_grace
}

mount_other() {
	mkdir -p /mnt/other
	timeout 30 mount -t nfs4 -o vers=4.2,ro,retry=0 "10.78.0.$((3 - $(hostname | tr -d n))):/" /mnt/other
}

# forget: no file is in the page cache any more. served: bytes that NFS gave away, and that the drive gave, so far.
forget() {
	echo 3 >/proc/sys/vm/drop_caches
}

served() {
	local drive
	drive=$(basename "$(dirname "$(grep -l VRACK0 /sys/class/nvme/*/serial)")")n1
	awk '$1 == "io" { print $2 }' /proc/net/rpc/nfsd
	awk '{ printf "%.0f\n", $3 * 512 }' "/sys/block/$drive/stat"
}

served_by() {
	if [ "$1" = n1 ]; then
		served
	else
		on_n2 bash -c "$(declare -f served); served"
	fi | tr '\n' ' '
}

# came_from SERVER READER BEFORE: what that reader says it has read was given away by the server's NFS since, so it was in no
# cache of the reader; and the server had what was read first from its drive, up to the whole set, so it was in no cache of
# the server.
came_from() {
	local after said
	after=$(served_by "$1")
	said=$(jq -r --arg host "$2" '[.lanes[] | select((.host // "n1") == $host) |
		(.metrics.bytes_per_s.mean // 0) * .window.window_ns / 1e9 | floor] | [add, .[0]] | join(" ")' "$dir/out")
	is '1 1 1' "$(awk '{ nfs = $5 - $3; drive = $6 - $4; set = 64 * 2 ^ 20
		print ($2 > 0), (nfs >= $1), (drive >= ($2 < set ? $2 : set)) }' <<<"$said $3$after")" \
		"whether what $2 has read, and first, in bytes ($said), came by NFS from the drive of $1 ($3to $after)"
}

storage_of_the_other_machine() {
	local of1 of2
	cat >"$dir/alone.yaml" <<-'YAML'
		- {bench: storage.read, with: {path: /mnt/other/set, block: 128KiB, depth: 4, duration: 2s}}
	YAML
	cat "$dir/alone.yaml" - >"$dir/both.yaml" <<-'YAML'
		- {bench: ingest, with: {path: /mnt/other/set, step_bytes: 64KiB, block: 32KiB, depth: 4, duration: 2s}}
	YAML
	on_both serve || wrong 'no NFS server'
	on_both mount_other || wrong 'the other machine is not mounted'

	# one alone
	on_both forget
	of2=$(served_by n2)
	rc=0
	"$feedline" run --suite "$dir/alone.yaml" --store "$dir/alone.db" --json >"$dir/out" 2>"$dir/err" || rc=$?
	measured 'one machine that reads alone'
	came_from n2 n1 "$of2"

	# both together, each what the other one wrote
	on_both forget
	of1=$(served_by n1)
	of2=$(served_by n2)
	across run --suite "$dir/both.yaml"
	measured 'two machines that read from each other'
	is '["ingest n1","ingest n2","storage.read n1","storage.read n2"]' "$(lanes '[.lanes[] | .bench + " " + .host] | sort')" \
		'who reads from the other'
	is '["yes"]' "$(lanes '[.lanes[].facts.direct] | unique')" 'whether reads passed the page cache'
	came_from n1 n2 "$of1"
	came_from n2 n1 "$of2"
	on_both umount /mnt/other
}

walk "${checks[@]}"
