#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# schemas.sh BUILD_DIR: every document that feedline prints is as its schema says, good results and bad ones; and a schema
# refuses documents that are damaged. Needs python3-jsonschema.
# shellcheck source=tests/rack/common.bash
. "$(dirname "$0")/common.bash" "$1"
tests=$(cd "$(dirname "$0")/.." && pwd)
schemas=$build/share/feedline/schemas
if ! /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	echo 'schemas.sh: no python3-jsonschema (scripts/setup installs it)'
	exit 77
fi
cd "$home"

# The newest of that name: the tree keeps older ones that were built into it.
newest() {
	printf '%s\n' "$schemas/$1"-[0-9]*.json | sort -V | tail -n 1
}

# valid NAME DOCUMENT...: as the schema of that name says? What is wrong is the complaint.
valid() {
	local name=$1
	shift
	is '' "$("$tests/rack/validate.py" "$(newest "$name")" "$@" 2>&1)" "$name: ${*##*/}"
}

# damaged NAME DOCUMENT FILTER: is to be refused by the schema of that name, once it is changed so (all_refused).
declare -a damaged_by=() # the filters: damaged/NAME/I.json is by the I-th
damaged() {
	mkdir -p "damaged/$1"
	jq "$3" "$2" >"damaged/$1/${#damaged_by[@]}.json"
	damaged_by+=("$3")
}
# Many at once: a reader of schemas takes long to start.
all_refused() {
	local name document i
	for name in damaged/*; do
		"$tests/rack/validate.py" "$(newest "${name##*/}")" "$name"/*.json >said 2>&1 || true
		for document in "$name"/*.json; do
			i=${document##*/}
			is yes "$(grep -qF "$document: $" said && echo yes || echo no)" "${name##*/} refuses ${damaged_by[${i%.json}]}"
		done
	done
}

# ---- what is expected of the renderers

