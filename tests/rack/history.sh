#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# history.sh BUILD_DIR: runs leave a store and come into another one, or into none: export, import, show. Old stores, cut and
# damaged files, full disks, stores that cannot be written, signals; other folders, locales and time zones. Needs jq.
if [ -z "${FEEDLINE_OWN_MOUNTS:-}" ] && unshare -m true 2>/dev/null; then
	FEEDLINE_OWN_MOUNTS=1 exec unshare -m bash "$0" "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
fixtures=$(cd "$(dirname "${BASH_SOURCE[0]}")/../fixtures" && pwd)
judged=20261122T094512Z-7f3a9c
cd "$home"

# run WORDS...: calls feedline; out, err and rc are about this call.
run() {
	rc=0
	feedline "$@" >out 2>err || rc=$?
}

# same FILE FILE WHAT
same() {
	is yes "$(cmp -s "$1" "$2" && echo yes)" "$3"
}

# unchanged WHAT: the store held "before" before the last call, and does now.
unchanged() {
	feedline export --store "$store" >after
	same before after "$1: the store is as it was"
}

# elsewhere WORDS...: in another folder, locale and time zone.
elsewhere() {
	(cd elsewhere && env LC_ALL=de_DE.UTF-8 TZ=Asia/Kathmandu timeout 60 "$prefix/feedline" "$@")
}

# ---- an old store is read as it is, and judged the same before and after it was migrated

schemas=(1 2) # all that are older than what is written now
for schema in "${schemas[@]}"; do
	cp "$fixtures/stores/schema-$schema.db" old.db
	run report "$judged" --json --store old.db
	is 0 "$rc" "report of schema $schema"
	mv out old.json
	run export --store old.db
	mv out old.jsonl
	same old.db "$fixtures/stores/schema-$schema.db" "reading schema $schema changes nothing"
	run import old.jsonl --store old.db # writes, so it migrates
	is 0 "$rc" "import into schema $schema"
	has "$(<err)" '0 runs imported, 2 already there' "import of its own export into schema $schema"
	is '' "$(cmp -s old.db "$fixtures/stores/schema-$schema.db" && echo same)" "schema $schema is migrated"
	run report "$judged" --json --store old.db
	same out old.json "report of schema $schema after migration"
	run export --store old.db
	same out old.jsonl "export of schema $schema after migration"
done

# ---- there and back

run bench null.pipeline --duration 200ms --store "$store"
run bench null.nop --duration 20ms --telemetry=no --store "$store"
run import old.jsonl --store "$store"
has "$(<err)" '2 runs imported' 'import beside other runs'
run export --output whole.jsonl --store "$store"
is 0 "$rc" 'export --output'
is '' "$(<out)$(<err)" 'what export --output says'
run export --store "$store"
same out whole.jsonl 'export to a file and to standard output'
is 1 "$(jq -c 'select(.end_of_export)' whole.jsonl | wc -l)" 'every line is JSON for jq too'
cp whole.jsonl before

mkdir -p elsewhere/deep
feedline import - --store elsewhere/deep/new.db <whole.jsonl 2>err
has "$(<err)" '4 runs imported' 'import from standard input'
for id in $(feedline runs --store "$store" --json | jq -r '.runs[].id'); do
	feedline report "$id" --json --store "$store" >here.json 2>err
	elsewhere report "$id" --json --store deep/new.db >there.json 2>err
	same here.json there.json "report of $id in another folder, locale and time zone"
done
elsewhere export --store deep/new.db >out
same out whole.jsonl 'export of what was imported, in another folder, locale and time zone'
run import whole.jsonl --store elsewhere/deep/new.db
has "$(<err)" '0 runs imported, 4 already there' 'import of what is there'
feedline export --store elsewhere/deep/new.db >out
same out whole.jsonl 'export after importing twice'

# One by one they come to the same; a run by its id, "last", and an unfinished one.
for id in $(jq -r 'select(.run) | .run.id' whole.jsonl); do
	feedline export "$id" --store "$store" | feedline import - --store single.db 2>/dev/null
done
feedline export --store single.db >out
same out whole.jsonl 'export of runs imported one by one'
is interrupted "$(feedline runs --store single.db --json | jq -r '.runs[] | select(.state != "finished") | .state')" \
	'state of an unfinished run that was imported'
is 1 "$(feedline export last --store "$store" | jq -c 'select(.run)' | wc -l)" 'runs in an export of the last'
run export nonsense --store "$store"
is 2 "$rc" 'export of no such run'
has "$(<err)" "no run and no baseline 'nonsense'" 'export of no such run'

# ---- what is no export, or not all of one

