#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compare-peers.sh: the arithmetic and the verdicts of scripts/compare-peers, with sides that play back given rates.
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/compare-peers"
did=0
wrong=0

# is WANT GOT WHAT
is() {
	did=$((did + 1))
	[ "$1" = "$2" ] && return
	printf 'FAIL %s: "%s", not "%s"\n' "$3" "$2" "$1"
	wrong=$((wrong + 1))
}

# Ranks by hand: the largest k with 2 P(Bin(n, 1/2) < k) <= 0.05.
is '3.000 1.000 5.000' "$(seq 5 | interval)" 'too few: the extremes'
is '3.500 1.000 6.000' "$(seq 6 | interval)" 'of 6'
is '4.500 1.000 8.000' "$(seq 8 | interval)" 'of 8'
is '5.000 2.000 8.000' "$(seq 9 | interval)" 'of 9'
is '8.500 4.000 13.000' "$(seq 16 -1 1 | interval)" 'of 16, unsorted'
is '10.500 6.000 15.000' "$(seq 20 | interval)" 'of 20'

# fake OURS THEIRS: rows whose sides give these rates, and the status of comparing them.
fake() {
	local rc=0
	prepare_fake() { echo 'made up'; }
	eval "ours_fake() { echo '$1'; }"
	eval "theirs_fake() { echo '$2'; }"
	compare fake >"$dir/out" 2>&1 || rc=$?
	printf '%d %s\n' "$rc" "$(tail -n 1 "$dir/out" | sed 's/^ *//')"
}
pairs=6
is '0 not slower' "$(fake 2e9 2e9)" 'equal sides'
is '1 slower' "$(fake 90 100)" 'a slower side'
is '3 compare-peers: ours of fake gave no rate: ' "$(fake '' 100)" 'a side without a rate'
is '3 compare-peers: theirs of fake gave no rate: ' "$(fake 100 'no such option')" 'a peer that fails'
printf '%s\n' 1 >"$dir/n"
prepare_fake() { echo 'made up'; }
ours_fake() { n=$(<"$dir/n"); echo $((n + 1)) >"$dir/n"; echo $((80 + 30 * (n % 2))); }
theirs_fake() { echo 100; }
rc=0
compare fake >"$dir/out" || rc=$?
is 3 "$rc" 'a side that jumps'
grep -q 'inconclusive: 0.800 to 1.100 holds 0.95' "$dir/out" || is 'inconclusive' "$(<"$dir/out")" 'a side that jumps'

# The bar is 0.95, or what the peer does to itself where that is less.
is 'not slower' "$(verdict 0.951 1.2 1 1)" 'above 0.95'
is 'not slower' "$(verdict 0.85 1.2 0.8 1.3)" 'above what the peer does to itself'
is 'slower' "$(verdict 0.5 0.79 0.8 1.3)" 'below both'
is 'inconclusive: 0.75 to 0.9 holds 0.8 (peer against itself spans 0.8 to 1.3)' "$(verdict 0.75 0.9 0.8 1.3)" 'on both sides of it'
is 'slower' "$(verdict 0.96 0.98 1 1 0.99)" 'a row with a bar of its own'
is 'not slower' "$(verdict 0.991 1 1 1 0.99)" 'above its own bar'

# Of a cost, half is the bar.
is 'at most half' "$(verdict_of_cost 0.1 0.5)" 'half'
is 'more than half' "$(verdict_of_cost 0.51 0.6)" 'more'
is 'inconclusive: 0.4 to 0.6 holds 0.5' "$(verdict_of_cost 0.4 0.6)" 'either'
costs=(fake)
is '0 at most half' "$(fake 0.2 2)" 'a row that is a cost'
is '1 more than half' "$(fake 2 2)" 'a row that costs too much'
costs=()

# Of a count nothing is required.
counts=(fake)
is '0 stated' "$(fake 2 1)" 'a row that is a count'
is '2.000 1.000' "$(sed -n 's/^fake  *6 //p' "$dir/out" | awk '{ print $1, $2 }')" 'both sides of a count'
counts=()

