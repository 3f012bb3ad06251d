#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tcp.sh BUILD_DIR: TCP between two hosts: bytes one way and both ways, round trips, an interface that one of them lacks, and a
# host whose link goes down while it is measured. Nothing hangs, and who is lost is named.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
hosts_make 2

# An ssh that goes to hosts of ours.
rsh=$(hosts_rsh)
mkdir -p "$home/bin"
cat >"$home/bin/ssh" <<EOF
#!/bin/bash
while [ \$# -gt 0 ] && [[ ! \$1 =~ ^n[0-9]+\$ ]]; do shift; done
exec "$rsh" "\$@"
EOF
chmod +x "$home/bin/ssh"
PATH=$home/bin:$PATH

# across BENCH OPTION...: over both hosts; rc, $home/out
across() {
	rc=0
	on 1 timeout -s KILL 120 "$prefix/feedline" bench "$@" --hosts n1,n2 --store "$store" --json \
		>"$home/out" 2>"$home/err" || rc=$?
	printf '%d\n' "$rc" >"$home/rc"
}
value() {
	jq -r "$1" "$home/out"
}

for direction in one both; do
	across tcp.stream --direction "$direction" --duration 300ms
	has '0 4' "$rc" "status of $direction: $(cat "$home/err")"
	is 2 "$(value '.lanes | length')" "lanes of $direction"
	is unjudged "$(value '[.lanes[].verdict] | unique | join(",")')" "verdicts of $direction"
	is eth0 "$(value '[.lanes[].facts.interface] | unique | join(",")')" "interface of $direction"
	is true "$(value '[.lanes[].metrics.bytes_per_s.median > 0] | all')" "$direction: bytes moved"
	is 'n1,n2' "$(value '[.lanes[].placement.host] | sort | join(",")')" "hosts of $direction"
done
across tcp.latency --duration 300ms
has '0 4' "$rc" "status of latency: $(cat "$home/err")"
is true "$(value '[.lanes[].metrics.round_trip_ns.median | select(. != null) | . > 0] == [true]')" 'one lane times round trips'

across tcp.stream --interface nope0 --duration 300ms
is 3 "$rc" 'status without the interface'
has "$(value '[.lanes[].reason] | join("; ")')" "bind to interface 'nope0': No such device" 'which interface'

# The link goes down once it is measured. Each lane gives the other up, or the hub the host: whatever is sooner is the reason.
across tcp.stream --duration 20s &
run=$!
while [ -z "$(processes_on 2 feedline-lane)" ]; do sleep 0.02; done
sleep 1
hosts_cut 2
wait "$run" || true
rc=$(<"$home/rc")
has '1 3 4 5' "$rc" 'status when a link goes down'
has "$(value '[.lanes[].reason // ""] | join("; ")')" 'n2' 'which host is lost'
is 0 "$(processes_on 1 feedline-lane | wc -l)" 'workers left on the other host'

finish
