#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cli.sh BUILD_DIR: the built feedline with good and bad input: exit status, stdout and stderr, line by line.
# Needs jq and util-linux. Runs in name spaces of its own where it can: the lock of a node is one per network, and a full
# disk must be mounted.
set -u
build=$(realpath "${1:?usage: cli.sh BUILD_DIR}")
fl=$build/feedline
[ -x "$fl" ] || { echo "cli.sh: no program '$fl'" >&2; exit 2; }
if [ -z "${FL_TEST_ALONE:-}" ] && unshare -nm true 2>/dev/null; then
	FL_TEST_ALONE=1 exec unshare -nm -- bash "$0" "$@"
fi
home=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; umount "$home/full" 2>/dev/null; rm -rf "$home"' EXIT
export HOME=$home
unset XDG_STATE_HOME XDG_CACHE_HOME NO_COLOR
cd "$home" || exit 2
checks=0 failures=0

# ---- the tools of the trade

complain() {
	failures=$((failures + 1))
	printf 'FAIL %s: %s\n' "$what" "$*"
	sed 's/^/     stdout: /' out | head -n 8
	sed 's/^/     stderr: /' err | head -n 8
}

# on WORDS...: runs feedline with them; the checks that follow are about this call.
on() {
	what="feedline $*"
	"$fl" "$@" >out 2>err
	status=$?
}

status_is() {
	checks=$((checks + 1))
	[ "$status" = "$1" ] || complain "status $status, not $1"
}

