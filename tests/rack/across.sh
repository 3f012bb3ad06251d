#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# across.sh BUILD_DIR: what is reported of runs on several hosts: each lane with its host, hosts held against each other,
# measurements between them; the record goes from store to store, and runs are compared host by host.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
source "$(dirname "${BASH_SOURCE[0]}")/sshd.bash"
source "$(dirname "${BASH_SOURCE[0]}")/launched.bash"
feedline=$prefix/feedline
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
schemas=$tests/../../harness/data/schemas

hosts_make 4
sshd_make 1 2 3 4
# valid SCHEMA FILE: what is in the file is what the schema says.
valid() {
	local rc=0

	python3 "$tests/validate.py" "$schemas/$1" "$2" >"$home/said" 2>&1 || rc=$?
	is 0 "$rc" "$2 by $1 ($(tail -n 1 "$home/said"))"
}

printf -- '- {bench: memory.copy, with: {duration: 100ms}}\n- {bench: tcp.stream, with: {duration: 100ms}}\n' >"$suite"

# what each host uses: on n2 the same path is on a file system of its own
mkdir "$home/here"
head -c 65536 /dev/zero >"$home/here/file"
nsenter -t "${hosts_pid[2]}" -m mount -t tmpfs -o size=1m mine "$home/here"
on 2 cp "$tests/across.sh" "$home/here/file"
printf -- '- {bench: null.nop, with: {duration: 100ms}}\n- {bench: storage.read, with: {path: %s, duration: 100ms}}\n' \
	"$home/here/file" >"$home/used.yaml"
launched 1 "$feedline" run --hosts n1,n2 --suite "$home/used.yaml" --store "$home/used.db" --json
feedline export --store "$home/used.db" >"$home/used.jsonl"
used() {
	jq -c --arg n "$1" --arg p "$home/here/file" 'select(.host.name == $n) | .host.environment.used | [keys == [$p], .[$p].mount.source]' \
		"$home/used.jsonl"
}
is '[true,"mine"]' "$(used n2)" 'what n2 used'
is "[true,\"$(findmnt -n -o SOURCE -T "$home/here")\"]" "$(used n1)" 'what n1 used'
is "$(jq -c 'select(.host.name == "n1") | .host.environment.used' "$home/used.jsonl")" \
	"$(jq -c 'select(.run) | .run.environment.used' "$home/used.jsonl")" 'what the run used, by its first host'

for id in one two; do
	launched 1 "$feedline" run --hosts 'n[1-4]' --suite "$suite" --store "$store" --json
	cp "$home/out" "$home/$id.json"
done
valid report-1.json "$home/one.json"
is 'n1 n2 n3 n4' "$(jq -r '[.hosts[].name] | join(" ")' "$home/one.json")" 'hosts of a report'
is 'false' "$(jq -c '[.hosts[].lost] | any' "$home/one.json")" 'lost hosts of a report'
is 'true' "$(jq 'all(.lanes[]; .host == .placement.host)' "$home/one.json")" 'hosts of lanes'
is 'memory.copy 4 tcp.stream 4' "$(jq -r '[.across[] | .bench, .hosts] | join(" ")' "$home/one.json")" 'what is across hosts'
is 6 "$(jq '[.lanes[] | select(.bench == "tcp.stream" and .is_measurement)] | length' "$home/one.json")" 'pairs of four hosts'
is 'receiver' "$(jq -r '[.lanes[] | select(.is_measurement) | .role] | unique | join(" ")' "$home/one.json")" \
	'who is the measurement'
is 10 "$(jq '.counts | add' "$home/one.json")" 'lanes that count'

rc=0
feedline report last --store "$store" >"$home/text" || rc=$?
has "$(<"$home/text")" 'on 4 hosts (n1-n4)' 'the text report'
has "$(<"$home/text")" 'from \ to' 'the text report'
has "$(feedline show last --store "$store")" 'host n4' 'what show says'

has "$(feedline runs --store "$store")" '4 hosts (n1-n4)' 'what runs says'
is '["n1","n2","n3","n4"]' "$(feedline runs --store "$store" --json | jq -c '.runs[0].hosts')" 'hosts of a run'

# to another store and back: the same report
feedline export --store "$store" >"$home/all.jsonl"
valid export-3.json "$home/all.jsonl"
is 8 "$(jq -c 'select(.host)' "$home/all.jsonl" | wc -l)" 'hosts in an export'
feedline import "$home/all.jsonl" --store "$home/other.db" 2>/dev/null
feedline report last --store "$home/other.db" >"$home/other" || true
is "$(<"$home/text")" "$(<"$home/other")" 'the report of what was imported'

# host by host
before=$(jq -r .run "$home/one.json")
after=$(jq -r .run "$home/two.json")
feedline compare "$before" "$after" --store "$store" --json >"$home/compared" || true
valid compare-1.json "$home/compared"
is 4 "$(jq .hosts "$home/compared")" 'hosts that were compared'
is 2 "$(jq '.lanes | length' "$home/compared")" 'lanes that were compared'

finish
