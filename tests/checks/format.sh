#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# format.sh: the check of formatting can fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

cp "$house/.clang-format" .
outcome 2 'found no files' 'an empty tree'
plant a.c <<<$'int a(void)\n{\n\treturn 1;\n}'
outcome 0 '1 files, 0 wrong' 'tabs'
plant a.c <<<$'int a(void) {\n    return 1;\n}'
outcome 1 'a.c:1: not formatted' 'blanks and a brace on the wrong line'
plant a.c <<<"/* $(printf '%0120d' 0) */"
outcome 1 'a.c:1: longer than 120 columns' 'a long comment'
verdict
