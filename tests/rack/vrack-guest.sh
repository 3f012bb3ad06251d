#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# vrack-guest.sh BUILD_DIR: what must hold on the virtual rack; run inside it by vrack.sh. A check is a function with its
# name in `checks`; it fails by a call of `wrong WHY`. Times measured here mean nothing: the processor is emulated.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
source "$(dirname "${BASH_SOURCE[0]}")/undisturbed.bash" # an emulated processor is slow for the agent too

checks=(machine_is_as_built topo_nodes topo_drives topo_links_are_fiction modules_load
	copy_matrix memory_rows placement_by_another_witness strays_are_invalid drive_is_read_from_its_node
	numa_that_is_not_there drives_count_what_is_read drives_read_together cgroup2_limits reads_held_back
	reads_not_held_back controller_taken_back memory_of_either_node fed_from_both_drives feed_from_a_slow_drive feed_under_io_max
	feed_beside_a_memory_hog feed_with_one_cpu home_is_ours)
build=${1:?usage: vrack-guest.sh BUILD_DIR}
feedline=$build/feedline
doubles=$build/tests/prefix/feedline # also knows null.scripted
dir=$(mktemp -d)

# topo FILTER: what `feedline topo --json` says, one compact line.
topo() {
	jq -c "$1" "$dir/topo"
}

# Caches and stores go below it, and the host's own home is read-only or closed.
home_is_ours() {
	touch "$HOME/file" || wrong "nothing can be made in '$HOME'"
}

# What the kernel says, without feedline: if this fails, the rack is wrong and not the suite.
machine_is_as_built() {
	is '10 21' "$(cat /sys/devices/system/node/node0/distance)" 'distance of node 0'
	is '21 10' "$(cat /sys/devices/system/node/node1/distance)" 'distance of node 1'
	local n
	for n in 0 1; do
		is "$n" "$(cat "$(dirname "$(grep -l "VRACK$n" /sys/class/nvme/*/serial)")/device/numa_node")" \
			"node of drive VRACK$n"
	done
}

topo_nodes() {
	is '[["node0",0,"dram","0"],["node1",1,"dram","1"]]' "$(topo '[.nodes[] | [.id, .number, .class, .cpus]]')" nodes
	is '[[10,21],[21,10]]' "$(topo '[.nodes[].distances]')" distances
	is '[true,true]' "$(topo '[.nodes[].memory_bytes > 900000000]')" 'whether the nodes have about 1 GiB'
	is false "$(topo .bare_metal)" 'bare metal'
}

topo_drives() {
	is '[["nvme-VRACK0",0],["nvme-VRACK1",1]]' \
		"$(topo '[.drives[] | select(.kind == "nvme") | [.id, .node]] | sort')" 'drives and their nodes'
	is '["VRACK0","VRACK1"]' "$(topo '[.drives[] | select(.kind == "nvme") | .serial] | sort')" serials
	is '[1073741824,1073741824]' "$(topo '[.drives[] | select(.kind == "nvme") | .bytes]')" sizes
}

# The emulated drives say 2.5 GT/s x1 whatever is around them: below a hypervisor that judges nothing.
topo_links_are_fiction() {
	is '[false,false]' "$(topo '[.drives[] | select(.kind == "nvme") | .pci.link.real]')" 'whether the links are real'
}

modules_load() {
	local m
	for m in dm_delay dm_flakey loop sch_netem; do
		modprobe "$m" || wrong "module '$m' does not load"
	done
}

# bench PROGRAM ARGS...: one benchmark; sets rc and $dir/out.
bench() {
	local program=$1
	shift
	rc=0
	"$program" bench "$@" --store "$dir/store.db" --json >"$dir/out" 2>"$dir/err" || rc=$?
	rc=$(undisturbed "$rc" "$dir/out")
}

# lanes FILTER: what the last bench says.
lanes() {
	jq -c "$1" "$dir/out" 2>/dev/null || cat "$dir/err"
}

# Node of the CPUs x node of both buffers, each where it should be.
copy_matrix() {
	bench "$feedline" memory.copy --duration 50ms
	is 0 "$rc" status
	is '[[0,"0","node0"],[0,"0","node1"],[1,"1","node0"],[1,"1","node1"]]' \
		"$(lanes '[.lanes[] | [.placement.node, .placement.cpus, .options.memory]] | sort')" 'the matrix'
	is '[true,true,true,true]' "$(lanes '[.lanes[].placement.verified]')" 'whether placement was verified'
	is '[true,true,true,true]' "$(lanes '[.lanes[].data_verified]')" 'whether the data was verified'
}