valid report "$tests"/golden/report-*.json
valid compare "$tests/golden/change.json"
valid machine "$tests"/golden/sense-*.json "$tests"/fixtures/machines/*.json

# ---- what programs print

feedline list --json >list.json
feedline list --probe --json >probed.json
valid list list.json probed.json

feedline topo --json >machine.json
valid machine machine.json

cat >suite.yaml <<'SUITE'
- bench: null.nop
  with: {duration: 50ms}
  repeat: 2
- together:
    - bench: memory.copy
      with: {duration: 50ms, memory: local}
    - bench: null.pipeline
      with: {duration: 50ms}
- bench: storage.read
  with: {path: "cache:8MiB", duration: 50ms}
  beside: [{bench: memory.copy, with: {duration: 50ms, memory: local}}]
- bench: null.pipeline
  with: {duration: 20ms}
  sweep: {depth: 1..8}
- bench: null.pipeline
  with: {duration: 20ms}
  sweep: {depth: [2, 2]}
  study: ab
- bench: null.nop
  with: {duration: 20ms}
  study: calibration
  primary: [null.nop]
SUITE
feedline run --suite suite.yaml --dry-run --json >plan.json
feedline bench null.nop --dry-run --json >plan-of-bench.json
feedline run --suite feed --demand all --dry-run --json >plan-of-feed.json
valid dry-run plan.json plan-of-bench.json plan-of-feed.json

feedline run --suite suite.yaml --store "$store" --json >run.json 2>/dev/null || true
feedline report --store "$store" --format json >report.json
feedline bench null.pipeline --duration 300ms --repeat 2 --store "$store" --json >bench.json || true
valid report run.json report.json bench.json "$home"/store.reports/*.json
for script in crash_open crash_step hang_open fail_open wrong_data lie_steps spoilt_half flood_stdout; do
	feedline bench null.scripted --script $script --duration 50ms --timeout 500ms --store "$store" --json \
		>$script.json 2>/dev/null || true
	valid report $script.json
done
feedline runs --store "$store" --json >runs.json
valid runs runs.json
feedline runs --json >no-runs.json
valid runs no-runs.json

feedline data make "$home/set" --size 8MiB --store "$store" --json >made.json
feedline data make "$home/set" --size 8MiB --store "$store" --json >there.json
feedline data verify "$home/set" --store "$store" --json >verified.json
truncate -s 4096 "$home/set/data-00000000"
feedline data verify "$home/set" --store "$store" --json >wrong.json 2>/dev/null || true
feedline data remove "$home/set" --json >removed.json
valid data made.json there.json verified.json wrong.json removed.json

# ---- runs held against each other, named, raw, and on their way to another store

feedline bench null.pipeline --duration 300ms --repeat 2 --store "$store" >/dev/null 2>&1 || true
feedline bench null.pipeline --duration 300ms --store "$store" >/dev/null 2>&1 || true
mapfile -t ids < <(feedline runs --store "$store" --json | jq -r '.runs[].id')
last=$((${#ids[@]} - 1))
feedline compare "${ids[1]}" "${ids[last - 1]}" --store "$store" --json >compare.json || true
feedline compare "${ids[1]}" "${ids[last - 1]},${ids[last]}" --store "$store" --json >several.json || true
feedline compare "${ids[0]}" last --store "$store" --json >refused.json || true
valid compare compare.json several.json refused.json
feedline baseline list --store "$store" --json >no-baselines.json
feedline baseline set good "${ids[1]}" "${ids[last]}" --note 'as it should be' --store "$store" 2>/dev/null
feedline baseline set plain "${ids[0]}" --store "$store" 2>/dev/null
feedline baseline list --store "$store" --json >baselines.json
valid baselines no-baselines.json baselines.json
feedline baseline show good --store "$store" --json >baseline.json
feedline baseline show plain --store "$store" --json >plain.json
valid baseline baseline.json plain.json
for id in "${ids[@]}"; do
	feedline show "$id" --json --store "$store" >"show-$id.json"
done
feedline show good --json --samples --store "$store" >show.json
valid show show.json show-*.json
feedline export --store "$store" >export.jsonl
valid export export.jsonl

# ---- what is refused

for change in '.schema = 2' 'del(.schema)' '.extra = 1' '.status = 6' '.verdict = "passed"' 'del(.lanes)' '.started = 1' \
	'.lanes[0].extra = 1' 'del(.lanes[0].reason)' '.lanes[0].verdict = "ok"' '.lanes[0].reason = null' \
	'.lanes[0].metrics.ops_per_s.median = "9"' '.lanes[0].metrics.ops_per_s.median = null' \
	'.lanes[0].metrics.ops_per_s.extra = 1' '.lanes[0].metrics["Ops/s"] = .lanes[0].metrics.ops_per_s' \
	'.lanes[0].metrics.ops_per_s.n = 0' '.lanes[0].metrics.ops_per_s.max = 1' '.lanes[0].cap_bytes_per_s = "none"' \
	'.lanes[0].placement.cpus = "0;1"' '.lanes[0].options.duration = null' 'del(.counts.fail)' '.machine.cpu = 1'; do
	damaged report run.json "$change"
done
for change in '.schema = 2' '.did = "made"' '.extra = 1' '.bytes = -1' '.bytes_per_s = 0' '.seed = 7' 'del(.wrong)'; do
	damaged data made.json "$change"
done
for change in '.schema = 0' '.runs[0].state = "done"' '.runs[0].status = null' '.runs[0].state = "interrupted"' \
	'.runs[0].id = ""' 'del(.runs[0].suite)'; do
	damaged runs runs.json "$change"
done
for change in '.schema = 2' '.benchmarks[0].fields[0].type = "int"' '.benchmarks[0].available = false' \
	'.benchmarks[0].metrics[0].better = "more"' '.benchmarks[0].name = "x."' 'del(.benchmarks[0].hint)' \
	'del(.benchmarks[0].rungs)' '.benchmarks[] |= (.rungs[0].source |= 7)' 'del(.demands)' '.demands[0].step_bytes = 1' \
	'.demands[0].extra = 1' 'del(.demands[0].source)' '.demands[0].name = "a b"'; do
	damaged list list.json "$change"
done
for change in '.schema = 2' '.nodes[0].class = "ram"' '.limits.cpus = null' '.nodes[0].memory_bytes = "1GB"' \
	'.drives = null' '.unknown = {"host": 1}' 'del(.limits.unknown, .limits.cpu_quota)'; do
	damaged machine machine.json "$change"
done
for change in '.schema = 2' '.status = 2' '.verdict = "invalid"' '.extra = 1' '.before.runs = []' 'del(.around)' '.lanes = []' \
	'.lanes[0].refused = 1' '.lanes[0].refused = "x"' '.lanes[0].verdict = "fail"' '.lanes[0].extra = 1' \
	'.lanes[0].metrics.bytes_per_s.p = 2' '.lanes[0].metrics.bytes_per_s.moved = "worse"' \
	'.lanes[0].metrics.bytes_per_s.verdict = "unjudged"' '.lanes[0].metrics.step_ns.verdict = "pass"' \
	'.lanes[0].metrics.bytes_per_s.reason = null | .lanes[0].metrics.bytes_per_s.verdict = "fail"' \
	'.lanes[0].metrics.bytes_per_s.change.extra = 1' '.around.differences += [{path: 1, before: null, after: null}]'; do
	damaged compare compare.json "$change"
done
for change in '.schema = 0' '.baselines[0].name = "a b"' '.baselines[0].runs = []' '.baselines[0].created = 1' \
	'.baselines[0].extra = 1' 'del(.baselines[0].note)'; do
	damaged baselines baselines.json "$change"
done
for change in '.schema = 0' '.passes = -1' '.metrics[0].metric = "Ops/s"' '.metrics[0].floor_ratio = -1' '.runs = []' \
	'.metrics[0].extra = 1' 'del(.created)'; do
	damaged baseline baseline.json "$change"
done
for change in '.schema = 0' '.baseline.created = 1' '.runs = []' '.runs[0].state = "running"' '.runs[0].lanes[0].rounds = []' \
	'.runs[0].lanes[0].rounds[0].outcome = "ok"' '.runs[0].lanes[0].metrics.bytes_per_s.medians[0] = "1"' \
	'.runs[0].lanes[0].metrics.bytes_per_s.samples[0].valid[0] = 1' '.runs[0].lanes[0].extra = 1'; do
	damaged show show.json "$change"
done
jq -nc 'first(inputs | select(.lane.series[0]))' export.jsonl >lane.json
jq -nc 'first(inputs | select(.run))' export.jsonl >line-of-run.json
for change in '.extra = 1' '.lane.extra = 1' '.lane.outcome = "ok"' '.lane.series[0].kind = "list"' \
	'.lane.series[0].value[0] = "1.5"' '.lane.series[0].valid = [2]' 'del(.lane.notes)' '.lane.options = []' '{}'; do
	damaged export lane.json "$change"
done
for change in '.run.id = "a/b"' '.run.status = "0"' '.run.extra = 1' 'del(.run.plan)' '. + {baseline: {}}'; do
	damaged export line-of-run.json "$change"
done
for change in '.schema = 0' '.plan.schema = 0' '.plan.cases[0].rounds = 0' '.plan.cases[0].lanes = []' \
	'.plan.cases[0].lanes[0].options.x = 1' '.time_ns = -1'; do
	damaged dry-run plan.json "$change"
done

all_refused
finish
