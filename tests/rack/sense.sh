#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sense.sh BUILD_DIR: feedline-sense over made-up systems (tests/fixtures/sysfs), over this one, and over none.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sense=$1/libexec/feedline/feedline-sense
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