# The other rows over memory, from the far node.
memory_rows() {
	local row
	for row in read write latency; do
		bench "$feedline" "memory.$row" --numa 0 --memory node1 --duration 50ms
		is 0 "$rc" "status of $row"
		is '[[0,"node1",true,true]]' \
			"$(lanes '[.lanes[] | [.placement.node, .options.memory, .placement.verified, .data_verified]]')" "$row"
	done
}

# The kernel's own account of a lane while it runs: CPUs of node 0, buffers on node 1.
placement_by_another_witness() {
	local worker pages
	"$feedline" bench memory.copy --numa 0 --memory node1 --duration 8s --store "$dir/store.db" --json >"$dir/out" &
	for _ in $(seq 100); do
		sleep 0.2
		worker=$(pgrep -f "^$build/libexec/feedline/feedline-lane-host lane" | head -n 1) || continue
		[ "$(find "/proc/$worker/task" -maxdepth 1 | wc -l)" -ge 4 ] && break
	done
	is 0 "$(grep -h Cpus_allowed_list "/proc/$worker/task"/*/status | sort -u | cut -f 2)" 'CPUs of all its threads'
	# pages of mappings larger than 60 MiB (15360 pages): the buffers
	pages=$(awk '/anon=/ { n0 = n1 = 0
		for (i = 1; i <= NF; i++) { if ($i ~ /^N0=/) n0 = substr($i, 4); if ($i ~ /^N1=/) n1 = substr($i, 4) }
		if (n0 + n1 > 15360 || (n0 + n1 > 30 && /kernelpagesize_kB=2048/)) { a += n0; b += n1 } }
		END { print (a == 0 && b > 0) ? "node1" : "node0: " a ", node1: " b }' "/proc/$worker/numa_maps")
	is node1 "$pages" 'where the buffers are'
	wait
	is '[true]' "$(lanes '[.lanes[].placement.verified]')" 'whether placement was verified'
}

# A worker that is bound wrongly on purpose is found out.
strays_are_invalid() {
	local script
	for script in stray_memory stray_cpu; do
		bench "$doubles" null.scripted --script "$script" --duration 300ms
		is 3 "$rc" "status of $script"
		is '["invalid",false]' "$(lanes '.lanes[0] | [.verdict, .placement.verified]')" "verdict of $script"
	done
	bench "$doubles" null.scripted --script stray_memory --duration 300ms
	is true "$(lanes '.lanes[0].reason | test("pages of a buffer on node 0 are on node 1")')" 'reason of stray_memory'
}

drive_is_read_from_its_node() {
	local n block
	for n in 0 1; do
		block=$(block_of "VRACK$n")
		bench "$feedline" storage.read --path "$block" --duration 200ms
		is 0 "$rc" "status of reading $block ($(lanes '.lanes[0].reason'))"
		is "[$n,true,true]" "$(lanes '.lanes[0] | [.placement.node, .placement.verified, .data_verified]')" \
			"placement of reading $block"
		bench "$feedline" storage.read --path "$block" --numa $((1 - n)) --duration 200ms
		is "[$((1 - n)),true]" "$(lanes '.lanes[0] | [.placement.node, .placement.verified]')" \
			"placement of reading $block from the other node"
	done
}

# block_of SERIAL: the path of that drive.
block_of() {
	topo ".drives[] | select(.serial == \"$1\") | .path" | tr -d '"'
}

# What the drive counts is what was read; and a lane that reads nothing is found out.
drives_count_what_is_read() {
	local ratio
	bench "$feedline" storage.read --path "$(block_of VRACK0)" --block 128KiB --depth 2 --duration 4s
	is 0 "$rc" status
	ratio=$("$feedline" show --store "$dir/store.db" --json | jq '[.. | .witnesses? // empty] | first | .device_read_ratio')
	is true "$(jq '. == null or (. > 0.9 and . < 1.1)' <<<"$ratio")" "whether what was read was counted ($ratio)"
	bench "$doubles" null.claimant --path "$(block_of VRACK0)" --duration 500ms
	is 3 "$rc" 'status where nothing was read'
	is '["invalid",true]' "$(lanes '.lanes[0] | [.verdict, (.reason | test("a cache answered"))]')" \
		'verdict where nothing was read'
}

