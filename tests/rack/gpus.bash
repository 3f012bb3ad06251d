# SPDX-License-Identifier: Apache-2.0
# gpus.bash: a tree in which feedline finds GPUs that this machine has not, for tests of everything around them. Sourced
# after common.bash: it sets prefix to a tree of its own below $home, where this machine has 8 GPUs as well, and with_gpus
# changes them. Workers are those of the test tree.
rack=$home/rack

mkdir -p "$rack/libexec/feedline"
cp "$prefix/feedline" "$rack/feedline"
cp -r "$prefix/share" "$rack/share"
for program in "$prefix"/libexec/feedline/feedline-lane-*; do
	ln -s "$program" "$rack/libexec/feedline/"
done
"$prefix/libexec/feedline/feedline-sense" machine >"$home/machine.json"
printf '#!/bin/sh\nexec /bin/cat %s\n' "$home/rack.json" >"$rack/libexec/feedline/feedline-sense"
chmod +x "$rack/libexec/feedline/feedline-sense"
prefix=$rack

# with_gpus [FILTER]: 8 GPUs, changed by a jq filter over their list.
with_gpus() {
	# shellcheck disable=SC2016 # jq's own
	local list='[range(8) | {id: "gpu-0000:\(. + 1)0:00.0", driver: "nvidia", model: "Example GPU", uuid: "GPU-0000000\(.)",
		mig: "off", compute_mode: "default", processes: 0, pending_repairs: 0, node: 0,
		pci: {address: "0000:\(. + 1)0:00.0", vendor: "0x10de", device: "0x2330", node: 0, link: {gts_now: 32, gts_best: 32,
		lanes_now: 16, lanes_best: 16, max_payload_bytes: 256, real: true}}}]'

	jq ".gpus = ($list | ${1:-.})" "$home/machine.json" >"$home/rack.json"
}
with_gpus
