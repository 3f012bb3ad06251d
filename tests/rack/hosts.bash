# SPDX-License-Identifier: Apache-2.0
# hosts.bash: network namespaces that stand for hosts. Sourced with the build directory as $1, in the place of
# common.bash, which it sources. The script starts anew in namespaces of its own (network, mounts, processes, name):
# whichever way it ends, also by SIGKILL, every process, link and mount that it made ends with it.
#
#   hosts_make N             n1 .. nN, each with its own network, name, mounts and a link to one bridge: 10.77.0.K. The
#                            script itself is on the bridge too, as "head", 10.77.0.254. All names resolve. N <= 200
#   on K COMMAND...          runs it on host K, in the foreground
#   on_behind K COMMAND...   in the background; its pid is in $behind, and it is a child of the script
#   hosts_cut K, _mend K     its link goes down, comes up again: packets are lost, nobody is told
#   hosts_kill K             as when the power goes: first the link, then every process
#   processes_on K [PATTERN] the pids on host K; with a pattern: whose command line it is in
#   hosts_home K             where the home directory of host K is, as everybody sees it
#   hosts_rsh                makes a remote shell: prints a program that is called as rsh HOST COMMAND...

if [ -z "${FEEDLINE_HOSTS_INSIDE:-}" ]; then
	unshare -n -m -u -p --fork true 2>/dev/null || {
		echo 'skip: namespaces of our own are needed, as root'
		exit 77
	}
	export FEEDLINE_HOSTS_INSIDE=1 FEEDLINE_OWN_NET=1
	# unshare heeds no SIGTERM: whoever ends this shell means what is inside
	setpriv --pdeathsig KILL unshare -n -m -u -p --fork --kill-child --mount-proc bash "$0" "$@" &
	inside=$!
	trap 'kill -KILL "$inside"' TERM INT HUP
	wait "$inside" && exit 0 || exit "$?"
fi
trap 'exit 143' TERM # the first process of a namespace hears only what it asks for
trap 'exit 130' INT HUP
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
# Daemons, too, write there, if there are any, and a small disk may be mounted there.
hosts_end() {
	exec 2>/dev/null
	kill -KILL -1 || :
	grep -o " $home/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l || :
	rm -rf "$home"
}
trap hosts_end EXIT

declare -a hosts_pid=() # of the process that keeps host K's namespaces; K counts from 1
behind=

hosts_names() {
	local k

	printf '127.0.0.1 localhost\n::1 localhost\n10.77.0.254 head\n'
	for ((k = 1; k <= $1; k++)); do
		printf '10.77.0.%d n%d\n' "$k" "$k"
	done
}

# hosts_keeper K: the process that host K lives as long as.
hosts_keeper() {
	local home_k=$home/hosts/n$1 pid

	mkdir -p "$home_k"
	unshare -n -u -m bash -c 'hostname "$1" && ip link set lo up && : >"$2/.up" && exec sleep infinity' \
		host "n$1" "$home_k" &
	pid=$!
	hosts_pid[$1]=$pid
	while [ ! -e "$home_k/.up" ]; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.01
	done
	rm "$home_k/.up"
}

hosts_make() {
	local k

	hostname head
	hosts_names "$1" >"$home/etc-hosts"
	mount --bind "$home/etc-hosts" /etc/hosts
	ip link set lo up
	ip link add rack type bridge || {
		echo 'skip: this kernel has no bridges'
		exit 77
	}
	ip addr add 10.77.0.254/24 dev rack
	ip link set rack up
	for ((k = 1; k <= $1; k++)); do
		hosts_keeper "$k"
		ip link add "port$k" type veth peer name eth0 netns "${hosts_pid[$k]}"
		ip link set "port$k" master rack up
		on "$k" ip addr add "10.77.0.$k/24" dev eth0
		on "$k" ip link set eth0 up
	done
}

hosts_home() {
	printf '%s/hosts/n%d' "$home" "$1"
}

# hosts_enter K: the words before a command that is to run on host K, into the array `enter`.
hosts_enter() {
	local home_k

	home_k=$(hosts_home "$1")
	enter=(nsenter -t "${hosts_pid[$1]}" -n -u -m -- env "HOME=$home_k" "XDG_STATE_HOME=$home_k/state"
		"XDG_CACHE_HOME=$home_k/cache")
}

on() {
	local enter

	hosts_enter "$1"
	"${enter[@]}" "${@:2}"
}

on_behind() {
	local enter

	hosts_enter "$1"
	"${enter[@]}" "${@:2}" &
	behind=$!
}

hosts_cut() {
	ip link set "port$1" down
}

hosts_mend() {
	ip link set "port$1" up
}

processes_on() {
	local pattern

	pattern=$(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"${2-}")
	pgrep --ns "${hosts_pid[$1]}" --nslist net -f -- "$pattern" | grep -vx "${hosts_pid[$1]}" || true
}

hosts_kill() {
	local pids

	hosts_cut "$1"
	while pids=$(processes_on "$1") && [ -n "$pids" ]; do
		# shellcheck disable=SC2086 # a list of numbers
		kill -KILL $pids 2>/dev/null || true
		sleep 0.02
	done
}

hosts_rsh() {
	local program=$home/rsh k

	{
		printf '#!/bin/bash\ncase $1 in\n'
		for k in "${!hosts_pid[@]}"; do
			printf 'n%d | 10.77.0.%d) pid=%d home=%q ;;\n' "$k" "$k" "${hosts_pid[$k]}" "$(hosts_home "$k")"
		done
		cat <<'SHELL'
*) printf 'rsh: no host %s\n' "$1" >&2; exit 255 ;;
esac
shift
exec nsenter -t "$pid" -n -u -m -- env "HOME=$home" "XDG_STATE_HOME=$home/state" "XDG_CACHE_HOME=$home/cache" sh -c "$*"
SHELL
	} >"$program"
	chmod +x "$program"
	printf '%s\n' "$program"
}
