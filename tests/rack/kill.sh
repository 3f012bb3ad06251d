#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill.sh BUILD_DIR [TIMES]: SIGKILL for the agent or a worker at random moments. Afterwards the store opens, no finished lane
# is lost, --resume completes the run, nothing is left running, and no file is left over.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
times=${2:-50}

cat >"$home/suite.yaml" <<'EOF'
- bench: null.nop
  with: {duration: 5ms}
  repeat: 8
- bench: null.scripted
  with: {duration: 5ms}
  repeat: 8
- together:
    - bench: null.nop
      with: {duration: 5ms}
    - bench: null.scripted
  repeat: 8
EOF
lanes=4 # of all cases together

# rounds_in RUN: every lane's round that a reader of the store sees finished, with the value it has.
rounds_in() {
	feedline report "$1" --format json --store "$store" 2>/dev/null | jq '[.lanes[].rounds] | add // 0'
}

# A whole run, for its length in ms.
began=$(date +%s%N)
feedline run --suite "$home/suite.yaml" --store "$store" --json >"$home/out" 2>/dev/null || true
length_ms=$((($(date +%s%N) - began) / 1000000))
is "$((lanes * 8))" "$(jq '[.lanes[].rounds] | add' "$home/out")" 'lanes of a run that nobody disturbs'

# Either side, in turn, at a moment somewhere in such a run.
agents=0
hit=0
for ((i = 0; i < times; i++)); do
	"$prefix/feedline" run --suite "$home/suite.yaml" --store "$store" --json >"$home/out" 2>"$home/err" &
	agent=$!
	moment=$((RANDOM % length_ms))
	sleep "$((moment / 1000)).$(printf '%03d' $((moment % 1000)))"
	# what was committed before the kill must be there after it
	id=$(feedline runs --store "$store" --json | jq -r '.runs[-1].id')
	before=$(rounds_in "$id")
	if ((i % 2 == 0)); then
		agents=$((agents + 1))
		kill -9 "$agent" 2>/dev/null && hit=$((hit + 1))
	else
		pkill "${same_net[@]}" -9 -f "^$prefix/libexec/feedline/feedline-lane" && hit=$((hit + 1))
	fi
	rc=0
	wait "$agent" 2>/dev/null || rc=$?
	for ((t = 0; t < 20; t++)); do
		[ "$(workers)" = 0 ] && break
		sleep 0.1
	done
	is 0 "$(workers)" "workers left 2 s after kill $i"
	is true "$([ "$before" -le "$(rounds_in "$id")" ] && echo true)" "no finished lane lost by kill $i"

	newest=$(feedline runs --store "$store" --json | jq -c '.runs[-1] | [.id, .state]')
	if [ "$newest" = "[\"$id\",\"finished\"]" ]; then
		# (On a busy machine 5 ms may pass without a step: such a lane is not measured.)
		# It came to its end: with the killed worker's lane as invalid, or the kill was too late to meet one.
		verdicts=$(feedline report "$id" --format json --store "$store" | jq -r '[.lanes[].verdict] | unique | join(",")')
		is true "$([[ $verdicts =~ ^(invalid|not\ measured|unjudged|,)+$ ]] && echo true)" "verdicts after kill $i: $verdicts"
		want=$([[ $verdicts == *invalid* ]] && echo 3 || echo 0)
		status=$(feedline runs --store "$store" --json | jq '.runs[-1].status')
		feedline report "$id" --format json --store "$store" >"$home/out"
		[ "$status" = "$(undisturbed "$status" "$home/out")" ] || status=$want
		is "$want" "$status" "status after kill $i ($(feedline report "$id" --format json --store "$store" |
				jq -r '[.lanes[] | select(.verdict != "unjudged") | .reason] | join("; ")'))"
		continue
	fi
	id=$(jq -r '.[0]' <<<"$newest") # the kill may have come before the run of this turn began
	[ "$(jq -r '.[1]' <<<"$newest")" = finished ] && continue
	is interrupted "$(jq -r '.[1]' <<<"$newest")" "state after kill $i"
	rc=0
	feedline run --resume "$id" --store "$store" --json >"$home/out" 2>"$home/err" || rc=$?
	is 0 "$(undisturbed "$rc" "$home/out")" "status of --resume after kill $i ($(head -n 1 "$home/err"))"
	is "$((lanes * 8))" "$(jq '[.lanes[].rounds] | add' "$home/out")" "lanes after --resume $i"
	is '' "$(jq -r '[.lanes[] | select(.verdict == "invalid" or .verdict == "fail") | .reason] | unique | join("; ")' "$home/out")" \
		"reasons of lanes that are not whole after --resume $i"
done

is true "$([ "$hit" -gt 0 ] && echo true)" 'at least one kill hit something'
feedline runs --store "$store" >/dev/null
is store.db "$(cd "$home" && echo *.db*)" 'files beside the store'
is '' "$(find "$home" -name '*.part' -o -name '*.new' -o -name '*.tmp')" 'temporary files'
printf '%d kills hit, %d of them meant the agent\n' "$hit" "$agents"
finish
