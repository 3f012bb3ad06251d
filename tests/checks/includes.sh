#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# includes.sh: the include rule can fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

outcome 2 'found no files' 'an empty tree'
plant CMakeLists.txt <<<$'fl_room(base)\nfl_room(machine base)\nfl_room(judge base machine)'
plant harness/judge/judge.c <<<$'#include "base/text.h"\n#include "machine/machine.h"\n#include "judge/judge.h"'
plant harness/cli/main.c <<<'#include "judge/judge.h"'
plant reports/text.c <<<'#include "judge/judge.h"'
plant benchmarks/memory/copy.c <<<$'#include <feedline/bench.h>\n#include "path/ring.h"'
plant tests/unit/machine/test_pcie.c <<<'#include "machine/pcie.h"'
plant tests/unit/judge/test_a.c <<<'#include "../sample.h"'
outcome 0 '6 files, 0 wrong' 'what is allowed'

# refused FILE LINE: one file with one line too much.
refused() {
	plant "$1" <<<"$2"
	outcome 1 "$1:1: " "$1 with $2"
	rm "$1"
}
refused harness/base/a.c '#include "machine/machine.h"'
refused harness/machine/a.h '#  include "judge/judge.h"'
refused harness/judge/a.c '#include "../cli/cli.h"'
refused harness/judge/a.c '#include <base/text.h>'
refused harness/judge/a.c '#include "memory/copy.h"'
refused harness/sense/a.c '#include "judge/judge.h"'
refused reports/a.c '#include "run/run.h"'
refused benchmarks/memory/a.c '#include "base/text.h"'
refused benchmarks/path/a.c '#include "memory/copy.h"'
refused include/feedline/a.h '#include "base/text.h"'
refused tests/unit/base/test_a.c '#include "judge/judge.h"'
refused tests/unit/base/test_a.c '#include "../../../harness/judge/judge.h"'
refused elsewhere/a.c '#include "base/text.h"'
verdict
