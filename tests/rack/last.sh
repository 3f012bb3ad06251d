#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# last.sh: what a failed test said stands at the end of what scripts/test prints, also that of a test in a tree of its own
# (scripts/tree), whose whole list stands between.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/scripts"
cp "$root"/scripts/{test,tree,build,failed.bash} "$dir/scripts"
printf '#!/bin/sh\n' >"$dir/scripts/setup"
chmod +x "$dir/scripts/setup"
cat >"$dir/CMakePresets.json" <<'END'
{
  "version": 6,
  "configurePresets": [
    { "name": "release", "binaryDir": "${sourceDir}/build/${presetName}", "cacheVariables": { "OUTER": "ON" } },
    { "name": "inner", "binaryDir": "${sourceDir}/build/${presetName}", "cacheVariables": { "OUTER": "OFF" } }
  ],
  "buildPresets": [ { "name": "release", "configurePreset": "release" }, { "name": "inner", "configurePreset": "inner" } ],
  "testPresets": [
    { "name": "release", "configurePreset": "release", "output": { "outputOnFailure": true } },
    { "name": "inner", "configurePreset": "inner", "output": { "outputOnFailure": true } }
  ]
}
END
# Beside the one that fails in the inner tree, many that pass or say much; a cause may be at either end of what is said.
cat >"$dir/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(last NONE)
enable_testing()
if(OUTER)
  add_test(NAME tree-inner COMMAND scripts/tree inner WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  add_test(NAME short COMMAND sh -c "echo the outer cause; exit 1")
else()
  foreach(i RANGE 1 60)
    add_test(NAME passes-${i} COMMAND true)
  endforeach()
  add_test(NAME first COMMAND sh -c "echo the first cause; seq 1000 1299; exit 1")
  add_test(NAME last COMMAND sh -c "seq 2000 2299; echo the last cause; exit 1")
  foreach(i RANGE 1 60)
    add_test(NAME passes-too-${i} COMMAND true)
  endforeach()
  foreach(test first last)
    set_tests_properties(${test} PROPERTIES COST 100)
  endforeach()
  get_property(all DIRECTORY PROPERTY TESTS)
  set_tests_properties(${all} PROPERTIES LABELS unit)
endif()
END

status=0
"$dir/scripts/test" >"$dir/said" 2>&1 || status=$?
wrong() {
	printf 'FAIL %s at the end of:\n' "$1"
	tail -n 150 "$dir/said"
	exit 1
}
[ $status = 8 ] || wrong "status $status, not that of ctest, 8,"
# In lines: what is said of the two inner ones, of the outer one, and two summaries.
end=$(tail -n 150 "$dir/said")
for cause in 'failed: tree-inner' 'failed: first' 'the first cause' 'failed: last' 'the last cause' 'failed: short' \
	'the outer cause'; do
	grep -q "$cause" <<<"$end" || wrong "no '$cause'"
done
! grep -q passes- <<<"$end" || wrong 'what passed'
tail -n 4 <<<"$end" | grep -q 'tree-inner (Failed)' || wrong 'no summary'
echo 'last.sh: passed'
