#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers.sh: the check of headers can fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

plant include/feedline/good.h <<<$'#ifndef G\n#define G\n#include <stddef.h>\nsize_t good(void);\n#endif'
plant CMakeLists.txt <<<'project(x)'
outcome 2 'no warnings found' 'a tree without warnings'
cp "$house/CMakeLists.txt" .
outcome 0 '1 headers, 0 wrong' 'a good header'
plant harness/base/bad.h <<<$'#ifndef B\n#define B\nsize_t bad(void);\n#endif'
outcome 1 'harness/base/bad.h:1: does not compile alone with clang' 'a header that leans on its includer'
plant harness/base/bad.h <<<'struct twice { int a; };'
outcome 1 'harness/base/bad.h:1: does not compile alone with gcc' 'a header without a guard'
plant harness/base/bad.h <<<$'#ifndef B\n#define B\nint bad();\n#endif'
outcome 1 'harness/base/bad.h:1: ' 'a warning'
verdict
