#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# add-a-benchmark.sh: the example of CONTRIBUTING.md, "Add a benchmark", is built and runs as it stands there: in a copy of
# the tree, with that one file and that one row added.
set -euo pipefail

: "${1:?usage: add-a-benchmark.sh BUILD_DIR}"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

section() {
	awk '/^## /{ inside = $0 == "## Add a benchmark" } inside' "$root/CONTRIBUTING.md"
}
# The first block of C in the section is the file; its row says where it goes.
code() {
	section | awk '/^```c$/ { inside = 1; next } /^```$/ && inside { inside = 0; done = 1 } inside && !done'
}

row=$(section | grep -E '^FL_BENCHMARK\(host, [a-z0-9_]+, [a-z0-9_]+\)$')
[[ $row =~ \(host,\ (.*),\ (.*)\) ]]
file=benchmarks/${BASH_REMATCH[1]}/${BASH_REMATCH[2]}.c
name=$(code | sed -nE 's/.*\.name = "([a-z0-9_.]+)".*/\1/p' | awk 'NR == 1')
printf 'adding %s (%s) with the row %s\n' "$name" "$file" "$row"
[ -n "$name" ] && [ ! -e "$root/$file" ]

mkdir "$dir/tree"
(cd "$root" && tar --exclude=./build --exclude=./.git -cf - .) | tar -xf - -C "$dir/tree"
mkdir -p "$dir/tree/$(dirname "$file")"
code >"$dir/tree/$file"
printf '%s\n' "$row" >>"$dir/tree/benchmarks/benchmarks.list"
cd "$dir/tree"
clang-format --style=file --dry-run -Werror "$file"
cmake --preset release --no-warn-unused-cli -DFEEDLINE_TESTS=OFF >/dev/null
cmake --build --preset release --target feedline feedline-sense manifest-host >"$dir/log" || { cat "$dir/log"; exit 1; }

export HOME=$dir XDG_STATE_HOME=$dir/state XDG_CACHE_HOME=$dir/cache
build/release/feedline list | grep -F "$name"
build/release/feedline doc "$dir/share"
grep -F ".SS $name" "$dir/share/man/man1/feedline-bench.1"
grep -F "'bench $name options'" "$dir/share/bash-completion/completions/feedline"
build/release/feedline bench "$name" --duration 50ms --json >"$dir/result" || [ $? = 4 ]
jq -e --arg name "$name" '.lanes | length > 0 and all(.bench == $name and (.metrics | length > 0))' "$dir/result"