# What one I/O takes: of two runs, so that starting and ending cancel out.
run_fake() { echo "$1" >"$dir/document"; echo $((1000 + 7 * 100 * $1)); }
count_fake() { echo $((100 * $(<"$dir/document") + 3)); }
is 7.000000000 "$(cost run_fake count_fake)" 'a cost'
is 7000000.000000000 "$(cost run_fake count_fake 1e6)" 'a cost in millionths'
none_fake() { echo 0; }
is 'none' "$(cost run_fake none_fake || echo none)" 'a cost of nothing'

# Names stand in a profile once, later their numbers; what is called elsewhere does not count.
cat >"$dir/instructions.1" <<'EOT'
fn=(1) main
cfn=(7) queue
calls=10 +1
cfn=(8) other
calls=5 +1
fn=(9) again
cfn=(7)
calls=32 -4
totals: 400
EOT
is 42 "$(calls_to queue)" 'calls in a profile'
is 'none' "$(calls_to nobody || echo none)" 'calls of nobody'

# Rows of GPUs: why there are none, and what is read of the peer.
gpu_control=$dir/control
rc=0
is 'there is no NVIDIA GPU here' "$(prepare_gpu_h2d)" 'no GPU'
prepare_gpu_h2d >/dev/null || rc=$?
is 3 "$rc" 'the status of no GPU'
: >"$gpu_control"
cat >"$dir/nvidia-smi" <<'EOT'
#!/bin/sh
[ "$*" = '--query-gpu=uuid -i 1 --format=csv,noheader' ] && echo GPU-b || exit 6
EOT
cat >"$dir/nvbandwidth" <<'EOT'
#!/bin/sh
[ "$CUDA_VISIBLE_DEVICES" = GPU-b ] || exit 1
[ "$*" != -l ] || exit 0
[ "$*" = '-j -b 512 -t host_to_device_memcpy_ce' ] || exit 1
echo '{"nvbandwidth": {"testcases": [{"bandwidth_matrix": [["55.6304"]], "status": "Passed"}]}}'
EOT
cat >"$dir/feedline" <<'EOT'
#!/bin/sh
case $1 in
topo) echo '{"gpus": [{"uuid": null, "parent": null}, {"uuid": "GPU-a", "parent": null}, {"uuid": "MIG-c", "parent": "gpu-a"},
	{"uuid": "GPU-b", "parent": null}]}' ;;
bench) echo "$*" >>"$0.log"; echo '{"lanes": [{"metrics": {"bytes_per_s": {"mean": 7}}}]}' ;;
run) echo 'what the suite says'; exit "$(cat "$0.status")" ;;
show) cat "$0.show" ;;
esac
EOT
chmod +x "$dir/nvidia-smi" "$dir/nvbandwidth" "$dir/feedline"
NVBANDWIDTH=$dir/nvbandwidth
feedline=$dir/feedline
export CUDA_VISIBLE_DEVICES
CUDA_VISIBLE_DEVICES=''
is "CUDA_VISIBLE_DEVICES='' hides all GPUs" "$(prepare_gpu_h2d)" 'all GPUs hidden'
CUDA_VISIBLE_DEVICES=2
is 'the driver lists no GPU 2' "$(prepare_gpu_h2d)" 'a GPU that is not there'
CUDA_VISIBLE_DEVICES=1,0
find_gpu
is GPU-b "$gpu_uuid" 'the second GPU that the driver lists'
seen_by_smi() {
	local PATH=$dir:$PATH feedline=false
	find_gpu
	echo "$gpu_uuid"
}
is GPU-b "$(seen_by_smi)" 'the second GPU as nvidia-smi counts'
is 7 "$(ours_gpu_h2d)" 'ours'
grep -q '^bench gpu.h2d --gpu GPU-b ' "$dir/feedline.log" || is '--gpu GPU-b' "$(<"$dir/feedline.log")" 'the GPU that we measure'
is 'nvbandwidth host_to_device_memcpy_ce, 512 MiB' "$(prepare_gpu_h2d)" 'with nvbandwidth'
is 55630400000 "$(theirs_gpu_h2d)" 'what it measured'
is 'none' "$(theirs_gpu_local || echo none)" 'what it could not measure'
NVBANDWIDTH=$dir/nothing
is 'there is no nvbandwidth that starts (say where with NVBANDWIDTH=)' "$(prepare_gpu_h2d_sm)" 'nothing else copies with SMs'
printf '#!/bin/sh\nexit 127\n' >"$dir/nvbandwidth"
NVBANDWIDTH=$dir/nvbandwidth
is 'there is no nvbandwidth that starts (say where with NVBANDWIDTH=)' "$(prepare_gpu_h2d_sm)" 'a peer that is broken'
is 6 "$(chosen gpu | wc -l)" 'rows of GPUs'

