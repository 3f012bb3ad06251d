# SPDX-License-Identifier: Apache-2.0
# peers-rdma.bash: rows of compare-peers over RDMA, between this host and the one that -p names: ssh goes there by itself, and
# feedline and perftest are there in the same places as here. The peer is perftest, which is told the devices, addresses and
# MTU that feedline chose, and runs on the CPUs that feedline ran on. Bytes are those of 64 KiB requests, 128 in flight of one
# queue pair, a completion for each, of ours from all over a buffer that no cache holds, of perftest's from one place. Round
# trips are those of 8 bytes at the median. Neither side watches the machine meanwhile. Instructions are those of the program
# that posts and polls, counted by callgrind, without the libraries and the driver beneath it, which are the same on both
# sides: of a request from its post to its completion, and of a look into a completion queue.
# shellcheck shell=bash disable=SC2154 # what compare-peers sets

rdma_size=65536
rdma_depth=128
rdma_port=18515 # of perftest

# rdma_facts: what feedline took, from the document of a run: "DEVICE PORT GID-INDEX MTU CPUS" of the first and the second lane
rdma_facts() {
	jq -r '.lanes[0:2][] | .placement.cpus as $cpus | .facts |
		"\(.rdma_device | sub(" port "; " ")) \(.gid | capture("\\((?<i>[0-9]+)\\)$").i) \(.path_mtu) \($cpus)"' "$dir/document"
}

# ours_rdma BENCH OPTION...: the document of a run over both hosts is $dir/document
ours_rdma() {
	local status=0
	"$feedline" bench "$@" --hosts "$(hostname),$rdma_peer" --duration "${seconds}s" --telemetry=no \
		--store "$dir/store.db" --json >"$dir/document" 2>"$dir/why" || status=$?
	[ "$status" = 0 ] || [ "$status" = 4 ] || return 3
}

# rdma_args K: which port of which device perftest takes on host K
rdma_args() {
	sed -n "$1p" "$dir/rdma-facts" | {
		read -r device number gid mtu _
		printf '%s\n' -d "$device" -i "$number" -x "$gid" -m "$mtu" -p "$rdma_port" -F
	}
}

# rdma_cpus K: the CPUs of host K
rdma_cpus() {
	sed -n "$1p" "$dir/rdma-facts" | cut -d ' ' -f 5
}

# theirs_rdma TOOL OPTION...: what perftest says, in $dir/said. Its server is there a moment after it was started, so we try
# until it is.
theirs_rdma() {
	local tool=$1 here there server try
	shift
	mapfile -t here < <(rdma_args 1)
	mapfile -t there < <(rdma_args 2)
	ssh -o BatchMode=yes "$rdma_peer" timeout $((seconds * 10 + 120)) taskset -c "$(rdma_cpus 2)" "$tool" "${there[@]}" "$@" \
		>"$dir/server" 2>&1 </dev/null &
	server=$!
	for ((try = 0; try < 60; try++)); do
		taskset -c "$(rdma_cpus 1)" "${under[@]}" "$tool" "${here[@]}" "$@" "$rdma_peer" >"$dir/said" 2>"$dir/why" && break
		grep -q "Couldn't connect" "$dir/why" && kill -0 "$server" 2>/dev/null || break
		sleep 0.5
	done
	wait "$server" || {
		tail -n 1 "$dir/server" >>"$dir/why"
		return 3
	}
}

prepare_rdma() { # TOOL
	[ -n "$rdma_peer" ] || { echo "needs -p HOST, the other host"; return 3; }
	command -v "$1" >/dev/null || { echo "$1 is not installed"; return 3; }
	ssh -o BatchMode=yes "$rdma_peer" command -v "$1" >"$dir/why" 2>&1 </dev/null || {
		echo "no $1 at $rdma_peer: $(tail -n 1 "$dir/why")"
		return 3
	}
	[ -s "$dir/rdma-facts" ] || {
		seconds=1 ours_rdma rdma.write --size "$rdma_size" --depth "$rdma_depth" && rdma_facts >"$dir/rdma-facts"
	} || { echo "feedline could not: $(tail -n 1 "$dir/why")"; return 3; }
}

