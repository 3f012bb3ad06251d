#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# words.sh: the check of banned words can fail, and does not see words in comments and texts.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

spdx='/* SPDX-License-Identifier: Apache-2.0 */'
outcome 2 'found no files' 'an empty tree'
plant harness/base/good.c <<TXT
$spdx
/* sprintf(), system() and exit() in a comment */
static const char *t = "strcpy(a, b) \" printf(1)"; // atoi(x)
void fl_fail(int x, const char *f) __attribute__((format(printf, 2, 3)));
int x = snprintf(b, n, "%d", strtol(t, 0, 10)), y = p->exit(1), z = a.printf(2);
TXT
plant harness/cli/main.c <<<"$spdx"$'\nint x = printf("a"), y = exit(1);'
outcome 0 '2 files, 0 wrong' 'what is allowed'

# refused FILE CODE SAYS
refused() {
	plant "$1" <<<"$spdx"$'\n'"$2"
	outcome 1 "$1:2: $3" "$1 with $2"
	rm "$1"
}
for word in sprintf vsprintf strcpy strcat atoi gettimeofday system popen strtok alloca; do
	refused harness/cli/a.c "int x = $word (1);" "$word() is banned"
done
for word in printf puts exit fprintf perror; do
	refused harness/run/a.c "int x = $word(1);" "$word(): only harness/cli"
	refused benchmarks/null/a.c "int x = $word(1);" "$word(): only harness/cli"
done
refused harness/sense/other.c 'int x = printf("a");' 'printf(): only harness/cli'
refused harness/machine/a.c 'double x = strtod(t, 0);' 'strtod() only in harness/base'
refused reports/a.c '/* later */ int x; /* FIX''ME */' 'says that work is left'
refused tests/a.sh '# TO''DO: more' 'says that work is left'
plant harness/base/a.h <<<'int x;'
outcome 1 'harness/base/a.h:1: does not say its licence' 'a file without a licence line'
verdict