# Rows over RDMA: what is missing, what perftest is told, and what is read of it.
rdma() { # COMMAND...: with another host, and a perftest and an ssh that say what they were called with
	local PATH=$dir/rdma:$PATH rdma_peer=n2 seconds=1 feedline=$dir/rdma/feedline
	"$@"
}
mkdir "$dir/rdma"
is 'needs -p HOST, the other host' "$(prepare_rdma_write)" 'no other host'
cat >"$dir/rdma/ssh" <<'EOT'
#!/bin/bash
[ "$1 $2 $3" = '-o BatchMode=yes n2' ] && exec sh -c "${*:4}"
EOT
cpu=$(sed -nE 's/^Cpus_allowed_list:.*[^0-9]([0-9]+)$/\1/p' /proc/self/status) # the last that there is
cat >"$dir/rdma/feedline" <<EOT
#!/bin/sh
echo "\$*" >>"\$0.log"
echo '{"lanes": [{"metrics": {"bytes_per_s": {"mean": 7}}, "placement": {"cpus": "$cpu"},
	"facts": {"rdma_device": "mlx5_0 port 1", "gid": "10.1.0.1 (3)", "path_mtu": "1024"}},
	{"metrics": {}, "placement": {"cpus": "$cpu"},
	"facts": {"rdma_device": "mlx5_1 port 2", "gid": "10.1.0.2 (5)", "path_mtu": "1024"}}]}'