prepare_rdma_stream() {
	prepare_rdma "ib_$1_bw" || return
	echo "perftest ib_$1_bw, $((rdma_size >> 10)) KiB, $rdma_depth in flight of one queue pair, to $rdma_peer"
}
ours_rdma_stream() {
	ours_rdma "rdma.$1" --size "$rdma_size" --depth "$rdma_depth" || return
	jq -e '[.lanes[].metrics.bytes_per_s.mean // empty][0]' "$dir/document"
}
# With -D it leaves out a margin at both ends.
theirs_rdma_stream() {
	theirs_rdma "ib_$1_bw" -s "$rdma_size" -t "$rdma_depth" -Q 1 -D $((seconds + 2)) -f 1 || return
	awk -v size="$rdma_size" '$1 == size && NF == 5 { printf "%.0f\n", $4 * 1048576; found = 1 } END { exit !found }' "$dir/said"
}

# What perftest calls latency is half of a round trip of a write and a send, and the whole of a read.
prepare_rdma_latency() {
	prepare_rdma "ib_$1_lat" || return
	echo "perftest ib_$1_lat, 8 bytes, to $rdma_peer"
}
ours_rdma_latency() {
	ours_rdma "rdma.$1_latency" --size 8 || return
	jq -e '1e9 / [.lanes[].metrics.latency_ns.median // empty][0]' "$dir/document"
}
theirs_rdma_latency() {
	theirs_rdma "ib_$1_lat" -s 8 -n $((seconds * 1000)) || return
	awk '$1 == 8 && NF >= 6 { printf "%.1f\n", 1e6 / $5; found = 1 } END { exit !found }' "$dir/said"
}

for kind in write read send; do
	eval "prepare_rdma_$kind() { prepare_rdma_stream $kind; }"
	eval "ours_rdma_$kind() { ours_rdma_stream $kind; }"
	eval "theirs_rdma_$kind() { theirs_rdma_stream $kind; }"
	eval "prepare_rdma_${kind}_latency() { prepare_rdma_latency $kind; }"
	eval "ours_rdma_${kind}_latency() { ours_rdma_latency $kind; }"
	eval "theirs_rdma_${kind}_latency() { theirs_rdma_latency $kind; }"
	# shellcheck disable=SC2034 # compare-peers reads it
	scales[rdma.${kind}_latency]='1e3 k/s'
	rows+=("rdma.$kind" "rdma.${kind}_latency")
done

# rdma_counts PROGRAM REQUESTS: of the profile in $dir/instructions*, "COST POSTS LOOKS": own instructions of the program, and
# how often it called each of the two functions of the driver that it calls most. Which is which: there were so many requests.
rdma_counts() {
	cat "$dir"/instructions* | awk -v program="$1" -v requests="$2" '
	function named(text, names,    id) {
		id = text
		sub(/^[a-z]+=/, "", id)
		sub(/ .*/, "", id)
		if (text ~ / /) {
			names[id] = text
			sub(/^[^ ]* /, "", names[id])
		}
		return id
	}
	function far(n) { return n > requests ? n - requests : requests - n }
	/^ob=/ { object = named($0, objects); next }
	/^cob=/ { callee = named($0, objects); next }
	/^cfn=/ { called = named($0, functions); next }
	/^fn=/ { named($0, functions); next }
	/^calls=/ {
		if (callee != "" && objects[callee] ~ /-rdmav[0-9]+\.so/ && objects[object] ~ program "$")
			times[callee called] += substr($1, 7)
		callee = ""
		inside = 1 # the next line is what the call cost
		next
	}
	/^[0-9+*-]/ {
		if (!inside && objects[object] ~ program "$")
			cost += $NF
		inside = 0
	}
	END {
		for (f in times)
			if (times[f] > first) {
				second = first
				first = times[f]
			} else if (times[f] > second)
				second = times[f]
		if (!second)
			exit 1
		if (far(first) < far(second))
			print cost, first, second
		else
			print cost, second, first
	}'
}

