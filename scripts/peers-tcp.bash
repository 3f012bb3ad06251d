# SPDX-License-Identifier: Apache-2.0
# peers-tcp.bash: rows of compare-peers over TCP: two hosts that are namespaces of this machine, joined by a veth pair, each with
# half of its CPUs, the same for both sides. The peers are iperf3 (bytes, and the time of CPUs that a GB takes) and sockperf
# (round trips). Needs root.
# shellcheck shell=bash disable=SC2154 # what compare-peers sets

tcp_port=7300 # of iperf3; that of sockperf is one more

# tcp_host K COMMAND...: on host K
tcp_host() {
	local pid
	pid=$(sed -n "$1p" "$dir/tcp-hosts") || return
	tcp_confined "$1" nsenter -t "$pid" -n -u -- "${@:2}"
}
# tcp_confined K COMMAND...: on the CPUs of host K. A cpuset, since feedline widens itself to all CPUs that it may have.
tcp_confined() {
	# shellcheck disable=SC2016 # the inner shell expands it
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$(tcp_cpuset "$1")" "${@:2}"
}
tcp_cpuset() {
	local root=/sys/fs/cgroup
	[ ! -e "$root/cpuset/cpuset.cpus" ] || root=$root/cpuset # of the first version
	printf '%s/feedline-peers-%d-%d\n' "$root" "$$" "$1"
}
tcp_make_cpuset() {
	local at
	at=$(tcp_cpuset "$1")
	[ -e "${at%/*}/cpuset.cpus" ] || echo +cpuset >"${at%/*}/cgroup.subtree_control" || return
	mkdir "$at" && echo 0 >"$at/cpuset.mems" && tcp_cpus "$1" >"$at/cpuset.cpus"
}
# tcp_cpus K: its CPUs: one half of those that we may use
tcp_cpus() {
	taskset -cp "$BASHPID" | sed 's/.*: //' | awk -v k="$1" '{
		n = split($0, parts, ",")
		for (i = 1; i <= n; i++) {
			m = split(parts[i], ends, "-")
			for (c = ends[1]; c <= ends[m]; c++)
				cpus[all++] = c
		}
		half = int(all / 2)
		for (i = k == 1 ? 0 : half; i < (k == 1 ? half : all); i++)
			printf "%s%d", found++ ? "," : "", cpus[i]
	}'
}