: >empty
head -c 100000 /dev/urandom >noise
gzip -k whole.jsonl
sed 's/"feedline_export":3/"feedline_export":4/' whole.jsonl >newer
sed '4s/"round":0/"round":"0"/' whole.jsonl >types
sed '3p' whole.jsonl >twice
sed 's/"at":\[[0-9.]*,/"at":[7,/' whole.jsonl >other
for file in empty noise whole.jsonl.gz newer types twice other "$store" /dev/null nowhere "$home" old.json; do
	run import "$file" --store "$store"
	is 2 "$rc" "status of importing $file"
	is 1 "$(wc -l <err)" "lines about importing $file"
	is '' "$(<out)" "output of importing $file"
	unchanged "import of $file"
done
run import other --store "$store"
has "$(<err)" "is in store '$store' with other content" 'import of other content'
run import types --store "$store"
has "$(<err)" 'types:4:' 'file and line of what is wrong'
run import whole.jsonl.gz --store "$store"
has "$(<err)" 'gunzip' 'hint for a compressed file'
run import
has "$(<err)" 'import: which file?' 'import without a file'
for ((n = 0; n < $(wc -l <whole.jsonl); n++)); do
	head -n "$n" whole.jsonl >part
	run import part --store "$store"
	is 2 "$rc" "status of importing $n lines"
	unchanged "import of $n lines"
	head -n "$n" old.jsonl >part
	run import part --store fresh.db
	[ "$n" -ge "$(wc -l <old.jsonl)" ] || is 2 "$rc" "status of importing $n lines into a new store"
	[ ! -e fresh.db ] || [ "$rc" = 0 ] || is 0 "$(feedline runs --store fresh.db --json | jq '.runs | length')" \
		"runs in a new store after importing $n lines"
done

# many.jsonl: a run of a thousand lanes.
{
	jq -c 'select(.feedline_export)' old.jsonl
	jq -c 'select(.run) | select(.run.status != null)' old.jsonl
	jq -c 'select(.lane)' old.jsonl | head -n 1 | jq -c '.lane.series |= map(select(.kind == "samples")) |
		. as $line | range(0; 1000) as $round | $line | .lane.round = $round'
	jq -c 'select(.lane)' old.jsonl | head -n 1 | jq -c '.lane.series | map(select(.kind == "samples")) |
		{ end_of_run: { id: "'"$judged"'", hosts: 0, lanes: 1000, series: (length * 1000),
		samples: ((map(.at | length) | add) * 1000), watched: 0 } }'
	printf '{"end_of_export":{"runs":1,"baselines":0}}\n'
} >many.jsonl

# ---- an import that waits for its input, beside a run: it waits, too, and loses nothing

"$prefix/feedline" bench null.pipeline --duration 1s --repeat 2 --store beside.db >out 2>err &
pid=$!
until [ "$(feedline runs --store beside.db --json 2>/dev/null | jq -r '.runs[0].state')" = running ]; do sleep 0.1; done
{
	head -n 3 many.jsonl
	sleep 8
	tail -n +4 many.jsonl
} | feedline import - --store beside.db 2>slow
wait "$pid" || true
has "$(<slow)" '1 run imported' 'a slow import beside a run'
has "$(<err)" 'the store is locked by another process; waiting' 'a run beside a slow import'
is 'finished 2' "$(feedline show last --store beside.db --json |
	jq -r '[.runs[0].state, (.runs[0].lanes[0].metrics.bytes_per_s.medians | length)] | join(" ")')" 'a run beside a slow import'

# ---- exported before its end, and again after it

jq -c 'if .run then .run.status = null else . end |
	if .end_of_run then .end_of_run |= (.series /= 2 | .samples /= 2 | .lanes = 500) else . end |
	select(.lane == null or .lane.round % 2 == 1)' many.jsonl >early.jsonl
run import early.jsonl --store completed.db
is 0 "$rc" "import of a run without its end ($(<err))"
run import many.jsonl --store completed.db
has "$(<err)" '0 runs imported, 1 run completed' 'import of the rest of a run'
run import many.jsonl --store completed.db
has "$(<err)" '0 runs imported, 1 already there' 'import of a run that was completed'
feedline export --store completed.db >out
feedline import many.jsonl --store at-once.db 2>/dev/null
feedline export --store at-once.db >want
same out want 'a run that was completed'

# ---- a store may say that all is well, but what is printed counts, too

run run --resume "$judged" --store old.db
is 0 "$rc" "resuming a run that passed ($(<err))"
jq -c 'if .lane then .lane.outcome = "invalid" | .lane.reason = "it was not so" else . end' old.jsonl >lying.jsonl
run import lying.jsonl --store lying.db
run run --resume "$judged" --store lying.db
resumed=$rc
has "$(<err)" 'is finished, with status 0' 'resuming a run that does not pass, though its record says so'
run report "$judged" --json --store lying.db
is "$(jq .status out)" "$resumed" 'status of resuming a run that does not pass, though its record says so'
is '' "$([ "$resumed" = 0 ] && echo 0)" 'status of resuming a run that does not pass'

# ---- stores and places that cannot be written; a full disk