# rdma_solve: of two runs with many requests in flight, then two with one: "COST POSTS LOOKS". What starting takes is the same
# in two of a kind and cancels out; the rest is requests and looks, whose relation differs between the kinds: "REQUEST LOOK"
rdma_solve() {
	awk '
	{ c[NR] = $1; p[NR] = $2; l[NR] = $3 }
	END {
		pa = p[2] - p[1]; la = l[2] - l[1]; ca = c[2] - c[1]
		pb = p[4] - p[3]; lb = l[4] - l[3]; cb = c[4] - c[3]
		d = pa * lb - pb * la
		if (NR != 4 || !d)
			exit 1
		printf "%.1f %.1f\n", (ca * lb - cb * la) / d, (pa * cb - pb * ca) / d
	}'
}

# One program of ours on this host is counted; it is killed in the end, so it says what it has before it closes. Workers are
# where feedline is.
prepare_rdma_request() {
	prepare_rdma ib_write_bw || return
	command -v valgrind >/dev/null || { echo "valgrind is not installed"; return 3; }
	local place=$dir/counted-rdma own program
	own=$(dirname "$(realpath -- "$feedline")")
	mkdir -p "$place/libexec/feedline"
	ln -sfn "$own/share" "$place/share"
	for program in "$own"/libexec/feedline/*; do
		ln -sf "$program" "$place/libexec/feedline/"
	done
	cp "$feedline" "$place/"
	rm "$place/libexec/feedline/feedline-lane-rdma"
	printf '#!/bin/sh\nexec valgrind -q --tool=callgrind --callgrind-out-file=%q --dump-before=fl_rdma_stream_close %q "$@"\n' \
		"$dir/instructions" "$own/libexec/feedline/feedline-lane-rdma" >"$place/libexec/feedline/feedline-lane-rdma"
	chmod +x "$place/libexec/feedline/feedline-lane-rdma"
	echo "perftest ib_write_bw, writes of 8 bytes: instructions of a request, without driver and libraries, to $rdma_peer"
}
# ours_rdma_counted SECONDS DEPTH, theirs_rdma_counted REQUESTS DEPTH: a line for rdma_solve
ours_rdma_counted() {
	local remote=$feedline
	rm -f "$dir"/instructions*
	feedline=$dir/counted-rdma/feedline seconds=$1 ours_rdma rdma.write --size 8 --depth "$2" --remote-program "$remote" || return
	rdma_counts /feedline-lane-rdma "$(jq '.lanes[0] | .metrics.ops_per_s.mean * (.window.window_ns + .window.warm_ns) / 1e9' \
		"$dir/document")"
}
theirs_rdma_counted() {
	local under=(valgrind -q --tool=callgrind --callgrind-out-file="$dir/instructions")
	rm -f "$dir"/instructions*
	theirs_rdma ib_write_bw -s 8 -t "$2" -Q 1 -n "$1" -N || return # -N: looks for no peak, which takes n * n
	rdma_counts /ib_write_bw "$1"
}
# rdma_request SIDE FEW MANY: instructions of a request; those of a look are kept for beside_rdma_request.
rdma_request() {
	local request look lines depth
	lines=$(for depth in "$rdma_depth" 1; do
		"$1_rdma_counted" "$2" "$depth" && "$1_rdma_counted" "$3" "$depth" || exit 3
	done) || return 3
	read -r request look < <(rdma_solve <<<"$lines") || { echo "counts that tell nothing apart: $lines" >"$dir/why"; return 3; }
	printf '%s\n' "$look" >>"$dir/looks-$1"
	printf '%s\n' "$request"
}
ours_rdma_request() { rdma_request ours "$seconds" $((2 * seconds + 1)); }
theirs_rdma_request() { rdma_request theirs $((seconds * 500)) $((seconds * 2000)); }
beside_rdma_request() {
	printf 'a look into the completion queue: ours %s, peer %s instructions\n' \
		"$(interval <"$dir/looks-ours" | cut -d ' ' -f 1)" "$(interval <"$dir/looks-theirs" | cut -d ' ' -f 1)"
}
counts+=(rdma.request)
rows+=(rdma.request)
