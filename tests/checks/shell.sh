#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shell.sh: the check of shell scripts can fail.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

outcome 2 'found no scripts' 'an empty tree'
plant scripts/good <<<$'#!/usr/bin/env bash\necho "$1"'
outcome 0 '1 scripts, 0 wrong' 'a good script'
plant tests/bad.sh <<<$'#!/bin/sh\necho $1'
outcome 1 'tests/bad.sh:2:' 'an unquoted word'
verdict