# Both drives at once, each from its node.
drives_read_together() {
	cat >"$dir/together.yaml" <<-YAML
		- together:
		    - bench: storage.read
		      with: {path: $(block_of VRACK0), duration: 500ms, block: 128KiB, depth: 4}
		    - bench: storage.read
		      with: {path: $(block_of VRACK1)}
	YAML
	rc=0
	"$feedline" run --suite "$dir/together.yaml" --store "$dir/store.db" --json >"$dir/out" 2>"$dir/err" || rc=$?
	is '[[0,true,true],[1,true,true]]' \
		"$(lanes '[.lanes[] | [.placement.node, .placement.verified, .data_verified]] | sort')" 'both drives, each on its node'
}

numa_that_is_not_there() {
	bench "$feedline" memory.copy --numa 7
	is 2 "$rc" 'status of --numa 7'
}

# confined NAME=VALUE...: sets `inside` to a command that runs another one in a cgroup (version 2) with these limits.
confined() {
	local group=/sys/fs/cgroup/feedline-$RANDOM setting
	mkdir -p "$group"
	for setting in "$@"; do
		echo "${setting#*=}" >"$group/${setting%%=*}"
	done
	# shellcheck disable=SC2016 # the inner shell expands these
	inside=(bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group")
}

confined_bench() {
	rc=0
	"${inside[@]}" "$feedline" bench "$@" --store "$dir/store.db" --json >"$dir/out" 2>"$dir/err" || rc=$?
}

cgroup2_limits() {
	mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
	echo '+cpuset +cpu +memory' >/sys/fs/cgroup/cgroup.subtree_control
	confined cpuset.cpus=1
	"${inside[@]}" "$feedline" topo --json >"$dir/limited"
	is '"1"' "$(jq -c .limits.cpus "$dir/limited")" 'CPUs in a cpuset'
	confined_bench memory.copy --numa 0 --duration 50ms
	is 3 "$rc" 'status on a node that the cpuset hides'
	is '"not measured"' "$(lanes '.lanes[0].verdict')" 'verdict on a node that the cpuset hides'
	confined memory.max=100000000
	confined_bench memory.copy --numa 0 --memory node0 --duration 50ms
	is '"not measured"' "$(lanes '.lanes[0].verdict')" 'verdict with little memory'
	is true "$(lanes '.lanes[0].reason | test("the cgroup allows")')" 'reason with little memory'
	confined 'cpu.max=50000 100000'
	confined_bench memory.copy --numa 0 --memory node0 --duration 200ms
	is 4 "$rc" 'status with half a CPU of time'
	is true "$(lanes '.lanes[0].distrust | any(test("quota stopped it"))')" 'whether the quota was seen at work'
}

# held: reads the second drive at 10 MB/s at most, by `inside` if that is set.
inside=()
held() {
	confined_bench storage.read --path "$(block_of VRACK1)" --block 128KiB --depth 4 --read-limit 10MB --duration 2s
}

limits_left() {
	find /sys/fs/cgroup -name 'feedline-limit-*' | wc -l
}

# By io.max: feedline is in the topmost cgroup, or in one below it.
reads_held_back() {
	local handed want='. > 7e6 and . < 11e6'
	handed=$(cat /sys/fs/cgroup/cgroup.subtree_control)
	inside=()
	held
	is true "$(lanes ".lanes[0].metrics.bytes_per_s.median | $want")" \
		"whether it is about 10 MB/s ($(lanes '.lanes[0] | [.reason, .metrics.bytes_per_s.median]'))"
	is 0 "$(limits_left)" 'cgroups left'
	is "$handed" "$(cat /sys/fs/cgroup/cgroup.subtree_control)" 'what the topmost cgroup hands on afterwards'

	echo +io >/sys/fs/cgroup/cgroup.subtree_control
	confined
	held
	is true "$(lanes ".lanes[0].metrics.bytes_per_s.median | $want")" \
		"whether it is about 10 MB/s from below ($(lanes '.lanes[0] | [.reason, .metrics.bytes_per_s.median]'))"
	is 0 "$(limits_left)" 'cgroups left from below'

	confined "io.max=$(topo '.drives[] | select(.serial == "VRACK1") | .dev' | tr -d '"') rbps=4000000"
	held
	is true "$(lanes '.lanes[0].metrics.bytes_per_s.median | . > 2.5e6 and . < 4.5e6')" \
		"whether it keeps the limit that it had ($(lanes '.lanes[0] | [.reason, .metrics.bytes_per_s.median]'))"
}

# Where it cannot be held back, or only by leaving a limit behind, nothing is measured.
reads_not_held_back() {
	confined memory.max=900000000
	held
	is 3 "$rc" 'status with a limit that would be escaped'
	is true "$(lanes '.lanes[0].reason | test("our own has memory.max set, which would be escaped")')" \
		"reason with a limit that would be escaped ($(lanes '.lanes[0].reason'))"
	confined memory.swap.max=900000000
	held
	is true "$(lanes '.lanes[0].reason | test("our own has memory.swap.max set, which would be escaped")')" \
		"reason with a limit of swap that would be escaped ($(lanes '.lanes[0].reason'))"
	confined
	echo -io >/sys/fs/cgroup/cgroup.subtree_control
	held
	is '"not measured"' "$(lanes '.lanes[0].verdict')" 'verdict where nobody hands on the controller'
	is true "$(lanes '.lanes[0].reason | test("none above hands on")')" \
		"reason where nobody hands on the controller ($(lanes '.lanes[0].reason'))"
	is 0 "$(limits_left)" 'cgroups left'
}

# hold_in_the_middle: starts reads that are held back, from the topmost cgroup; sets agent, and group to the cgroup of it.
hold_in_the_middle() {
	"$feedline" bench storage.read --path "$(block_of VRACK1)" --block 128KiB --depth 4 --read-limit 10MB --duration 60s \
		--store "$dir/store.db" >/dev/null 2>&1 &
	agent=$!
	group=/sys/fs/cgroup/feedline-limit-$agent-0-io
	for _ in $(seq 200); do
		[ -z "$(cat "$group/cgroup.procs" 2>/dev/null)" ] || return 0
		sleep 0.2
	done
	wrong "no '$group' ($(find /sys/fs/cgroup -maxdepth 1 -name 'feedline-limit-*'))"
}

# hands_on: does the topmost cgroup hand on the controller for block devices?
hands_on() {
	[[ " $(cat /sys/fs/cgroup/cgroup.subtree_control) " == *' io '* ]] && echo yes || echo no
}

# What feedline had the topmost cgroup hand on is taken back: by the next one, where it was killed; not while another needs it.
controller_taken_back() {
	local agent group
	echo -io >/sys/fs/cgroup/cgroup.subtree_control
	hold_in_the_middle
	is yes "$(hands_on)" 'whether the controller is handed on meanwhile'
	kill -9 "$agent"
	wait "$agent" 2>/dev/null || true
	for _ in $(seq 100); do
		[ -n "$(cat "$group/cgroup.procs" 2>/dev/null)" ] || break
		sleep 0.2
	done
	is yes "$(hands_on)" 'whether the controller is handed on after a kill'
	"$feedline" bench null.nop --duration 10ms --store "$dir/store.db" >/dev/null 2>&1 || true
	is '0 no' "$(limits_left) $(hands_on)" 'cgroups left, and whether the controller is handed on, after the next run'

	hold_in_the_middle
	mkdir /sys/fs/cgroup/other
	echo "$(topo '.drives[] | select(.serial == "VRACK0") | .dev' | tr -d '"') rbps=90000000" >/sys/fs/cgroup/other/io.max
	kill -INT "$agent"
	wait "$agent" 2>/dev/null || true
	is '0 yes' "$(limits_left) $(hands_on)" 'cgroups left, and whether the controller is handed on where another has a limit'
	is 1 "$(grep -c rbps=90000000 /sys/fs/cgroup/other/io.max)" 'limits of another'
	rmdir /sys/fs/cgroup/other
	echo -io >/sys/fs/cgroup/cgroup.subtree_control
}

# Buffers at the drive, and away from it.
memory_of_either_node() {
	local n
	for n in 0 1; do
		bench "$feedline" ingest --path "$(block_of VRACK0)" --memory "$n" --step-bytes 256KiB --block 64KiB \
			--duration 500ms
		is '[true,true]' "$(lanes '.lanes[0] | [.placement.verified, .data_verified != false]')" \
			"whether drive 0 was read into memory of node $n ($(lanes '.lanes[0].reason'))"
		is "\"node$n\"" "$(lanes '.lanes[0].options.memory')" "memory of node $n"
	done
}

# Two sinks at once, each from a drive of its own.
fed_from_both_drives() {
	cat >"$dir/both.yaml" <<-YAML
		- together:
		    - bench: feed
		      with: {path: $(block_of VRACK0), step_bytes: 256KiB, step_time: 100ms, block: 64KiB, duration: 1s}
		    - bench: feed
		      with: {path: $(block_of VRACK1), step_bytes: 256KiB, step_time: 100ms, block: 64KiB}
	YAML
	rc=0
	"$feedline" run --suite "$dir/both.yaml" --store "$dir/store.db" --json >"$dir/out" 2>"$dir/err" || rc=$?
	is '[true,true]' "$(lanes '[.lanes[] | select(.bench == "feed") | .metrics.bytes_per_s.median > 1e6]')" \
		"whether both were fed ($(lanes '[.lanes[].reason]'))"
}

# ladder PATH: by which hop is a sink held up that wants 10 MB/s? By `inside`.
ladder() {
	confined_bench feed --study ladder --path "$1" --step-bytes 256KiB --step-time 25ms --block 64KiB --depth 2 \
		--duration 1s
}

# blames REGEX WHAT: the hop named is this one, or none is. Never another.
blames() {
	is true "$(lanes ".lanes[0].hop | . == null or . == \"unattributed\" or test(\"$1\")")" \
		"hop $2 ($(lanes '.lanes[0] | [.band, .hop, .why_hop, .reason]'))"
	printf '     %s: %s\n' "$2" "$(lanes '.lanes[0] | [.band, .S, .cause, .hop]')"
}