# lines FILE PATTERN...: the file has exactly these lines (shell patterns).
lines() {
	local file=$1 line i=0
	shift
	checks=$((checks + 1))
	while IFS= read -r line || [ -n "$line" ]; do
		i=$((i + 1))
		# shellcheck disable=SC2053 # a pattern on purpose
		if [ $i -gt $# ] || [[ $line != ${!i} ]]; then
			complain "line $i of $file is not '${!i:-the end}'"
			return
		fi
	done <"$file"
	[ $i -eq $# ] || complain "$file has $i lines, not $#"
}

hint='; ' # how a hint follows its cause

# err_is CAUSE HINT, or the lines of stderr. A hint stands on the line of its cause.
err_is() {
	if [[ ${2-} == "$hint"* ]]; then
		lines err "$1$2" "${@:3}"
	else
		lines err "$@"
	fi
}
out_is() { lines out "$@"; }

json_is() {
	checks=$((checks + 1))
	jq -es "length == 1 and (.[0] | ($1))" <out >/dev/null 2>&1 || complain "not so in the JSON: $1"
}

yes_if() { # yes_if WHAT COMMAND...
	local text=$1
	shift
	checks=$((checks + 1))
	"$@" >/dev/null 2>&1 || complain "$text"
}

# usage PATTERN [HINT]: the last call failed with status 2, nothing on stdout and just these lines on stderr.
usage() {
	status_is 2
	out_is
	err_is "feedline: $1" "${@:2}"
}


# ---- no command, help, version

on; usage 'which command?' "$hint'feedline --help' lists them"
on benhc; usage "unknown command 'benhc'" "${hint}did you mean 'feedline bench'?"
on zzzzzzzz; usage "unknown command 'zzzzzzzz'" "$hint'feedline --help' lists the commands"
on --nonsense; usage "unknown option '--nonsense'" "$hint*"
on $'b\e[31mad\n'; usage "unknown command 'b [[]31mad '" "$hint*"
on --version; status_is 0; out_is 'feedline [0-9]*.[0-9]*.[0-9]*'; err_is
for h in --help -h help; do
	on $h; status_is 0; err_is
	yes_if 'every command is listed' sh -c 'for c in topo list data bench run runs report compare baseline show export import; do grep -q "^  $c " out || exit 1; done'
done
for c in topo list data bench run runs report compare baseline show export import; do
	on $c --help; status_is 0; err_is; yes_if 'usage first' grep -q "^usage: feedline $c " out
	cp out by_option
	on help $c; status_is 0; yes_if 'help CMD is CMD --help' cmp out by_option
done
on help bench null.nop; status_is 0; yes_if "its options" grep -q "^common options" out
on help bench null.nop more; usage "help: unexpected argument 'more'"
on bench null.nop --help; status_is 0; err_is
yes_if 'options of every benchmark are there' grep -q '^  --duration TIME' out
on help nonsense; usage "unknown command 'nonsense'" "$hint*"

# ---- options, the same for all commands

on list --jsno; usage "list: unknown option '--jsno'" "${hint}did you mean '--json'?"
on list --js; usage "list: unknown option '--js'" "${hint}did you mean '--json'?" # no abbreviations
on list -x; usage "list: unknown option '-x'" "$hint'feedline list --help' lists the options"
on list --json=maybe; usage "option 'json': 'maybe' is not one of no|yes"
on list something; usage "list: unexpected argument 'something'" "$hint*"
on list -- --json; usage "list: unexpected argument '--json'" "$hint*"
on report a b; usage "report: unexpected argument 'b'" "$hint*"
on compare; usage 'compare: what with what?' "${hint}name two runs*"
on compare a b c; usage "compare: unexpected argument 'c'" "$hint*"
on compare a b --tolerance 2; usage "option 'tolerance': *" "$hint*"
on baseline; usage 'baseline: which verb?' "$hint*"
on baseline sett; usage "baseline: unknown verb 'sett'" "${hint}did you mean 'feedline baseline set'?"
on baseline set x; usage 'baseline set: too few words' "${hint}usage: feedline baseline set NAME RUN..."
on baseline list x; usage "baseline list: unexpected argument 'x'" "$hint*"
on baseline remove x --json; usage "baseline remove: unknown option '--json'" "$hint*"
on baseline calibrate; usage 'baseline calibrate: which name?' "${hint}usage: feedline baseline calibrate NAME*"
on data; usage 'data: which verb?' "$hint'feedline data --help' lists them"
on data maek; usage "data: unknown verb 'maek'" "${hint}did you mean 'feedline data make'?"
on data make; usage 'data make: which directory?' "${hint}usage: feedline data make DIR"
on data make a b; usage "data make: unexpected argument 'b'" "$hint*"
on data make a --size 1; usage "option 'size': '1' is too small" "${hint}allowed: 4KiB..1PB"
on data remove a --size 2GiB; usage "data remove: unknown option '--size'" "$hint*"
on data make a --like nothing; usage "*unknown demand 'nothing'*" "$hint*"
on show a b; usage "show: unexpected argument 'b'" "$hint*"
on import; usage 'import: which file?' "$hint*"
on runs --store; usage "runs: option '--store' needs a value" "${hint}write --store FILE"
on runs --store=; usage "runs: option '--store' is empty"
on list --json --json=no; status_is 0; yes_if 'the last one counts' grep -q '^null.nop ' out

# ---- list

on list; status_is 0; err_is; yes_if 'one line names null.nop' grep -q '^null.nop  ' out
yes_if 'what feedline data uses comes last' test "$(grep -n '^data\.' out | head -n 1 | cut -d : -f 1)" -gt \
	"$(grep -n '^null.nop ' out | cut -d : -f 1)"
on list --json; status_is 0; err_is
json_is '.schema == 1 and (.benchmarks | length > 0 and all(.available == null or .available == false))'
json_is '[.benchmarks[].name] | . == sort'
on list --probe; status_is 0; yes_if 'null.nop can run' grep -A1 '^null.nop ' out
on list --probe --json; status_is 0; json_is '.benchmarks[] | select(.name == "null.nop") | .available == true'

# A tree without programs: list reads manifests only, all else says what is missing.
mkdir tree && cp "$fl" tree/ && cp -r "$build/share" tree/
what='tree/feedline list'
tree/feedline list >out 2>err; status=$?; status_is 0; err_is
what='tree/feedline list --probe'
tree/feedline list --probe >out 2>err; status=$?; status_is 0; yes_if 'says so' grep -q 'unavailable: ' out
what='tree/feedline topo'
tree/feedline topo >out 2>err; status=$?; out_is; yes_if 'status 2 or 3' test $status -eq 2 -o $status -eq 3
yes_if 'the missing program is named' grep -q feedline-sense err
mkdir nothing && cp "$fl" nothing/
what='nothing/feedline list'
nothing/feedline list >out 2>err; status=$?; status_is 2; out_is; yes_if 'one line' grep -q manifests err

# ---- topo

on topo; status_is 0; err_is; yes_if 'a node' grep -q node0 out
on topo --json; status_is 0; err_is; json_is '.schema == 1 and (.host | length > 0) and (.nodes | length > 0)'
cp out machine.json
on topo --machine machine.json --json; status_is 0; yes_if 'what was read is printed back' cmp out machine.json
on topo --machine machine.json; status_is 0; err_is
on topo --machine absent.json; usage "*'absent.json'*No such file*"
printf '{"schema": 1, "host": ' >cut.json
on topo --machine cut.json; usage '*cut.json*' ; yes_if 'with a position' grep -Eq 'cut.json.*1.*' err
printf '{"schema": 99}' >newer.json
on topo --machine newer.json; status_is 2; out_is
head -c 4096 /dev/urandom >noise
on topo --machine noise; status_is 2; out_is

# ---- bench: names and values

on bench; usage 'bench: which benchmark? its name comes before the options' "$hint'feedline list' shows the benchmarks"
on bench --duration 1s null.nop; status_is 2; out_is
on bench null.nob; status_is 2; out_is; yes_if 'the nearest' grep -q null.nop err
on bench null.nop --duratoin 1s; usage "bench null.nop: unknown option '--duratoin'" "${hint}did you mean '--duration'?"
on bench null.nop --duration 40; status_is 2; out_is; yes_if 'option and text' grep -q "duration.*40" err
on bench null.nop --duration=-1s; status_is 2; out_is
on bench null.nop --repeat 0; usage "option 'repeat': '0' is too small" "${hint}allowed: 1..1000"
on bench null.nop --repeat 1001; usage "option 'repeat': '1001' is too large" "${hint}allowed: 1..1000"
on bench null.nop --numa 7; usage "*no NUMA node '7' on this machine" "${hint}nodes with CPUs: *"
on bench null.nop extra; usage "bench null.nop: unexpected argument 'extra'" "$hint*"
if "$fl" list | grep -q '^storage.read '; then
	on bench storage.read --path absent; usage "bench storage.read: cannot find 'absent': No such file or directory" \
		"${hint}name an existing file, directory or block device"
	on bench storage.read --block 1XB; status_is 2; out_is; yes_if 'the option' grep -q "option 'block'" err
	on bench storage.read --pattern randmo; status_is 2; yes_if 'the nearest' grep -q "did you mean 'random'" err
	on run --path absent; usage "run: cannot find 'absent': No such file or directory" "$hint*"

	# A path is the file it means, whichever way leads there and wherever feedline is called from.
	is_read_from() { json_is ".plan.cases | all(.lanes[0].options.path == \"$1\")"; }
	here=$(pwd -P)
	mkdir -p data/suites && echo data >data/file && ln -s data link && ln -s suites/rel.yaml data/linked.yaml
	printf -- '- bench: storage.read\n  with: {path: ../file}\n' >data/suites/rel.yaml
	on bench storage.read --path link/file --dry-run --json; status_is 0; is_read_from "$here/data/file"
	on run --path link/file --dry-run --json; status_is 0
	json_is '[.plan.cases[].lanes[].options.path // empty] | length > 0 and all(. == "'"$here/data/file"'")'
	on bench storage.read --path data/file --path link/file --dry-run; usage "bench storage.read: '$here/data/file' is named twice" \
		"${hint}several threads on one file are one lane*"
	on run --suite link/suites/rel.yaml --dry-run --json; status_is 0; is_read_from "$here/data/file"
	on run --suite data/linked.yaml --dry-run; usage "data/linked.yaml:2:16: cannot find 'data/../file': No such file*" "$hint*"
	on run --suite data/linked.yaml --path data/file --dry-run --json; status_is 0; is_read_from "$here/data/file"
	printf -- '- bench: storage.read\n  with: {path: "", duration: 1s}\n' >data/empty.yaml
	on run --suite data/empty.yaml --dry-run; usage "data/empty.yaml:2:*option 'path' is empty"
	# A path that the source does not read may be left out.
	on bench ingest --dry-run; usage "ingest needs 'path'" "${hint}path: file*"
	on bench ingest --source dram --dry-run; status_is 0
	yes_if 'no path is shown' sh -c 'grep -q "ingest source=dram" out && ! grep -q path= out'
	on bench storage.read --path "" --dry-run; usage "option 'path' is empty"
	printf -- '- bench: storage.read\n  with: {path: "cache:1"}\n' >data/odd.yaml
	on run --suite data/odd.yaml --dry-run; usage "data/odd.yaml:2:16: 'cache:1': the size must be*"

	# So is the file of the cache, also while its directory is still to be made.
	mkdir -p .cache elsewhere && ln -s ../elsewhere .cache/feedline
	printf -- '- bench: storage.read\n  with: {path: "cache:64KiB", block: 4KiB, duration: 50ms}\n' >cache.yaml
	on run --suite cache.yaml --dry-run --json; status_is 0; is_read_from "$here/elsewhere/read-65536.data"
	XDG_CACHE_HOME=$here/link/new on bench storage.read --path cache:64KiB --dry-run --json
	status_is 0; is_read_from "$here/data/new/feedline/read-65536.data"
	on run --suite cache.yaml --store cache.db
	yes_if 'made where it is said to be' test -s elsewhere/read-65536.data
	yes_if 'and known as the file of the cache' grep -q "made '$here/elsewhere/read-65536.data'" err
	rm -r data link elsewhere .cache cache.db cache.reports
fi

# ---- closed loops

on list --demands; status_is 0; err_is; yes_if 'a demand and its source' grep -q '^unet3d-h100 .* 3.18 GB/s .*mlcommons' out
on list --json; json_is '.demands | length > 0 and all(.step_bytes % 4096 == 0 and .bytes_per_s > 0)'
if "$fl" list | grep -q '^feed '; then
	mkdir data && head -c 1048576 /dev/urandom >data/file
	feed() { on bench feed --path data/file --dry-run --json "$@"; }
	of_cases() { json_is '[.plan.studies[0].values[] | select(startswith("slowed") | not)] == '"$1"; }
	feed; status_is 0; json_is '.plan.studies | length == 1 and .[0].kind == "starvation"'
	of_cases '["loop", "open", "control"]'
	json_is '[.plan.cases[0:3][].lanes[0] | .bench + " " + .options.source] == ["feed direct", "ingest direct", "feed resident"]'
	feed --study repeat; json_is '.plan | (.studies | length == 1 and .[0].kind == "repeat") and (.cases | length == 1)'
	feed --study ladder; json_is '.plan.studies[0].kind == "ladder"'
	of_cases '["loop", "open", "control", "T1", "T2", "T2-cold"]'
	feed --accelerators 3 --study ladder; of_cases '["loop", "open", "control", "T1", "T2", "T2-cold", "T3"]'
	json_is '[.plan.cases[0].lanes[].options.accelerator] == ["0", "1", "2"] and (.plan.cases[4].lanes | length == 1)'
	feed --demand unet3d-h100; status_is 0
	json_is '.plan.cases | all(.lanes[0].options | .demand == "unet3d-h100" and .step_bytes == "1026207744" and .step_time == "323000000")'
	feed --demand all; json_is '.plan.studies | length > 5 and all(.kind == "starvation")'
	feed --demand unet3d-h10; usage "unknown demand 'unet3d-h10'" "${hint}did you mean 'unet3d-h100'?"
	feed --demand unet3d-h100 --step-time 1ms; usage "'step_time' contradicts 'demand', which says it" "$hint*"
	feed --step-bytes 5000; usage "feed: 'step_bytes' of 5000 is no multiple of 4 KiB" "${hint}the nearest are 4 KiB and 8 KiB"
	feed --step-bytes 512KiB --block 1MiB; usage "feed: a block of 1 MiB is larger than the batch of 512 KiB" "$hint*"
	feed --step-bytes 512KiB; status_is 0; json_is '.plan.cases | all(.lanes[0].options.block == "524288")'
	feed --demand unet3d-h100 --duration 1s; json_is '.plan.cases | all(.duration_ns == 3230000000)'
	feed --accelerator 1; usage "'accelerator' cannot be set: each lane of feed has its own" "$hint*"
	feed --study laddr; usage "option 'study': 'laddr' is not one of *" "${hint}did you mean 'ladder'?"
	feed --source paced --study ladder; usage "source 'paced' is no rung of feed, so it has no ladder" "$hint*"
	on bench null.nop --study ladder --dry-run; usage "'study: ladder' wants a closed loop, and null.nop is none" "$hint*"
	on bench null.nop --demand unet3d-h100; usage "bench null.nop: unknown option '--demand'" "$hint*"
	on bench feed --path data/file --dry-run; status_is 0; yes_if 'one case for all limits' grep -q '^suite feed: 4 cases' out
	yes_if 'and when it is needed' grep -q '^    slowed    feed read_limit=.*/s (one of 10 limits, if it is starved)$' out
	yes_if 'of other cases only what is different' grep -qx '    control   feed source=resident' out
	yes_if 'a study by its kind' grep -q '^starvation: feed path=' out
	on run --suite feed --path data --accelerators 2 --demand all --dry-run; status_is 0
	yes_if 'demands that differ in what they want only' grep -q '^    likewise, with step_bytes=.* step_time=.* duration=' out
	yes_if 'the options of all at a glance' test "$(wc -l <out)" -lt 120

	# The suite, and what goes over it: a directory of data, several accelerators, every demand.
	on run --suite feed --dry-run --json; status_is 0; json_is '[.plan.studies[] | select(.kind == "ladder")] | length == 1'
	json_is '.plan.cases[-1].lanes[0].options.path | test("read-4294967296.data$")'
	on run --suite feed --path data --accelerators 2 --demand all --dry-run --json; status_is 0
	json_is '[.plan.cases[].lanes[].options.path // empty] | all(. == "'"$(pwd -P)"'/data")'
	json_is '[.plan.studies[] | select(.kind == "ladder")] | length > 5'; json_is '.plan.cases[-1].lanes | length == 2'
	on run --suite quick --demand unet3d-h100 --dry-run; usage "no benchmark of suite 'quick' has an option 'demand'" "$hint*"
	rm -r data
fi

# ---- between hosts, of which there is but one
on run --suite network --dry-run; status_is 0; yes_if 'it says so' grep -qx '    all on this machine, over its loopback' out
on run --suite network --dry-run --json; status_is 0
json_is '.plan.cases | length == 6 and all(.lanes | map([.group, .rank, .size, .host]) == [[0, 0, 2, 0], [0, 1, 2, 0]])'
on bench tcp.stream --streams 2 --dry-run --json; status_is 0; json_is '.plan.cases[0].lanes | map(.worker) == [0, 1]'

yes_if 'nothing was recorded by all that' test ! -e .local

# ---- dry-run

on bench null.nop --dry-run --duration 200ms; status_is 0; err_is
yes_if 'cases and time' grep -q '^suite .*: 1 case, at most ' out
yes_if 'placement' grep -q '^      cpus [0-9]' out
on bench null.nop --dry-run --json; status_is 0; err_is; json_is '.schema == 1 and .time_ns > 0 and (.plan.cases | length == 1)'
on run --dry-run; status_is 0; yes_if 'the quick suite' grep -q '^suite quick: ' out
yes_if 'long paths are told once' test "$(grep -c "/.cache/feedline/read-" out)" -le 1
yes_if 'in lines that fit' test "$(grep -v ': /' out | wc -L)" -le 100
on run --dry-run --json; status_is 0; json_is '.plan.cases | length > 0'
yes_if 'a dry run records nothing' test ! -e .local

# ---- bench, recorded

on runs; status_is 0; err_is; out_is 'run  *started*state*status*suite  on'
on runs --json; status_is 0; json_is '.schema == 1 and .runs == []'
on bench null.nop --duration 100ms; status_is 0; yes_if 'the verdict' grep -qi unjudged out
yes_if 'the store has its place' test -f .local/state/feedline/store.db
on bench null.nop --duration 100ms --json; status_is 0; err_is
json_is '.schema == 1 and .status == 0 and (.lanes | length > 0) and (.run | tostring | length > 0)'
json_is '.lanes[0] | .bench == "null.nop" and .placement.cpus and .metrics.ops_per_s.median > 0 and .verdict == "unjudged"'
on bench null.nop --duration 100ms --repeat 3 --store 3.db --json; status_is 0; json_is '.lanes[0].metrics.ops_per_s.n >= 3'

# ---- suites

cat >two.yaml <<'SUITE'
- bench: null.nop
  with: {duration: 100ms}
  repeat: 2
SUITE
on run --suite two.yaml --store s.db; status_is 0; err_is "feedline: reports: s.reports/*.{txt,json,md}"
for kind in txt json md; do yes_if "report as $kind" sh -c "test -s s.reports/*.$kind"; done
cp out printed
on report --store s.db; status_is 0; yes_if 'report and run print the same' cmp out printed
on run --suite two.yaml --store s.db --duration 50ms --repeat 1 --json; status_is 0
json_is '.lanes[0].options.duration == 50000000'
on run --suite two.yaml --store s.db --block 1MiB; status_is 2; out_is # no rule has it
touch blocked.reports # each store has its own; a copy that cannot be saved is no failure of the run
on run --suite two.yaml --store blocked.db; status_is 0; yes_if 'the report' grep -q unjudged out
err_is "feedline: *'blocked.reports'*" "${hint}the run is recorded all the same*"
on run --suite two.yaml --store "no suffix"; status_is 0; err_is "feedline: reports: no suffix.reports/*.{txt,json,md}"
on run --suite quik; usage "no suite and no file 'quik'" "${hint}did you mean 'quick'?"
on run --suite zzzzzzzz; usage "no suite and no file 'zzzzzzzz'" "$hint*"
on run --suite .; status_is 2; out_is

# bad_suite PATTERN: one line, status 2, and nothing is recorded.
bad_suite() {
	cat >bad.yaml
	on run --suite bad.yaml --store bad.db
	status_is 2
	out_is
	yes_if "says $1" grep -q "^feedline: .*$1" err
	yes_if 'in one line' test "$(wc -l <err)" -eq 1
	yes_if 'nothing recorded' test ! -e bad.db
}
printf -- '- bench: null.nop\n  wiht: {duration: 1s}\n' | bad_suite 'bad.yaml:2:3: '
printf -- '- bench: null.nob\n' | bad_suite 'bad.yaml:1:.*null.nob'
printf -- '- bench: null.nop\n  with: {duratoin: 1s}\n' | bad_suite 'bad.yaml:2:.*duratoin'
printf -- '- bench: null.nop\n  with: {duration: 1s, duration: 2s}\n' | bad_suite 'bad.yaml:2:'
printf -- '- bench: &a null.nop\n- bench: *a\n' | bad_suite 'bad.yaml:1:'
printf -- '- bench: [\n' | bad_suite 'bad.yaml:'
printf -- '- bench: null.nop\n  repeat: 0\n' | bad_suite 'bad.yaml:2:'
printf '' | bad_suite bad.yaml
printf '\x25\x59\xff\xff\x4c' | bad_suite bad.yaml
head -c 60000 /dev/zero | tr '\0' '[' | bad_suite bad.yaml
head -c 70000 /dev/zero | tr '\0' 'x' | bad_suite bad.yaml

# ---- runs and reports

on runs --store s.db --json; status_is 0; err_is
json_is '(.runs | length == 2) and all(.runs[]; .state == "finished" and .status == 0) and (.runs | map(.started) | . == sort)'
json_is ".runs | all(.hosts == [\"$(</proc/sys/kernel/hostname)\"])"
json_is '.runs | all(.started | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"))'
id=$(jq -r '.runs[0].id' <out)
on runs --store s.db; status_is 0; out_is 'run *' "$id *finished*0 *two *$(</proc/sys/kernel/hostname)" "* *finished*0 *two *$(</proc/sys/kernel/hostname)"
on runs --store absent.db; status_is 2; out_is; yes_if 'named' grep -q absent.db err
yes_if 'reading makes no store' test ! -e absent.db
on report "$id" --store s.db --format json; status_is 0; json_is ".run == \"$id\" or .run.id == \"$id\""
on report --store s.db --format json --output r.json; status_is 0; out_is; err_is; yes_if 'written' jq -es "length == 1" r.json
on report --store s.db --output nowhere/r.txt; status_is 2; out_is
on report --store s.db --json; status_is 0; json_is '.schema == 1 and (.lanes | length > 0)'
on report --store s.db --format jsno; usage "option 'format': 'jsno' is not one of text|json|markdown" "${hint}did you mean 'json'?"
on report --store s.db --format markdown; status_is 0; err_is; yes_if 'verdict first' grep -q "^# unjudged: " out
on report nosuch --store s.db; status_is 2; out_is; yes_if 'named' grep -q nosuch err

# What a store from elsewhere holds does not command the terminal.
LC_ALL=C sed -e 's/20\(2[0-9]\{5\}T\)/\x1b[\1/g' -e 's/two/\xc2\x9bm/g' s.db >foreign.db
quiet() { # nothing of it in out and err
	yes_if 'no control characters' sh -c "! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' out err"
}
on runs --store foreign.db; status_is 0; err_is; quiet; out_is 'run *' ' [[]2* finished *' ' [[]2* finished *'
on runs --store foreign.db --json; status_is 0; json_is '.runs | all(.id | startswith("\u001b["))'
on report nosuch --store foreign.db; status_is 2; quiet
on run --resume last --store foreign.db; quiet; yes_if 'a line' test "$(wc -l <err)" -ge 1

# ---- stores that cannot be used

unusable() { # unusable FILE PATTERN: reading and measuring, status 2; the file stays as it is
	local before
	before=$(cksum "$1" 2>/dev/null)
	for words in "runs" "report" "bench null.nop --duration 50ms"; do
		# shellcheck disable=SC2086
		on $words --store "$1"
		status_is 2
		out_is
		yes_if "says $2" grep -q "^feedline: .*$2" err
		yes_if 'in one line' test "$(wc -l <err)" -eq 1
	done
	what="store $1"
	yes_if 'unchanged' test "$before" = "$(cksum "$1" 2>/dev/null)"
}
head -c 8192 /dev/urandom >corrupt.db; unusable corrupt.db corrupt.db
head -c 2000 s.db >cut.db; unusable cut.db cut.db
cp s.db newer.db && printf '\377' | dd of=newer.db bs=1 seek=62 conv=notrunc status=none; unusable newer.db newer
mkdir dir.db; unusable dir.db dir.db
ln -s nowhere/s.db dangling.db; unusable dangling.db "is a link to 'nowhere/s.db', which does not exist; "
on bench null.nop --duration 50ms --store /proc/store.db; status_is 2; out_is

# Read-only: root writes everywhere, so somebody else tries.
mkdir readonly && cp s.db readonly/
chmod 444 readonly/s.db
chmod 555 readonly
chmod 755 .
other=(); [ "$(id -u)" = 0 ] && other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if "${other[@]}" "$fl" --version >/dev/null 2>&1; then
	what='bench with a read-only store'
	"${other[@]}" "$fl" bench null.nop --duration 50ms --store readonly/s.db >out 2>err; status=$?
	status_is 2; out_is; yes_if 'named' grep -q readonly/s.db err
	what='runs with a read-only store'
	"${other[@]}" "$fl" runs --json --store readonly/s.db >out 2>err; status=$?
	status_is 0; json_is '.runs | length == 2'
else
	echo "skipped: read-only store: another user cannot run $fl"
fi
chmod 755 readonly

# ---- outputs that fail

for words in list 'list --json' topo 'topo --json' 'runs --store s.db' 'report --store s.db' --help --version \
	'bench null.nop --duration 50ms --store full.db'; do
	what="feedline $words >/dev/full"
	# shellcheck disable=SC2086
	"$fl" $words >/dev/full 2>err; status=$?; : >out
	status_is 3; err_is 'feedline: write to standard output: No space left on device' "$hint*"
	what="feedline $words >&-"
	# shellcheck disable=SC2086
	"$fl" $words >&- 2>err; status=$?
	status_is 3; err_is 'feedline: write to standard output: Bad file descriptor'
done
on runs --store full.db --json; json_is 'all(.runs[]; .state == "finished")'
what='feedline list | true'
"$fl" list 2>err | true; status=${PIPESTATUS[0]}
yes_if 'a reader that leaves is no crash' test "$status" -eq 0 -o "$status" -eq 3

# ---- without a home

what='feedline runs without HOME'
env -u HOME "$fl" runs >out 2>err; status=$?; status_is 2; out_is; yes_if 'says so' grep -q HOME err

# ---- interrupts, resuming, two at once

cat >long.yaml <<'SUITE'
- bench: null.nop
  with: {duration: 100ms}
- bench: null.nop
  with: {duration: 20s}
SUITE

# starts FILE: waits until the run in FILE has its first lane, at most 10 s.
first_lane() {
	for _ in $(seq 100); do
		"$fl" report --store "$1" --format json 2>/dev/null | jq -es 'any(.[]; .lanes[0].metrics.ops_per_s.median > 0)' >/dev/null 2>&1 && return
		sleep 0.1
	done
	complain "no lane in $1 after 10 s"
}

for signal in INT TERM HUP; do
	rm -f long.db*
	"$fl" run --suite long.yaml --store long.db >out 2>err &
	pid=$!
	first_lane long.db
	on runs --store long.db --json; json_is '.runs[0].state == "running" and .runs[0].status == null'
	if [ $signal = INT ]; then
		on bench null.nop --duration 50ms --store other.db; status_is 3; out_is; yes_if 'the pid' grep -qw $pid err
		on run --resume last --store long.db; status_is 3; out_is; yes_if 'the pid' grep -qw $pid err
		if unshare -pf true 2>/dev/null; then
			what='feedline bench in a container beside the run'
			unshare -pf "$fl" bench null.nop --duration 50ms --store other.db >out 2>err; status=$?
			status_is 3; out_is
			err_is 'feedline: another run is measuring on this machine (by a process of another container)' "$hint*"
		else
			echo 'skipped: the lock between containers: no PID namespace for us'
		fi
	fi
	"$fl" run --suite long.yaml --store unused.db >out 2>err # refused: leaves pid's own streams to the file below
	what="feedline run, SIG$signal"
	kill -$signal $pid
	kill -$signal $pid 2>/dev/null # the second one changes nothing
	wait $pid
	status=$?
	status_is 3
	on runs --store long.db --json; json_is '.runs[0].state == "interrupted" and .runs[0].status == null'
	yes_if "no worker is left" sh -c "! pgrep --ns \$\$ --nslist net -f '^$build/libexec/feedline/feedline-lane'"
done
yes_if 'a refused run records nothing' test ! -e unused.db -a ! -e other.db

# What it says then is what goes on, typed into a shell, also where the store has an odd name.
sed -i 's/20s/2s/' long.yaml
odd="it's long.db"
"$fl" run --suite long.yaml --store "$odd" >out 2>err & pid=$!
first_lane "$odd"
kill -INT $pid; wait $pid; status=$?
what='feedline run, interrupted'
status_is 3; out_is
err_is "feedline: interrupted; run '*' keeps the 1 lane measured so far" \
	"${hint}go on with: feedline run --resume * --store 'it'*'s long.db'"
again=$(sed -n 's/.*; go on with: feedline //p' err)
on report --store "$odd"; status_is 0; yes_if 'says that it is unfinished' grep -q 'not finished' err
eval "on $again --block 1MiB"; status_is 2; out_is
eval "on $again --json"; status_is 0; json_is '.lanes | length == 2 and all(.metrics.ops_per_s.median > 0)'
eval "on $again --json"; status_is 0; err_is "feedline: run '*' is finished, with status 0"; json_is '.lanes | length == 2'
on run --resume nosuch --store "$odd"; status_is 2; out_is; yes_if 'named' grep -q nosuch err
on run --resume-anyway; status_is 2; out_is
on runs --store "$odd" --json; json_is '(.runs | length == 1) and .runs[0].state == "finished"'

# kill -9: what is done is kept, and goes on; on another machine only when told to.
rm -f long.db*
"$fl" run --suite long.yaml --store long.db >out 2>err & pid=$!
first_lane long.db
kill -KILL $pid; wait $pid 2>/dev/null
on runs --store long.db --json; json_is '.runs[0].state == "interrupted"'
if unshare -u true 2>/dev/null; then
	# elsewhere WORDS: under another host name
	elsewhere() {
		what="feedline $* under another host name"
		# shellcheck disable=SC2016 # for the inner shell
		unshare -u sh -c 'echo elsewhere >/proc/sys/kernel/hostname && exec "$0" "$@"' "$fl" "$@" >out 2>err
		status=$?
	}
	cp long.db anyway.db
	elsewhere run --resume last --store long.db
	usage "this machine is not as run '*' left it: host was '*', is 'elsewhere'" \
		"${hint}start a new run, or add --resume-anyway"
	elsewhere run --resume last --store anyway.db --resume-anyway --json
	status_is 4; json_is '.lanes | length == 2 and all(.metrics.ops_per_s.median > 0)'
	json_is '.trustworthy == false and any(.lanes[].distrust[]; test("is .elsewhere."))'
	yes_if 'says what changed' grep -q "is 'elsewhere'" err
else
	echo 'skipped: resuming on a changed machine: no UTS namespace for us'
fi
on run --resume last --store long.db --json; status_is 0; json_is '.lanes | length == 2 and all(.metrics.ops_per_s.median > 0)'

# Built without MPI: what mpirun starts says so.
mkdir -p bare/libexec bare/share
cp "$build/feedline" bare
cp -r "$build/libexec/feedline" bare/libexec
cp -r "$build/share/feedline" bare/share
rm -f bare/libexec/feedline/feedline-mpi
what='feedline under mpirun, built without MPI'
OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_LOCAL_SIZE=1 bare/feedline run --store mpi.db >out 2>err
status=$?
status_is 2; out_is
err_is "feedline: this feedline knows no MPI: '*/bare/libexec/feedline/feedline-mpi': No such file or directory" \
	"${hint}build it where Open MPI is (mpicc), or name the hosts: feedline run --hosts n1,n2"
yes_if 'nothing was begun' test ! -e mpi.db

# A disk that fills up while a run is on: the lanes before are kept.
mkdir full
if [ -n "${FL_TEST_ALONE:-}" ] && mount -t tmpfs -o size=400k none full 2>/dev/null; then
	"$fl" run --suite long.yaml --store full/s.db >out 2>err & pid=$!
	first_lane full/s.db
	head -c 1M /dev/zero >full/fill 2>/dev/null
	wait $pid; status=$?
	what='feedline run on a disk that fills up'
	status_is 3; out_is
	err_is "feedline: store 'full/s.db': *disk is full*" "${hint}*go on with: feedline run --resume *"
	rm full/fill
	on run --resume last --store full/s.db --json
	status_is 0; json_is '.lanes | length == 2 and all(.metrics.ops_per_s.median > 0)'
	umount full
else
	echo 'skipped: a full disk: we may not mount one'
fi

# ---- on a terminal

terminal() { # terminal WORDS: what a terminal would show, in out
	what="feedline $* on a terminal"
	TERM=xterm script -qec "'$fl' $*" /dev/null >out 2>err </dev/null
	status=$?
}
terminal run --suite two.yaml --store s.db
status_is 0
yes_if 'progress' grep -q '\[1/2\]' out
yes_if 'colours' grep -q $'\e\[[0-9;]*m' out
export NO_COLOR=1
terminal run --suite two.yaml --store s.db
yes_if 'no colours' sh -c "! grep -q '$(printf '\033')\[[0-9;]*m' out"
unset NO_COLOR

echo "cli.sh: $checks checks, $failures failed"
[ $failures -eq 0 ]