cp old.db locked.db
chmod 0444 locked.db
mkdir sealed && cp old.db sealed/s.db && chmod 0644 sealed/s.db && chmod 0555 sealed
if [ "$(id -u)" = 0 ]; then # may write anything, so it goes by another name
	as_nobody() { (cd / && HOME=/ timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups "$prefix/feedline" "$@"); }
	chmod 0755 "$home"
	chmod 0644 old.jsonl
else
	as_nobody() { feedline "$@"; }
fi
if as_nobody --version >/dev/null 2>&1; then
	for db in locked.db sealed/s.db; do
		rc=0
		as_nobody import "$home/old.jsonl" --store "$home/$db" >out 2>err || rc=$?
		is 2 "$rc" "status of importing into $db"
		has "$(<err)" 'cannot be written' "import into $db"
		same "$db" old.db "$db after the import"
	done
	as_nobody export --store "$home/sealed/s.db" >out 2>err || true
	same out old.jsonl 'export from a folder that cannot be written'
	rc=0
	as_nobody export --store "$home/sealed/s.db" --output "$home/sealed/x" 2>err || rc=$?
	is 2 "$rc" 'status of an export into a folder that cannot be written'
fi
chmod 0755 sealed
run export --store "$store" --output "$home"
has "$(<err)" 'is there and not a file' 'export onto a directory'
rc=0
feedline export --store "$store" >/dev/full 2>err || rc=$?
is 3 "$rc" 'status of an export to a full device'
has "$(<err)" 'No space left' 'export to a full device'
if [ -n "${FEEDLINE_OWN_MOUNTS:-}" ] && mkdir full && mount -t tmpfs -o size=300k none full 2>/dev/null; then
	cp old.db full/s.db
	cp old.jsonl full/before
	sed "s/$judged/${judged}x/" many.jsonl >large.jsonl
	run import large.jsonl --store full/s.db
	is 3 "$rc" "status of an import onto a full disk ($(<err))"
	has "$(<err)" 'disk is full' 'import onto a full disk'
	feedline export --store full/s.db >out
	same out full/before 'a store on a full disk'
	run export --store "$store" --output full/out.jsonl
	[ "$rc" = 0 ] || is '' "$(find full -name 'out.jsonl*')" 'files left on a full disk'
	umount full
else
	echo 'skipped: a full disk: we may not mount one'
fi

# ---- signals: at whatever moment, all of it or nothing

jq -c 'select(.feedline_export), (select(.end_of_export) | .end_of_export.runs = 0)' old.jsonl >nothing
for ((i = 0; i < 20; i++)); do
	rm -f some.db*
	feedline import nothing --store some.db 2>/dev/null
	"$prefix/feedline" import many.jsonl --store some.db 2>/dev/null &
	pid=$!
	sleep "0.0$((RANDOM % 100 + 100))"
	kill -"$( ((i % 2)) && echo INT || echo KILL)" "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	lanes=$(feedline export --store some.db | jq -c 'select(.lane)' | wc -l)
	is true "$([ "$lanes" = 0 ] || [ "$lanes" = 1000 ] && echo true)" "lanes after a signal: $lanes"
done
run import many.jsonl --store some.db
is 0 "$rc" "import after signals ($(<err))"

# ---- show

run show "$judged" --store "$store"
is 0 "$rc" 'show'
has "$(<out)" 'case 0, lane 0: null.pipeline, 2 rounds' 'lanes of show'
has "$(<out)" '  bytes_per_s ' 'metrics of show'
run show "$judged" --json --store "$store"
is '1 2 2' "$(jq -r '[(.runs | length), (.runs[0].lanes | length), (.runs[0].lanes[0].metrics.bytes_per_s.medians | length)] |
	join(" ")' out)" 'show --json'
is null "$(jq -r '.runs[0].lanes[0].metrics.bytes_per_s.samples' out)" 'samples of show --json'
run show "$judged" --json --samples --store "$store"
is "$(jq -c 'select(.lane) | .lane | select(.bench == "null.nop") | .series[0].value' old.jsonl | head -n 1)" \
	"$(jq -c '.runs[0].lanes[1].metrics.ops_per_s.samples[0].value' out)" 'samples of show --json --samples'
run show last --samples --store "$store"
is 0 "$rc" 'show last --samples'
run show nonsense --store "$store"
is 2 "$rc" 'status of show of no such run'
# A thousand lanes are bounded, and what was imported must not command the terminal.
jq -c 'if .lane and .lane.round == 0 then .lane.bench = "evil\u001b[31m" else . end' many.jsonl |
	jq -c 'if .lane then .lane.lane = .lane.round | .lane.round = 0 else . end' >evil.jsonl
run import evil.jsonl --store evil.db
is 0 "$rc" "import of a thousand lanes ($(<err))"
run show --store evil.db
is 0 "$rc" 'show of a thousand lanes'
is true "$([ "$(wc -l <out)" -lt 2000 ] && echo true)" "lines of show of a thousand lanes: $(wc -l <out)"
has "$(<out)" 'and 900 more lanes' 'lanes that show leaves out'
is '' "$(tr -d -c '\033' <out)" 'escapes in show'

finish
