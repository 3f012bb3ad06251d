#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sense.sh BUILD_DIR: feedline-sense over made-up systems (tests/fixtures/sysfs), over this one, over none, and with an NVML
# made up (tests/stubs/nvml/stub.h).
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sense=$1/libexec/feedline/feedline-sense
stub=$1/stub/libexec/feedline/feedline-sense
feedline=$1/feedline
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	printf 'sense: %s\n' "$*" >&2
	exit 1
}

# unpack TREE DIR: "PATH = TEXT" becomes a file, "PATH -> TARGET" a link.
unpack() {
	local path how text
	while read -r path how text; do
		case $how in
		'=' | '->') mkdir -p "$2${path%/*}" ;;&
		'=') printf '%b' "$text" >"$2$path" ;;
		'->') ln -s "$text" "$2$path" ;;
		esac
	done < <(grep '^/' "$1")
}

# Each system gives exactly the machine file that was checked by hand, and that file can be read back.
for tree in "$tests"/fixtures/sysfs/*.tree; do
	name=$(basename "$tree" .tree)
	unpack "$tree" "$work/$name"
	[ ! -f "${tree%.tree}.json" ] || cp "${tree%.tree}.json" "$work/$name/nvml.json"
	"$sense" machine --root "$work/$name" >"$work/$name.json" || fail "$name: status $?"
	diff -u "$tests/golden/sense-$name.json" "$work/$name.json" || fail "$name: not the machine it should be"
	"$feedline" topo --machine "$work/$name.json" >/dev/null || fail "$name: feedline does not take its own machine file"
done

# An answer of the driver that is no machine file costs what it said, and nothing else.
printf '{"schema": 1' >"$work/gpu-server/nvml.json"
"$sense" machine --root "$work/gpu-server" >"$work/broken.json" || fail "a broken answer: status $?"
python3 - "$work/broken.json" <<'END' || fail 'a broken answer: not what the system shows'
import json, sys
m = json.load(open(sys.argv[1]))
assert [g["id"] for g in m["gpus"]] == ["gpu-0000:1%d:00.0" % i for i in (1, 2, 3, 4)], m["gpus"]
assert all(g["uuid"] is None and "no machine file" in g["unknown"]["uuid"] for g in m["gpus"][:3])
assert m["gpu_driver"] == "550.54.15" and m["cuda"] is None and len(m["ports"]) == 6
END

# What is broken is said in one line, with the status for it, and nothing is printed as if it were a machine.
# refused STATUS WORDS ARGS...
refused() {
	local status=0 want=$1 words=$2
	shift 2
	"$sense" "$@" >"$work/out" 2>"$work/err" || status=$?
	[ "$status" = "$want" ] || fail "'$*': status $status instead of $want"
	[ ! -s "$work/out" ] || fail "'$*': printed something"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "'$*': not one line: $(cat "$work/err")"
	grep -q "$words" "$work/err" || fail "'$*': $(cat "$work/err")"
}
refused 2 usage
refused 2 usage nothing
refused 2 usage machine --root
refused 2 'no-such-root' machine --root "$work/no-such-root"
rm -r "$work/two-socket/sys/devices/system/node/node1/distance"
refused 3 'how far' machine --root "$work/two-socket"

# Plug-ins of hwloc are never loaded.
mkdir "$work/plugins"
printf '#include <unistd.h>\n__attribute__((constructor)) static void loaded(void)\n{\n\t_exit(9);\n}\n' >"$work/plugin.c"
cc -shared -fPIC -o "$work/plugins/hwloc_planted.so" "$work/plugin.c"
HWLOC_PLUGINS_PATH=$work/plugins "$sense" machine >/dev/null || fail "plug-ins: status $?"

# The live system: a machine with CPUs and memory, also where the environment pretends another.
HWLOC_SYNTHETIC='node:7 pu:3' "$sense" machine >"$work/live.json" || fail "this machine: status $?"
python3 - "$work/live.json" <<'END' || fail 'this machine: not what the kernel says'
import json, os, sys
m = json.load(open(sys.argv[1]))
assert m["schema"] == 1 and m["host"] == os.uname().nodename and m["kernel"] == os.uname().release
assert m["cpus"] == open("/sys/devices/system/cpu/online").read().strip()
nodes = [d for d in os.listdir("/sys/devices/system/node") if d[4:].isdigit()] if os.path.isdir("/sys/devices/system/node") else [0]
assert len(m["nodes"]) == len(nodes) and any(n["memory_bytes"] > 0 for n in m["nodes"])
assert all(os.path.exists("/sys/block/" + d["block"].replace("/", "!")) for d in m["drives"])
END

# Interfaces: those of our own network namespace. /sys may be of another one, where the same name is another interface.
# seen [COMMAND...]: the NICs that are found behind that command, a line each
seen() {
	"$@" "$sense" machine | jq -r '.nics[] | select(.interface) | "\(.interface) \(.id) \(.pci.address // "-") \(.driver)"'
}
python3 - "$work/live.json" <<'END' || fail 'interfaces: not those that have a device'
import json, os, socket, sys
net, m = "/sys/class/net/", json.load(open(sys.argv[1]))
shown = sorted(os.listdir(net)) if os.path.isdir(net) else []
if shown == sorted(name for _, name in socket.if_nameindex()):
	want = [name for name in shown if os.path.exists(net + name + "/device")]
	assert sorted(n["interface"] for n in m["nics"] if n["interface"]) == want, (m["nics"], want)
END
# in_net: a network and mounts of our own, in which $1 is one end of a veth, number $2; the rest is a script
in_net() {
	unshare -n -m bash -euc 'ip link add "$1" index "$2" type veth; eval "$3"; exec "${@:4}"' in_net "$@"
}
if ! in_net probe0 77 true true 2>/dev/null; then
	echo 'sense: interfaces in namespaces: not tried, which needs root and links of type veth'
else
	for device in /sys/class/net/*/device; do
		[ -e "$device" ] || continue
		name=$(basename "${device%/device}")
		[ -z "$(seen in_net "$name" 77 true)" ] || fail "$name of another namespace has the device of ours"
		# a NIC that sysfs does not show is one all the same, where its bus is told
		address=$(jq -r --arg n "$name" '.nics[] | select(.interface == $n) | .pci.address // empty' "$work/live.json")
		[ -z "$address" ] || [ "$(seen unshare -m bash -c 'mount -t tmpfs none /sys/class/net; exec "$@"' unseen | grep "^$name ")" = \
			"$(seen env | grep "^$name ")" ] || fail "$name, which sysfs does not show, is not the same NIC"
	done

	# made up in the place of sysfs: eth7, number 77, with that address and a device that has that driver
	made='mount -t tmpfs none /sys/class/net; mount -t tmpfs none /sys/devices/virtual
		mkdir -p /sys/devices/virtual/made /sys/devices/virtual/drivers/DRIVER /sys/class/net/eth7
		ln -s /sys/devices/virtual/made /sys/class/net/eth7/device; ln -s ../drivers/DRIVER /sys/devices/virtual/made/driver
		echo 77 >/sys/class/net/eth7/ifindex; echo ADDRESS >/sys/class/net/eth7/address
		ip link set eth7 address 02:00:00:00:00:07'
	made() {
		local script=${made//DRIVER/$2}
		seen in_net eth7 "$1" "${script//ADDRESS/$3}"
	}
	[ "$(made 77 veth 02:00:00:00:00:07)" = 'eth7 nic-eth7 - veth' ] || fail 'the same interface is not found'
	[ -z "$(made 78 veth 02:00:00:00:00:07)" ] || fail 'another number is taken for the same interface'
	[ -z "$(made 77 veth 02:00:00:00:00:08)" ] || fail 'another address is taken for the same interface'
	[ -z "$(made 77 other 02:00:00:00:00:07)" ] || fail 'another driver is taken for the same interface'
fi

# A library with nothing but a few old names: what it can say is known, and each text is cut and printable.
LD_LIBRARY_PATH=$1/tests/old "$sense" gpus >"$work/old.json" || fail "an old library: status $?"
"$feedline" topo --machine "$work/old.json" >/dev/null || fail 'an old library: no machine file'
python3 - "$work/old.json" <<'END' || fail 'an old library: not what it said'
import json, sys
m = json.load(open(sys.argv[1]))
(g,) = m["gpus"]
assert g["id"] == "gpu-10000:ab:01.0" and g["pci"]["device"] == "0x1db1" and g["driver"] == "nvidia"
assert g["model"] == "?" + 95 * "V", g["model"]
assert g["processes"] == 1024 and g["process"] == "4194305" and g["links"] == []
assert g["uuid"] is None and "no such call" in g["unknown"]["uuid"]
END

# Who a GPU is used by is none of ours because it comes from the same script, whatever that is called. The stub's sense asks.
cat >"$work/feedline-nightly" <<'END'
#!/bin/sh
sleep 60 &
CUDA_STUB=nvml:user=0-$! "$1" topo --json
kill $!
END
chmod +x "$work/feedline-nightly"
"$work/feedline-nightly" "$1/stub/feedline" >"$work/nightly.json" || fail "a script that is called feedline-nightly: status $?"
is_used=$(jq '[.gpus[].processes] | add' "$work/nightly.json")
[ "$is_used" = 1 ] || fail "who a script started beside us: $is_used users, not 1"

# The table of the driver's calls has none that nobody makes.
while read -r member; do
	grep -qrwE "nvml\.$member|nvml->$member|nvml, $member" "$tests/../harness/sense" --include='*.c' ||
		fail "nvml.h: nobody calls '$member'"
done < <(sed -nE 's/^\tSYMBOL\((\w+),.*/\1/p' "$tests/../harness/sense/nvml.c")

# The driver: each of its calls missing and failing makes one value unknown, and never the GPU.
python3 - "$stub" "$tests/../harness/sense/nvml.c" <<'END' || fail 'the driver: see above'
import json, os, re, subprocess, sys
stub, symbols = sys.argv[1], re.findall(r'SYMBOL\(\w+,\s*"(\w+)"', open(sys.argv[2]).read())
ADDRESSES = ["0000:%s:00.0" % bus for bus in ("11", "12", "21", "22", "81", "82", "91", "92")]

def ask(text, what="gpus"):
	env = dict(os.environ, CUDA_STUB=text)
	done = subprocess.run([stub, what], env=env, capture_output=True, timeout=60)
	assert done.returncode == 0, (text, done)
	return json.loads(done.stdout)

def unknown(text):
	"""What is not known of any GPU and of its links; that nobody uses it is no such thing."""
	found = set()
	m = ask(text)
	for gpu in m["gpus"]:
		found |= set(gpu.get("unknown", {})) - {"process"}
		if gpu["pci"]:
			found |= set(gpu["pci"]["link"].get("unknown", {})) - {"max_payload_bytes"}
		else:
			found.add("pci")
		for link in gpu["links"]:
			found |= {"links." + name for name in link.get("unknown", {})}
		if not gpu["links"]:
			found.add("links")
	found |= set(m.get("unknown", {})) & {"gpu_driver", "cuda"}
	return found

# symbol: what it alone tells. Those that are not here tell nothing that a machine file has, or have a second source.
tells = {
	"nvmlSystemGetDriverVersion": {"gpu_driver"},
	"nvmlSystemGetCudaDriverVersion_v2": {"cuda"},
	"nvmlDeviceGetName": {"model"},
	"nvmlDeviceGetUUID": {"uuid"},
	"nvmlDeviceGetVbiosVersion": {"firmware"},
	"nvmlDeviceGetMemoryBusWidth": {"memory_bytes_per_s"},
	"nvmlDeviceGetMaxClockInfo": {"memory_bytes_per_s", "clock_max_hz"},
	"nvmlDeviceGetComputeMode": {"compute_mode"},
	"nvmlDeviceGetEccMode": {"ecc"},
	"nvmlDeviceGetMigMode": {"mig"},
	"nvmlDeviceGetEnforcedPowerLimit": {"power_limit_w"},
	"nvmlDeviceGetCurrPcieLinkGeneration": {"gts_now"},
	"nvmlDeviceGetCurrPcieLinkWidth": {"lanes_now"},
	"nvmlDeviceGetMaxPcieLinkWidth": {"lanes_best"},
	"nvmlDeviceGetNvLinkState": {"links"},
	"nvmlDeviceGetPciInfo_v3": {"pci"},
}
nodes = len(ask("")["nodes"])
if nodes > 1:
	tells["nvmlDeviceGetMemoryAffinity"] = {"node"}
alone = unknown("") # on a machine with one node, or two, nothing
assert not alone or nodes not in (1, 2), alone
dead = {"nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"}
assert len(symbols) > 40 and set(tells) | dead <= set(symbols)
for symbol in symbols:
	for text, missing in (("nvml:missing=%s" % symbol, True), ("nvml:%s:1+:fail=999" % symbol, False)):
		if symbol in dead:
			m = ask(text)
			assert m["gpus"] == [], text
			assert symbol != "nvmlInit_v2" or m["unknown"]["gpu_driver"], text
			continue
		want = tells.get(symbol, set()) | alone
		if symbol == "nvmlDeviceGetMaxPcieLinkGeneration" and not missing:
			want |= {"gts_best"}
		assert unknown(text) == want, (text, unknown(text), want)
		assert len(ask(text)["gpus"]) == 8, text

# What two sources tell is unknown where both fail.
for pair, name in ((("nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"), "memory_bytes"),
		   (("nvmlDeviceGetRemappedRows", "nvmlDeviceGetRetiredPagesPendingStatus"), "pending_repairs"),
		   (("nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses"), "processes"),
		   (("nvmlDeviceGetFieldValues", "nvmlDeviceGetNvLinkVersion"), "links.bytes_per_s"),
		   (("nvmlDeviceGetNvLinkRemoteDeviceType", "nvmlDeviceGetNvLinkRemotePciInfo_v2"), "links.peer"),
		   (("nvmlDeviceGetGpuMaxPcieLinkGeneration", "nvmlDeviceGetMaxPcieLinkGeneration"), "gts_best")):
	text = ",".join("nvml:%s:1+:fail=3" % symbol if symbol != "nvmlDeviceGetMaxPcieLinkGeneration"
			else "nvml:missing=" + symbol for symbol in pair)
	assert unknown(text) == alone | {name}, (text, unknown(text))

# The whole machine: where the system shows the GPUs and their ports, and the driver all else.
m = ask("mig=1,nvml:users=0,busy=1,nvml:repairs=2,prohibited=3,exclusive=4", "machine")
by = {g["id"]: g for g in m["gpus"]}
whole = [g for g in m["gpus"] if not g["parent"]]
assert [g["pci"]["address"] for g in whole] == ADDRESSES
ports = {p["pci"]["address"]: p["pci"] for p in m["ports"]}
for g in whole:
	above = ports[ports[g["pci"]["upstream"]]["upstream"]]
	assert ports[above["upstream"]]["upstream"] is None
assert len({ports[g["pci"]["upstream"]]["upstream"] for g in whole}) == 4
name = open("/proc/1/comm").read().strip()
assert whole[0]["processes"] == 2 and whole[0]["process"] == "1 " + name, whole[0]
assert whole[1]["processes"] == 1 and whole[1]["compute_mode"] == "exclusive process"
assert [g["pending_repairs"] for g in whole] == [0, 0, 1, 0, 0, 0, 0, 0]
assert whole[3]["compute_mode"] == "prohibited" and whole[4]["compute_mode"] == "exclusive process"
assert [g["mig"] for g in whole] == 7 * ["off"] + ["on"]
parts = [g for g in m["gpus"] if g["parent"]]
assert [g["uuid"][-2:] for g in parts] == ["a0", "a1"] and {g["parent"] for g in parts} == {"gpu-0000:92:00.0"}
assert all(g["pci"] == whole[7]["pci"] and g["memory_bytes"] * 2 == whole[7]["memory_bytes"] for g in parts)
assert all(not link["up"] for link in whole[7]["links"]) and len(whole[0]["links"]) == 18
assert {(link["peer"], link["bytes_per_s"]) for link in whole[0]["links"]} == {("switch", 26562000000)}
m = ask("nvml:missing=nvmlDeviceGetNvLinkRemoteDeviceType", "machine")
assert {link["peer"] for link in m["gpus"][4]["links"]} == {"gpu-0000:82:00.0"}

# A GPU that only the driver knows; one that is lost; none; a driver that is old, absent, hangs, crashes.
m = ask("nvml:hidden", "machine")
assert [g["id"] for g in m["gpus"]] == ["gpu-" + address for address in ADDRESSES]
assert all(g["driver"] == "nvidia" and g["pci"]["upstream"] is None for g in m["gpus"])
m = ask("lost=2", "machine")
assert [g["uuid"] is None for g in m["gpus"]] == [i == 2 for i in range(8)]
assert m["gpus"][2]["unknown"]["uuid"] == "the NVIDIA driver does not list it" and m["gpus"][2]["pci"]["upstream"]
assert ask("gpus=0", "machine")["gpus"] == []
for text, why in (("driver=0", "not loaded"), ("nvml:none", "library is not here"),
		  ("nvml:nvmlInit_v2:1:fail=18", "different versions"),
		  ("nvml:nvmlInit_v2:1:hang", "did not answer within 2 s"),
		  ("nvml:gpu3:nvmlDeviceGetName:1:hang", "did not answer within 2 s"),
		  ("nvml:gpu3:nvmlDeviceGetName:1:crash", "")):
	m = ask(text, "machine")
	assert len(m["gpus"]) == 8 and len(m["ports"]) == 16, text
	assert all(g["uuid"] is None and why in g["unknown"]["uuid"] and g["pci"]["upstream"] for g in m["gpus"]), (text, m["gpus"][0])
	assert m["gpu_driver"] is None and why in m["unknown"]["gpu_driver"], text
assert ask("driver=12040", "machine")["cuda"] == "12.4"
m = ask("nvml:missing=nvmlDeviceGetPciInfo_v3", "machine")
assert [g["pci"]["address"] for g in m["gpus"]] == ADDRESSES and all(g["uuid"] is None for g in m["gpus"])
END
