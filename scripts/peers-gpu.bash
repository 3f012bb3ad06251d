# SPDX-License-Identifier: Apache-2.0
# peers-gpu.bash: rows of compare-peers that need a GPU. The peer is nvbandwidth ($NVBANDWIDTH, or in PATH), the same size by the
# same engine; without it, for what PyTorch can do, PyTorch's copies of pinned memory and of memory of the GPU, timed by events.
# Both sides see one GPU, which both are told by its UUID, since not everybody counts alike: the first of
# CUDA_VISIBLE_DEVICES, or of all. Both say payload over the time of the device.
# shellcheck shell=bash disable=SC2154 # what compare-peers sets

gpu_control=/proc/driver/nvidia/version # is there where the driver is
gpu_bytes=$((512 << 20))
gpu_uuid= # of the GPU, from find_gpu on

# find_gpu: 1 where there is none, with the reason
find_gpu() {
	local wanted=${CUDA_VISIBLE_DEVICES-0}
	wanted=${wanted%%,*}
	gpu_uuid=
	if [[ $wanted =~ ^(GPU|MIG)- ]]; then
		gpu_uuid=$wanted
	elif [[ ! $wanted =~ ^[0-9]+$ ]]; then
		echo "CUDA_VISIBLE_DEVICES='$CUDA_VISIBLE_DEVICES' hides all GPUs"
		return 1
	else
		gpu_uuid=$(nvidia-smi --query-gpu=uuid -i "$wanted" --format=csv,noheader 2>/dev/null) ||
			gpu_uuid=$("$feedline" topo --json 2>/dev/null | jq -re --argjson wanted "$wanted" \
				'[.gpus[] | select(.uuid != null and .parent == null)][$wanted].uuid // empty') || gpu_uuid=
	fi
	[[ $gpu_uuid =~ ^(GPU|MIG)- ]] && return
	echo "the driver lists no GPU $wanted"
	return 1
}

# with_gpu COMMAND...: with the one GPU to be seen
with_gpu() {
	CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=$gpu_uuid "$@"
}

# ours_gpu BENCH ENGINE
ours_gpu() {
	with_gpu ours "gpu.$1" --gpu "$gpu_uuid" --engine "$2" --size "$gpu_bytes"
}

# One that starts: one that was built for another system is as good as none.
nvbandwidth_program() {
	local program
	program=$(command -v "${NVBANDWIDTH:-nvbandwidth}") && with_gpu "$program" -l >/dev/null 2>&1 && printf '%s\n' "$program"
}

has_torch() {
	with_gpu python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' >/dev/null 2>&1
}

# prepare_gpu TEST [torch]: torch: PyTorch can do the same
prepare_gpu() {
	[ -e "$gpu_control" ] || { echo 'there is no NVIDIA GPU here'; return 3; }
	find_gpu || return 3
	if nvbandwidth_program >/dev/null; then
		echo "nvbandwidth $1, $((gpu_bytes >> 20)) MiB"
	elif [ "${2:-}" = torch ] && has_torch; then
		echo "PyTorch, copy_() of $((gpu_bytes >> 20)) MiB, as there is no nvbandwidth that starts"
	else
		echo 'there is no nvbandwidth that starts (say where with NVBANDWIDTH=)'
		return 3
	fi
}

# theirs_gpu TEST [FROM TO]: FROM, TO: the devices between which PyTorch copies
theirs_gpu() {
	local program
	if program=$(nvbandwidth_program); then
		with_gpu "$program" -j -b "$((gpu_bytes >> 20))" -t "$1" 2>"$dir/why" |
			jq -e '.nvbandwidth.testcases[0].bandwidth_matrix[0][0] | tonumber * 1e9'
	else
		with_gpu python3 -c "$torch_copies" "$2" "$3" "$gpu_bytes" 2>"$dir/why"
	fi
}

# As nvbandwidth does it: 4 copies before, 16 between two events, the median of 3.
torch_copies='
import statistics, sys, torch
source, sink, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
def buffer(device):
	return torch.empty(size, dtype=torch.uint8, device=device, pin_memory=device == "cpu")
a, b = buffer(source), buffer(sink)
a.fill_(1)
rates = []
for sample in range(3):
	start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
	for i in range(4):
		b.copy_(a, non_blocking=True)
	start.record()
	for i in range(16):
		b.copy_(a, non_blocking=True)
	end.record()
	torch.cuda.synchronize()
	rates.append(16 * size / start.elapsed_time(end) * 1e3)
print("%.0f" % statistics.median(rates))
'

prepare_gpu_h2d() { prepare_gpu host_to_device_memcpy_ce torch; }
ours_gpu_h2d() { ours_gpu h2d ce; }
theirs_gpu_h2d() { theirs_gpu host_to_device_memcpy_ce cpu cuda; }

prepare_gpu_d2h() { prepare_gpu device_to_host_memcpy_ce torch; }
ours_gpu_d2h() { ours_gpu d2h ce; }
theirs_gpu_d2h() { theirs_gpu device_to_host_memcpy_ce cuda cpu; }

prepare_gpu_h2d_sm() { prepare_gpu host_to_device_memcpy_sm; }
ours_gpu_h2d_sm() { ours_gpu h2d sm; }
theirs_gpu_h2d_sm() { theirs_gpu host_to_device_memcpy_sm; }

prepare_gpu_d2h_sm() { prepare_gpu device_to_host_memcpy_sm; }
ours_gpu_d2h_sm() { ours_gpu d2h sm; }
theirs_gpu_d2h_sm() { theirs_gpu device_to_host_memcpy_sm; }

prepare_gpu_local() { prepare_gpu device_local_copy torch; }
ours_gpu_local() { ours_gpu local ce; }
theirs_gpu_local() { theirs_gpu device_local_copy cuda cuda; }

# What watching the GPU costs the copies: the peer is feedline without it.
prepare_gpu_telemetry() {
	[ -e "$gpu_control" ] || { echo 'there is no NVIDIA GPU here'; return 3; }
	find_gpu || return 3
	echo 'gpu.h2d without telemetry'
}
ours_gpu_telemetry() { with_gpu ours gpu.h2d --gpu "$gpu_uuid" --size "$gpu_bytes" --telemetry; }
theirs_gpu_telemetry() { with_gpu ours gpu.h2d --gpu "$gpu_uuid" --size "$gpu_bytes" --telemetry=no; }

rows+=(gpu.h2d gpu.d2h gpu.h2d.sm gpu.d2h.sm gpu.local gpu.telemetry)
bars+=([gpu.h2d]=0.99 [gpu.d2h]=0.99 [gpu.h2d.sm]=0.98 [gpu.d2h.sm]=0.98 [gpu.local]=0.97 [gpu.telemetry]=0.995)