# starved_by REGEX WHAT: where a large fault was made, it is seen as too little, and by that hop, or none is named.
starved_by() {
	is '"starved"' "$(lanes '.lanes[0].band')" "band $2"
	is true "$(lanes ".lanes[0].hop | . == \"unattributed\" or (. // \"none\" | test(\"$1\"))")" \
		"hop $2 ($(lanes '.lanes[0] | [.band, .hop, .why_hop, .reason]'))"
	is false "$(lanes '.lanes[0].cause == "jitter"')" "whether a deeper queue is said to help $2"
	printf '     %s: %s\n' "$2" "$(lanes '.lanes[0] | [.band, .S, .cause, .hop]')"
}

# Every read of that device takes 50 ms longer.
feed_from_a_slow_drive() {
	local block
	block=$(block_of VRACK1)
	modprobe dm_delay
	modprobe ext4
	DM_DISABLE_UDEV=1 dmsetup create slow --table "0 $(blockdev --getsz "$block") delay $block 0 50"
	mkfs.ext4 -q -F /dev/mapper/slow
	mkdir "$dir/slow"
	mount /dev/mapper/slow "$dir/slow"
	head -c 8M /dev/urandom >"$dir/slow/data"
	sync
	inside=()
	ladder "$dir/slow/data"
	starved_by '^drive ' 'above a slow drive'
	umount "$dir/slow"
	DM_DISABLE_UDEV=1 dmsetup remove slow
}

feed_under_io_max() {
	echo +io >/sys/fs/cgroup/cgroup.subtree_control
	confined "io.max=$(topo '.drives[] | select(.serial == "VRACK1") | .dev' | tr -d '"') rbps=3000000"
	ladder "$(block_of VRACK1)"
	starved_by '^drive ' 'under io.max'
}

# Processes that write memory as fast as they can, on both CPUs.
feed_beside_a_memory_hog() {
	local hogs=()
	for _ in 1 2; do
		timeout 120 dd if=/dev/zero of=/dev/null bs=64M status=none &
		hogs+=($!)
	done
	inside=()
	ladder "$(block_of VRACK0)"
	kill "${hogs[@]}"
	blames '^DRAM ' 'beside a memory hog'
}

feed_with_one_cpu() {
	confined cpuset.cpus=0
	ladder "$(block_of VRACK0)"
	blames 'CPU' 'with one CPU'
}

"$feedline" topo --json >"$dir/topo"
walk "${checks[@]}"