EOT
cat >"$dir/rdma/ib_write_bw" <<'EOT'
#!/bin/bash
echo "$*" >>"$0.log"
sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status >>"$0.cpus"
[ "${!#}" = n2 ] || exec sleep 0.1
[ -e "$0.again" ] || { : >"$0.again"; echo "Couldn't connect to n2:18515" >&2; exit 1; }
echo ' #bytes     #iterations    BW peak[MB/sec]    BW average[MB/sec]   MsgRate[Mpps]'
echo ' 65536      100             0.00               2.50               0.000040'
EOT
sed "s/sleep 0.1/false/" "$dir/rdma/ib_write_bw" >"$dir/rdma/ib_read_bw"
chmod +x "$dir"/rdma/*
is 'perftest ib_write_bw, 64 KiB, 128 in flight of one queue pair, to n2' "$(rdma prepare_rdma_write)" 'with perftest'
is 7 "$(rdma ours_rdma_write)" 'ours over RDMA'
is 2621440 "$(rdma theirs_rdma_write)" 'what perftest measured, at the second try'
is 'none' "$(rdma theirs_rdma_read || echo none)" 'a server that ends'
is "-d mlx5_0 -i 1 -x 3 -m 1024 -p 18515 -F -s 65536 -t 128 -Q 1 -D 3 -f 1 n2" "$(tail -n 1 "$dir/rdma/ib_write_bw.log")" 'what it is told here'
grep -qx -e '-d mlx5_1 -i 2 -x 5 -m 1024 -p 18515 -F -s 65536 -t 128 -Q 1 -D 3 -f 1' "$dir/rdma/ib_write_bw.log" ||
	is 'mlx5_1' "$(<"$dir/rdma/ib_write_bw.log")" 'what it is told there'
is "$cpu" "$(sort -u "$dir/rdma/ib_write_bw.cpus")" 'CPUs of both sides of perftest'
grep -q -- "--hosts $(hostname),n2 " "$dir/rdma/feedline.log" || is 'both hosts' "$(<"$dir/rdma/feedline.log")" 'where ours runs'


# A profile: ours is what ends so, its calls are those to a driver, and what a call cost is not its own.
cat >"$dir/instructions.1" <<'EOT'
ob=(1) /a/lib/ld.so
fn=(1) start
1 900
ob=(2) /usr/bin/ib_write_bw
fn=(2) run
10 300
+3 40
cob=(3) /a/libibverbs/librxe-rdmav34.so
cfn=(3) 0x0000000000001a00
calls=100 0
* 5000
cob=(3)
cfn=(4) 0x0000000000001b00
calls=700 0
-2 9000
cob=(1)
cfn=(1)
calls=1000 0
11 10
fn=(5) end
20 60
ob=(3)
fn=(3)
1 5000
EOT
is '400 100 700' "$(rdma_counts /ib_write_bw 90)" 'counts of a profile'
is '400 700 100' "$(rdma_counts /ib_write_bw 650)" 'counts of a profile with more requests than looks'
is 'none' "$(rdma_counts /ib_read_bw 90 || echo none)" 'counts of another program'
is '30.0 4.5' "$(printf '%s\n' '1000 10 100' '3550 80 200' '5000 10 100' '13850 80 1600' | rdma_solve)" 'what a request and a look take'
is 'none' "$(printf '%s\n' '1750 10 100' '3500 20 200' '1750 10 100' '3500 20 200' | rdma_solve || echo none)" 'three that tell nothing apart'

# The arithmetic of gpu-check, and that it says what is missing.
is 0.000 "$(bash -c 'source "$1"; yes 5 | head -n 16 | variation' - "$root/scripts/gpu-check")" 'no scatter'
is 20.203 "$(bash -c 'source "$1"; printf "%s\n" 6 8 | variation' - "$root/scripts/gpu-check")" 'scatter of two'
suite_says() { # STATUS BENCH...: with these rates
	printf '%s\n' "$1" >"$dir/feedline.status"
	shift
	jq -n '{runs: [{lanes: [$ARGS.positional[] | {bench: ., metrics: {bytes_per_s: {medians: [1]}}}]}]}' --args "$@" \
		>"$dir/feedline.show"
	bash -c 'source "$1"; dir=$2; FEEDLINE=$2/feedline; check_suite >"$2/said"; echo "$status $(<"$2/said")"' - \
		"$root/scripts/gpu-check" "$dir" | sed 's/  */ /g; s/after [0-9]* s/after N s/'
}
kept='after N s with 2 GPUs: what the suite says'
is "0 suite kept status 0 $kept" "$(suite_says 0 gpu.h2d gpu.d2h gpu.local)" 'a suite that passes'
is "0 suite kept status 4 $kept" "$(suite_says 4 gpu.h2d gpu.d2h gpu.local)" 'a disturbed suite'
is "1 suite NOT KEPT status 1 $kept" "$(suite_says 1 gpu.h2d gpu.d2h gpu.local)" 'a suite that fails'
is "3 suite not tried status 3 $kept" "$(suite_says 3 gpu.h2d gpu.d2h gpu.local)" 'an invalid suite'
is "3 suite not tried status 0 $kept; without a rate: gpu.d2h gpu.local" "$(suite_says 0 gpu.h2d)" 'a suite without rates'
if [ ! -e /proc/driver/nvidia/version ]; then
	rc=0
	is 'gpu-check: not comparable here: there is no NVIDIA GPU' "$("$root/scripts/gpu-check")" 'gpu-check without a GPU'
	"$root/scripts/gpu-check" >/dev/null || rc=$?
	is 3 "$rc" 'the status of gpu-check without a GPU'
fi

# A name stands for the rows that begin so.
is 'memory.copy' "$(chosen memory.copy)" 'one row'
is 8 "$(chosen storage.read | wc -l)" 'rows of a benchmark'
is 2 "$(chosen storage.read.loop.4KiB | wc -l)" 'rows of a shape'
is '' "$(chosen storage.rea)" 'no part of a word'

prepare_fake() { echo 'no such tool'; return 3; }
rc=0
compare fake >"$dir/out" || rc=$?
is '3 not comparable: no such tool' "$rc $(sed 's/^fake *//' "$dir/out")" 'a peer that is not there'

printf '%d passed, %d failed\n' $((did - wrong)) "$wrong"
[ "$wrong" = 0 ]
