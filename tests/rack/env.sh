#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# env.sh BUILD_DIR: feedline started on three hosts by something that only sets variables, in any order: one run, one status;
# another secret is refused and named, a host that does not come too.
source "$(dirname "${BASH_SOURCE[0]}")/hosts.bash"
source "$(dirname "${BASH_SOURCE[0]}")/launched.bash"
feedline=$prefix/feedline

hosts_make 3
secret=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')

# ranked RANK SECRET COMMAND...: that rank, on the host after its number, in the background.
ranked() {
	on_behind $(($1 + 1)) env FEEDLINE_RANK="$1" FEEDLINE_SIZE=3 FEEDLINE_HUB=n1:27182 FEEDLINE_SECRET="$2" \
		timeout -s KILL 120 "${@:3}" >"$home/out$1" 2>"$home/err$1"
	ranks[$1]=$behind
}

# all_end: the status of each rank, in ${ended[RANK]}.
all_end() {
	local rank

	for rank in "${!ranks[@]}"; do
		ended[rank]=0
		wait "${ranks[rank]}" || ended[rank]=$?
	done
	ranks=()
}
declare -a ranks=() ended=()

ranked 2 "$secret" "$feedline" run --suite "$suite" --store "$home/no.db" --json
ranked 1 "$secret" "$feedline" run --suite "$suite" --store "$home/no.db" --json
sleep 1 # the hub is late: the others wait for it
ranked 0 "$secret" "$feedline" run --suite "$suite" --store "$store" --json
all_end
cp "$home/out0" "$home/out"
cp "$home/err0" "$home/err"
rc=${ended[0]}
lanes_are 3 variables
is '0 0' "${ended[1]} ${ended[2]}" 'status of agents'
is '' "$(cat "$home/out1" "$home/out2" "$home/err1" "$home/err2")" 'what agents print'
is '' "$(cd "$home" && ls -d no.db* 2>/dev/null)" 'stores of agents'
none_left 3 variables

# no secret is seen where others look, and none of the variables by workers
longer=$home/longer.yaml
sed 's/repeat: 15/repeat: 100/' "$long" >"$longer"
ranked 1 "$secret" "$feedline" run --suite "$longer" --store "$home/no.db"
ranked 2 "$secret" "$feedline" run --suite "$longer" --store "$home/no.db"
ranked 0 "$secret" "$feedline" run --suite "$longer" --store "$home/long.db"
wait_for_lanes "$home/long.db"
for pid in $(processes_on 1 "$prefix/") $(processes_on 2 "$prefix/"); do
	# a worker may have ended meanwhile
	is 0 "$({ cat "/proc/$pid/cmdline" 2>/dev/null || true; } | grep -acF "$secret")" 'secret among arguments'
done
for pid in $(pgrep -f "^$prefix/libexec/feedline/feedline-lane"); do
	is 0 "$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | grep -c ^FEEDLINE_)" 'variables of the launcher in a worker'
done
kill -TERM "${ranks[0]}"
all_end
is 3 "${ended[0]}" 'status of an interrupted hub'
none_left 3 'an interrupted hub'

# another secret
ranked 1 "$secret" "$feedline" run --suite "$suite" --store "$home/no.db"
ranked 2 "${secret//[0-7]/8}" "$feedline" run --suite "$suite" --store "$home/no.db"
ranked 0 "$secret" "$feedline" run --suite "$suite" --store "$store"
ended[2]=0
wait "${ranks[2]}" || ended[2]=$?
unset 'ranks[2]'
is 2 "${ended[2]}" 'status of an agent with another secret'
has "$(cat "$home/err0")" 'refused a connection from 10.77.0.3: it has another secret' 'another secret, said by the hub at once'
is true "$(kill -0 "${ranks[0]}" && echo true)" 'a hub that waits for the one that is meant'
kill -TERM "${ranks[0]}"
all_end
is 3 "${ended[0]}" 'status of the hub of another secret'
has "$(cat "$home/err2")" 'it has another secret' 'another secret, said by the agent'
none_left 3 'another secret'

finish