# tcp_make: the hosts, what the peers need on the second, and an ssh that goes there; once
tcp_make() {
	local k pids=() own
	[ ! -s "$dir/tcp-hosts" ] || return 0
	for k in 1 2; do
		tcp_make_cpuset "$k" 2>"$dir/why" || return 1
		unshare -n -u -- sh -c 'hostname "tcp$1" && ip link set lo up && exec sleep infinity' host "$k" \
			>/dev/null 2>"$dir/why" &
		pids+=($!)
	done
	printf '%d\n' "${pids[@]}" >"$dir/tcp-keepers"
	own=$(readlink /proc/self/ns/net)
	for k in 0 1; do
		while [ "$(readlink "/proc/${pids[k]}/ns/net" 2>/dev/null)" = "$own" ]; do sleep 0.02; done
		[ -e "/proc/${pids[k]}" ] || return 1
	done
	ip link add fl0 netns "${pids[0]}" type veth peer name fl0 netns "${pids[1]}" 2>"$dir/why" || return 1
	for k in 0 1; do
		nsenter -t "${pids[k]}" -n ip addr add "10.78.0.$((k + 1))/24" dev fl0 &&
			nsenter -t "${pids[k]}" -n ip link set fl0 up || return 1
	done
	cp "$dir/tcp-keepers" "$dir/tcp-hosts"
	mkdir -p "$dir/tcp-bin"
	cat >"$dir/tcp-bin/ssh" <<-EOF
		#!/bin/bash
		while [ \$# -gt 0 ] && [ "\$1" != 10.78.0.2 ]; do shift; done
		echo \$\$ >"$(tcp_cpuset 2)/cgroup.procs"
		exec nsenter -t ${pids[1]} -n -u -- sh -c "\${*:2}"
	EOF
	chmod +x "$dir/tcp-bin/ssh"
	tcp_serve iperf3 -s -p "$tcp_port"
	tcp_serve sockperf server --tcp -i 10.78.0.2 -p $((tcp_port + 1))
	sleep 1
}
# tcp_serve COMMAND...: on host 2, until the end
tcp_serve() {
	# shellcheck disable=SC2016 # the inner shell expands it
	tcp_host 2 sh -c 'echo $$ >>"$0" && exec "$@"' "$dir/tcp-keepers" "$@" >/dev/null 2>&1 &
}
# tcp_end: they go with what was started on them
tcp_end() {
	[ -s "$dir/tcp-keepers" ] || return 0
	xargs kill 2>/dev/null <"$dir/tcp-keepers" || true
	sleep 0.2
	rmdir "$(tcp_cpuset 1)" "$(tcp_cpuset 2)" 2>/dev/null || true
}

# ours_tcp BENCH OPTION...: the document of a run over both hosts is $dir/document
ours_tcp() {
	local status=0
	PATH=$dir/tcp-bin:$PATH tcp_host 1 "$feedline" bench "$@" --hosts tcp1,10.78.0.2 --duration "${seconds}s" \
		--store "$dir/store.db" --json >"$dir/document" 2>"$dir/why" || status=$?
	[ "$status" = 0 ] || [ "$status" = 4 ] || return 3
}

prepare_tcp() { # TOOL
	command -v "$1" >/dev/null || { echo "$1 is not installed"; return 3; }
	[ "$(id -u)" = 0 ] || { echo "hosts of our own need root"; return 3; }
	[ "$(nproc)" -ge 2 ] || { echo "two hosts need two CPUs"; return 3; }
	tcp_make || { echo "no namespaces or no veth pair: $(tail -n 1 "$dir/why")"; return 3; }
}

# tcp_stream_row STREAMS: prints what is the same
prepare_tcp_stream() {
	prepare_tcp iperf3 || return
	: >"$dir/cpu-ours"
	: >"$dir/cpu-theirs"
	echo "iperf3, $1 connection(s) of 128 KiB blocks between two namespaces, a veth pair, half of the CPUs each"
}
ours_tcp_stream() {
	ours_tcp tcp.stream --streams "$1" --block 128KiB || return
	jq -r '.lanes[1].facts | [.cpu_sender, .cpu_receiver] | map(sub(" s .*"; "")) | join(" ")' "$dir/document" >>"$dir/cpu-ours"
	jq -e '.lanes[1].metrics.bytes_per_s.mean' "$dir/document"
}
theirs_tcp_stream() {
	tcp_host 1 iperf3 -c 10.78.0.2 -p "$tcp_port" -t "$seconds" -P "$1" -l 128K --json >"$dir/document" 2>"$dir/why" || return 3
	jq -r '.end | (.sum_received.bytes / 1e9) as $gb | [.cpu_utilization_percent.host_total, .cpu_utilization_percent.remote_total]
		| map(. / 100 * $seconds / $gb) | join(" ")' --argjson seconds "$seconds" "$dir/document" >>"$dir/cpu-theirs"
	jq -e '.end.sum_received.bits_per_second / 8' "$dir/document"
}
# What a GB cost, in the middle of the runs.
beside_tcp_stream() {
	local side
	for side in ours theirs; do
		printf 'CPU time of a GB, %s: sender %s s, receiver %s s\n' "$side" \
			"$(cut -d ' ' -f 1 "$dir/cpu-$side" | interval | cut -d ' ' -f 1)" \
			"$(cut -d ' ' -f 2 "$dir/cpu-$side" | interval | cut -d ' ' -f 1)"
	done
}
prepare_tcp_stream_1() { prepare_tcp_stream 1; }
ours_tcp_stream_1() { ours_tcp_stream 1; }
theirs_tcp_stream_1() { theirs_tcp_stream 1; }
beside_tcp_stream_1() { beside_tcp_stream; }
prepare_tcp_stream_4() { prepare_tcp_stream 4; }
ours_tcp_stream_4() { ours_tcp_stream 4; }
theirs_tcp_stream_4() { theirs_tcp_stream 4; }
beside_tcp_stream_4() { beside_tcp_stream; }

# Round trips per second at the median, so that more is better here, too; what sockperf calls latency is half of one.
prepare_tcp_latency() {
	prepare_tcp sockperf || return
	echo "sockperf ping-pong, 64 bytes, blocking calls, between two namespaces, a veth pair, half of the CPUs each"
}
ours_tcp_latency() {
	ours_tcp tcp.latency --size 64 || return
	jq -e '1e9 / .lanes[0].metrics.round_trip_ns.median' "$dir/document"
}
theirs_tcp_latency() {
	tcp_host 1 sockperf ping-pong --tcp -i 10.78.0.2 -p $((tcp_port + 1)) -m 64 -t "$seconds" >"$dir/document" 2>"$dir/why" || return 3
	awk '/percentile 50\.000/ { printf "%.1f\n", 1e6 / (2 * $NF); found = 1 } END { exit !found }' "$dir/document"
}
# shellcheck disable=SC2034 # compare-peers reads it
scales[tcp.latency]='1e3 k/s'

rows+=(tcp.stream.1 tcp.stream.4 tcp.latency)
