#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compare.sh BUILD_DIR: runs held against each other and named as baselines, as people call it: alike, slower by a real cause,
# unlike, too few, damaged, from elsewhere. null.pipeline keeps its pace also where this machine is busy, and that it is busy
# is a true reason for distrust, but not what this is about. Needs jq.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
fixtures=$(cd "$(dirname "${BASH_SOURCE[0]}")/../fixtures" && pwd)
cd "$home"
left_out=()
pace=(null.pipeline --batch 64KiB --pace 10ms --consume 2ms --duration 300ms)

# run WORDS...: calls feedline with our store; out, err and rc are about this call.
run() {
	rc=0
	feedline "$@" --store "$store" >out 2>err || rc=$?
}

# refused CAUSE [HINT]: the last call failed with status 2, nothing on standard output and one line of cause and hint.
refused() {
	is 2 "$rc" "status of '$1'"
	is '1 0' "$(wc -l <err) $(wc -c <out)" "lines and output of '$1'"
	has "$(<err)" "$1" 'cause'
	has "$(<err)" "${2-}" "hint of '$1'"
}

# measure ARGS...: a benchmark, once; id is its run.
measure() {
	feedline bench "$@" --store "$store" --json >measured 2>err || true
	id=$(jq -r .run measured)
}

# compare WORDS...: as run does; the status is what it were if nobody else used this machine.
compare() {
	run compare "$@" --json
	mv out change.json
	[ "$rc" != 4 ] || rc=$(jq --arg o '^run [^ ]*: (other programs took|the hypervisor took|its threads waited)' \
		'if all(.lanes[].distrust[]; test($o)) then
			if .verdict == "fail" then 1 elif .verdict == "pass" then 0 else 3 end else 4 end' change.json)
}
change() {
	jq -r "$1" change.json
}

# copy ID NEW FILTER: that run again as another one; the filter changes each of its lines.
copy() {
	feedline export "$1" --store "$store" | jq -c --arg new "$2" "if .run then .run.id = \$new elif .end_of_run then
		.end_of_run.id = \$new else . end | $3" >copied.jsonl
	feedline import copied.jsonl --store "$store" 2>err || cat err
}
quiet='if .lane then .lane.distrust = [] else . end' # as if this machine had not been busy
slower='if .lane then .lane.series |= map(if .metric == "bytes_per_s" then .value |= map(. * 0.8) else . end) else . end'

# ---- alike

measure "${pace[@]}" --repeat 8
a=$id
measure "${pace[@]}" --repeat 8
b=$id
compare "$a" "$b"
is '0 pass' "$rc $(change .verdict)" 'two runs that are alike'
is '8 8' "$(change '[.lanes[0].metrics.bytes_per_s | .before.n, .after.n] | join(" ")')" 'rounds of both sides'
cp change.json first.json
compare "$a"
is 0 "$rc" 'B left out'
is last "$(change .after.name)" 'B left out is the newest'
is "$(jq -c .lanes first.json)" "$(change tojson | jq -c .lanes)" 'B left out and named'
measure "${pace[@]}" --repeat 8
compare "$a,$b" last
is '0 16 8' "$rc $(change '[.lanes[0].metrics.bytes_per_s | .before.n, .after.n] | join(" ")')" 'several runs of a side'

# ---- named wrongly

run compare "$a" "$a"
refused "run '$a' is on both sides" "'feedline runs'"
run compare "$a,$b" "$b"
refused "run '$b' is on both sides"
run compare "$a,$a" "$b"
refused "run '$a' is named twice"
run compare
refused 'compare: what with what?' 'BEFORE AFTER'
run compare "$a" "$b" "$b"
refused "'$b'"
run compare "${a%?}" "$b"
refused "no run and no baseline '${a%?}'" "did you mean '"
run compare "$a," "$b"
refused "no run and no baseline ''"
for tolerance in -1 1.5 nan '' 101% many; do
	run compare "$a" "$b" --tolerance "$tolerance"
	is '2 1' "$rc $(wc -l <err)" "tolerance '$tolerance'"
done
compare "$a" "$b" --tolerance 50%
is '0 0.5' "$rc $(change .tolerance_ratio)" 'a tolerance'

# ---- another option, another duration, another folder of options: not the same lane

measure null.pipeline --batch 64KiB --pace 10ms --consume 3ms --duration 300ms --repeat 8
run compare "$a" "$id"
refused 'have no lane in common' 'the same options'
measure "${pace[@]}" --repeat 2 --duration 200ms
compare "$a" "$id"
is "3 not measured unlike: duration_ns was '300000000', is '200000000'" "$rc $(change '[.verdict, .lanes[0].refused] | join(" ")')" \
	'another duration'
cat >two.yaml <<'SUITE'
- bench: null.pipeline
  with: {batch: 64KiB, pace: 10ms, consume: 2ms, duration: 300ms}
  repeat: 4
- bench: null.pipeline
  with: {batch: 32KiB, pace: 10ms, consume: 2ms, duration: 100ms}
- bench: null.nop
  with: {duration: 20ms}
SUITE
run run --suite two.yaml
refused='[.lanes[] | select(.refused) | "\(.refused): \(.verdict)"] | join(", ")'
compare "$a" last
is '3 only B has it: not measured, only B has it: unjudged' "$rc $(change "$refused")" 'lanes that only B has'
compare last "$a"
is '3 only A has it: not measured, only A has it: unjudged' "$rc $(change "$refused")" 'lanes that only A has'

# ---- too few rounds; the number that is named decides

measure "${pace[@]}" --repeat 2
few=$id
measure "${pace[@]}" --repeat 2
compare "$few" "$id"
is '3 inconclusive' "$rc $(change .verdict)" 'two rounds'
n=$(change '.lanes[0].metrics.bytes_per_s.hint | capture("with --repeat (?<n>[0-9]+)$").n')
is true "$([ "$n" -gt 2 ] && [ "$n" -le 100 ] && echo true)" "rounds that would decide: '$n'"
measure "${pace[@]}" --repeat "$n"
before=$id
measure "${pace[@]}" --repeat "$n"
compare "$before" "$id"
is '0 pass' "$rc $(change .verdict)" "as many rounds as were said to decide: $n"

# ---- slower: as if it were, and by a real cause

copy "$a" quiet-a "$quiet"
copy "$b" quiet-b "$quiet"
copy "$b" slower-b "$quiet | $slower"
run compare quiet-a quiet-b
is 0 "$rc" 'two quiet runs'
run compare quiet-a slower-b
is 1 "$rc" 'a quiet run that is slower'
has "$(<out)" 'regressed: null.pipeline' 'a regression'
has "$(<out)" 'feedline bench null.pipeline' 'how to see a regression again'
run compare slower-b quiet-b
is 0 "$rc" 'an improvement'
has "$(<out)" 'better, beyond the line' 'an improvement'
run compare quiet-a slower-b --tolerance 0.3
is 0 "$rc" 'a tolerance above the change'
rc=0
feedline compare quiet-a slower-b --store "$store" >/dev/full 2>err || rc=$?
is 1 "$rc" 'a regression that cannot be printed is one all the same'
has "$(<err)" 'No space left' 'a full device'
rc=0
feedline compare quiet-a quiet-b --store "$store" >/dev/full 2>err || rc=$?
is 3 "$rc" 'a comparison that cannot be printed is no pass'

# A quota stops the pipeline, which is seen: the regression is told, but it is not the machine's, so that it is not a fail.
group=/sys/fs/cgroup/cpu/feedline-compare-$$
large=(--batch 4MiB --depth 2 --pace 10ms --consume 2ms --duration 300ms)
if [ -e /sys/fs/cgroup/cpu/cpu.cfs_quota_us ] && mkdir "$group" 2>/dev/null; then
	echo 4000 >"$group/cpu.cfs_quota_us"
	# shellcheck disable=SC2016 # the inner shell expands these
	timeout -s KILL 300 bash -c 'echo $$ >"$0/tasks" && exec "$@"' "$group" "$prefix/feedline" bench null.pipeline \
		"${large[@]}" --repeat 6 --store "$store" >/dev/null 2>err || true
	rmdir "$group"
	stopped=$(feedline runs --store "$store" --json | jq -r '.runs[-1].id')
	measure null.pipeline "${large[@]}" --repeat 6
	compare "$stopped" last
	is '4 improved' "$rc $(change .lanes[0].metrics.bytes_per_s.moved)" 'without a quota after one'
	compare last "$stopped"
	is '4 fail regressed' "$rc $(change '[.verdict, .lanes[0].metrics.bytes_per_s.moved] | join(" ")')" 'under a quota'
	has "$(change '.lanes[0].distrust | join("; ")')" "run $stopped: the cgroup's CPU quota stopped it" 'distrust under a quota'
	has "$(change '[.around.differences[].path] | join(" ")')" 'quota' 'what else was different under a quota'
else
	left_out+=('cpu quota')
fi

# ---- baselines

run baseline list
is '0 1' "$rc $(wc -l <out)" 'no baselines'
run baseline set good "$a" "$b" --note 'as it should be'
is "0 feedline: baseline 'good' is 2 runs" "$rc $(<err)" 'baseline set'
run baseline set good "$a"
refused "baseline 'good' is already" '--replace'
run baseline set "$a" "$b"
refused "'$a' is the id of a run"
for name in 'a b' a/b last '' $'a\nb' "$(printf 'x%.0s' {1..100})"; do
	run baseline set "$name" "$a"
	is '2 1' "$rc $(wc -l <err)" "baseline '$name'"
done
run baseline set other nonsense
refused "no run 'nonsense'"
run baseline set other "$a" "$a"
refused "run '$a' is named twice"
run baseline set other
refused 'too few words' 'baseline set NAME RUN...'
compare good slower-b
is '1 16 good' "$rc $(change '[.lanes[0].metrics.bytes_per_s.before.n, .before.name] | join(" ")')" 'a baseline and a run'
run compare goad slower-b
refused "no run and no baseline 'goad'" "did you mean 'good'?"
compare good,quiet-a slower-b
is 1 "$rc" 'a baseline and a run on one side'
run compare good "$b"
refused "run '$b' is on both sides"
run compare good slower-b --noise good
refused "'good' has fewer than 5 passes" 'calibrate'
run baseline set good "$b" --replace
is 0 "$rc" 'baseline set --replace'
run baseline list --json
is "good $b null" "$(jq -r '.baselines[] | "\(.name) \(.runs | join(",")) \(.note)"' out)" 'baseline list --json'
run baseline show good
has "$(<out)" 'not calibrated: fewer than 5 passes' 'baseline show'
run baseline show goof
refused "no baseline 'goof'" "did you mean 'good'?"
run baseline show good --json
is "0 8" "$(jq -r '"\(.passes) \(.metrics[] | select(.primary) | .n)"' out)" 'baseline show --json'
run baseline remove good
is "0 2" "$rc $(feedline runs --store "$store" --json | jq --arg a "$a" --arg b "$b" '[.runs[].id | select(. == $a or . == $b)] | length')" \
	'baseline remove: its runs stay'
run baseline remove good
refused "no baseline 'good'"
run baseline steal good
refused "unknown verb 'steal'" 'baseline'
run baseline show good --replace
refused "'--replace'"

# ---- calibration

cat >suite.yaml <<'SUITE'
- bench: null.pipeline
  with: {batch: 64KiB, pace: 2ms, consume: 1ms}
- bench: null.nop
SUITE
calibrate=(--suite suite.yaml --passes 5 --repeat 2 --duration 50ms)
before=$(feedline runs --store "$store" --json | jq '.runs | length')
run baseline set taken "$a"
for name in a/b taken "$a" last; do
	run baseline calibrate "$name" "${calibrate[@]}"
	refused "'$name'"
done
run baseline calibrate
refused 'which name?' 'baseline calibrate NAME'
run baseline calibrate --suite suite.yaml
refused 'which name?'
is "$before" "$(feedline runs --store "$store" --json | jq '.runs | length')" 'what is refused measures nothing'
run baseline calibrate steady "${calibrate[@]}"
is true "$([ "$rc" = 0 ] || [ "$rc" = 4 ] && echo true)" "calibration: $rc ($(<err))"
run baseline show steady --json
is '5 10' "$(jq -r '"\(.passes) \([.metrics[] | select(.metric == "bytes_per_s") | .n] | max)"' out)" 'passes and rounds'
run run --suite suite.yaml --repeat 2 --duration 50ms
compare steady last
is '5 true' "$(change '"\(.calibration_passes) \(.lanes[0].metrics.bytes_per_s.line_ratio >= 0.02)"')" 'a calibrated baseline'
is number "$(change '.lanes[0].metrics.bytes_per_s.floor_ratio | type')" 'its noise'
run compare "$a" "$b" --noise steady
refused 'tells the noise of none of the lanes' 'the same suite'

# Interrupted: nothing is named yet; what is said goes on and names it.
rc=0
timeout --preserve-status -s INT 3 "$prefix/feedline" baseline calibrate later --suite suite.yaml --passes 5 --repeat 2 \
	--duration 250ms --store "$store" >out 2>err || rc=$?
id=$(feedline runs --store "$store" --json | jq -r '.runs[-1].id')
has "$(<err)" "go on with: feedline run --resume $id --store $store --baseline later" 'hint after an interruption'
is interrupted "$(feedline runs --store "$store" --json | jq -r '.runs[-1].state')" 'an interrupted calibration'
run baseline show later
refused "no baseline 'later'"
run baseline set later "$id"
refused "run '$id' is not finished" "--resume $id"
compare steady "$id"
has "$(<err)" "run '$id' is not finished" 'an unfinished run is compared with a word about it'
run run --resume "$id" --baseline later
has "$(<err)" "run '$id' is baseline 'later'" 'an interrupted calibration goes on'
run run --resume "$id" --baseline again
refused "run '$id' is finished" "baseline set again $id"

# ---- many

feedline export "$few" --store "$store" | jq -c 'select(.run or .lane or .end_of_run) | if .lane then .lane.series = [] else . end |
	if .end_of_run then .end_of_run += {series: 0, samples: 0, watched: 0} else . end' >one
{
	feedline export "$few" --store "$store" | jq -c 'select(.feedline_export)'
	jq -sc '. as $lines | range(1001) as $i | $lines[] | if .run then .run.id = "many-\($i)" elif .end_of_run then
		.end_of_run.id = "many-\($i)" else . end' one
	printf '{"end_of_export":{"runs":1001,"baselines":0}}\n'
} >many.jsonl
run import many.jsonl
is 0 "$rc" "import of many ($(<err))"
run baseline set many many-{0..1000}
is '2 1' "$rc $(wc -l <err)" 'a baseline of 1001 runs'
run baseline set many many-{0..999}
is 0 "$rc" "a baseline of 1000 runs ($(<err))"
run baseline show many --json
is 1000 "$(jq '.runs | length' out)" 'runs of a large baseline'
compare many "$few"
is '3 not measured' "$rc $(change .verdict)" 'a large baseline that holds no numbers'

# ---- old stores, stores that cannot be written, other places

cp "$fixtures/stores/schema-1.db" old.db
chmod 0444 old.db
feedline baseline list --store old.db --json >out
is 0 "$(jq '.baselines | length' out)" 'baselines of schema 1'
rc=0
feedline compare 20261122T094512Z-7f3a9c 20261122T094530Z-0b1c2d --store old.db --json >old.json 2>err || rc=$?
is 3 "$rc" "runs of schema 1 ($(<err))"
is yes "$(cmp -s old.db "$fixtures/stores/schema-1.db" && echo yes)" 'comparing leaves an old store as it is'
chmod 0644 old.db
feedline baseline set old 20261122T094512Z-7f3a9c --store old.db 2>err
rc=0
feedline compare 20261122T094512Z-7f3a9c 20261122T094530Z-0b1c2d --store old.db --json >out 2>err || rc=$?
is yes "$(cmp -s out old.json && echo yes)" 'runs of schema 1 after migration'

mkdir -p sealed elsewhere/deep
feedline export --store "$store" >whole.jsonl
feedline import whole.jsonl --store elsewhere/deep/new.db 2>err
cp elsewhere/deep/new.db sealed/s.db
chmod 0444 sealed/s.db
chmod 0555 sealed
chmod 0755 "$home"
as_nobody() {
	if [ "$(id -u)" = 0 ]; then # may write anything, so it goes by another name
		(cd / && HOME=/ timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups "$prefix/feedline" "$@")
	else
		feedline "$@"
	fi
}
elsewhere() {
	(cd elsewhere && env LC_ALL=de_DE.UTF-8 TZ=Pacific/Kiritimati timeout 60 "$prefix/feedline" "$@")
}
for format in text json markdown; do
	for sides in 'quiet-a slower-b' "$a,$b $few" 'steady later'; do
		# shellcheck disable=SC2086 # two words
		feedline compare $sides --format $format --store "$store" >here 2>/dev/null || true
		# shellcheck disable=SC2086 # two words
		elsewhere compare $sides --format $format --store deep/new.db >there 2>/dev/null || true
		is yes "$(cmp -s here there && echo yes)" "$format of $sides in another folder, locale and time zone"
	done
done
if as_nobody --version >/dev/null 2>&1; then
	rc=0
	as_nobody compare quiet-a slower-b --format markdown --store "$home/sealed/s.db" >out 2>err || rc=$?
	is 1 "$rc" "a store that cannot be written ($(<err))"
	rc=0
	as_nobody baseline set sealed quiet-a --store "$home/sealed/s.db" >out 2>err || rc=$?
	is '2 1' "$rc $(wc -l <err)" 'baseline set in a store that cannot be written'
fi
chmod 0755 sealed
rc=0
feedline compare quiet-a slower-b --store nowhere.db 2>err || rc=$?
is '2 1' "$rc $(wc -l <err)" 'no store'

# ---- hostile names: what was imported must not command the terminal, nor break a table

# shellcheck disable=SC2016 # for jq
evil='def bad: "\u001b[2J\u0007| <b>`x`\n# y";
	if .run then .run.plan.suite = bad | .run.machine.host = bad | .run.plan.cases[].label = bad |
		.run.machine.kernel = bad
	elif .lane then .lane.distrust = [bad] | .lane.facts.engine = bad else . end'
copy "$a" evil-a "$evil"
copy "$b" evil-b "$slower | $evil"
for format in text json markdown; do
	run compare evil-a evil-b --format $format
	is 4 "$rc" "$format of hostile records ($(<err))"
	is '' "$(tr -d -c '\033\007' <out)" "escapes in $format"
	is 0 "$(grep -c '^# y' out)" "lines of $format that a record begins"
done
run compare evil-a evil-b --json
is 4 "$(jq .status out)" 'JSON of hostile records'
run baseline set evil evil-a --note $'\e[2J\a\nx'
run baseline list
is '' "$(tr -d -c '\033\007' <out)" 'escapes in baseline list'
run baseline show evil
is '' "$(tr -d -c '\033\007' <out)" 'escapes in baseline show'

printf 'left out here: %s\n' "${left_out[*]:-nothing}"
finish
