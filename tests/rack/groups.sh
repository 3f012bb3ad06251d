#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# groups.sh BUILD_DIR: two lanes that make one measurement speak to each other; what becomes of both where one does not come,
# comes elsewhere, says too much, fails or dies, before anything is measured and after it. Then two that move data over TCP.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
ip link set lo up 2>/dev/null || true

# play PART: rc, $home/out
play() {
	rc=0
	feedline bench null.scripted_group --part "$1" --duration 100ms --timeout 2s --store "$store" --json \
		>"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
}
value() {
	jq -r "$1" "$home/out"
}

play ok
is 0 "$rc" 'status of two that speak'
is 'unjudged' "$(value '[.lanes[].verdict] | unique | join(",")')" 'verdicts of two that speak'
is '0 of 2,1 of 2' "$(value '[.lanes[].facts.rank] | join(",")')" 'their ranks'
is '127.0.0.1' "$(value '[.lanes[].facts.address] | unique | join(",")')" 'their address'

# PART|verdict of the caller|of the answerer|the caller's reason|the answerer's
while IFS='|' read -r part first second why_first why_second; do
	play "$part"
	is 3 "$rc" "status of $part"
	is "$first,$second" "$(value '[.lanes[].verdict] | join(",")')" "verdicts of $part"
	has "$(value '.lanes[0].reason')" "$why_first" "the caller's reason beside $part"
	has "$(value '.lanes[1].reason')" "$why_second" "the answerer's reason of $part"
	is 0 "$(workers)" "workers left after $part"
done <<'EOF'
never_comes|not measured|invalid|a lane of the same group failed: null.scripted_group: rank 1 (answerer) did not come to 'first': phase 'open' did not end within 2 s|rank 1 (answerer) did not come to 'first'
dies|not measured|invalid|a lane of the same group failed: null.scripted_group: the worker was killed by SIG|the worker was killed by SIG
fails|not measured|not measured|a lane of the same group failed: null.scripted_group: scripted failure|scripted failure
never_comes_last|not measured|invalid|rank 1 (answerer) did not come to 'last': phase 'verify' did not end within 2 s|rank 1 (answerer) did not come to 'last'
dies_last|not measured|invalid|a lane of the same group failed: null.scripted_group: the worker was killed by SIG|in phase 'verify'
fails_last|not measured|not measured|a lane of the same group failed: null.scripted_group: scripted failure|scripted failure
EOF

# Who comes second is the one that is not where the other is.
while read -r part point; do
	play "$part"
	is 3 "$rc" "status of $part"
	is 'invalid,not measured' "$(value '[.lanes[].verdict] | sort | join(",")')" "verdicts of $part"
	has "$(value '.lanes[] | select(.verdict == "invalid").reason')" 'the worker lies: rank ' "who is to blame for $part"
	has "$(value '.lanes[] | select(.verdict == "invalid").reason')" "'$point'" "where $part went wrong"
	has "$(value '.lanes[] | select(.verdict != "invalid").reason')" \
		'a lane of the same group failed: null.scripted_group: the worker lies: rank ' "the other beside $part"
	is 0 "$(workers)" "workers left after $part"
done <<'EOF'
comes_elsewhere elsewhere
says_more first
comes_once second
comes_thrice third
EOF

# move BENCH OPTION...: a short run over the loopback
move() {
	rc=0
	feedline bench "$@" --duration 300ms --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	rc=$(undisturbed "$rc" "$home/out")
	has "0 4" "$rc" "status of $*" # 4: where threads take turns
	is 'unjudged' "$(value '[.lanes[].verdict] | unique | join(",")')" "verdicts of $*"
	is '' "$(value '[.lanes[] | select(.data_verified == false) | .reason] | join(",")')" "data of $*"
}
for engine in auto sockets; do
	for direction in one both; do
		move tcp.stream --engine "$engine" --direction "$direction" --streams 2
		is lo "$(value '[.lanes[].facts.interface] | unique | join(",")')" "interface of $engine, $direction"
		is 1 "$(value '[.lanes[].facts.cpu_sender] | unique | length')" "both tell what it cost: $engine, $direction"
		is true "$(value '[.lanes[].metrics.bytes_per_s.median > 0] | all')" "$engine, $direction: bytes moved"
	done
done
move tcp.latency --size 1KiB
is true "$(value '.lanes[0].metrics.round_trip_ns.median > 0')" 'a round trip takes time'
is null "$(value '.lanes[1].metrics.round_trip_ns.median')" 'the echo sees none'

finish
