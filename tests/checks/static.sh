#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# static.sh: static analysis can fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# commands FILE: a compile command for it.
commands() {
	plant build/compile_commands.json <<<"[{\"directory\":\"$tree\",\"file\":\"$tree/$1\",\"command\":\"gcc -c $1\"}]"
}
cp "$house/.clang-tidy" .
outcome 2 'has no compile_commands.json' 'a tree that was not configured' "$tree/build"
plant harness/a.c <<<$'int a(int x);\nint a(int x)\n{\n\treturn x + 1;\n}'
commands harness/a.c
outcome 0 '1 sources, 0 wrong' 'good code' "$tree/build"
plant harness/a.c <<<$'int a(int *x);\nint a(int *x)\n{\n\tx = 0;\n\treturn *x;\n}'
outcome 1 'harness/a.c:5:' 'a null pointer read' "$tree/build"
plant harness/a.c <<<$'int a(int x);\nint a(int x)\n{\n\tif (x = 1)\n\t\treturn 2;\n\treturn 3\n}'
outcome 1 'harness/a.c:' 'code that does not compile' "$tree/build"
commands tests/a.c
outcome 2 'found no sources' 'only tests' "$tree/build"
verdict
