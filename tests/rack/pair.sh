#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pair.sh BUILD_DIR: feedline on two machines with soft-RoCE between them (scripts/vrack --pair). The checks are in
# pair-guest.sh and run inside, on the first of them, in one boot; before that it is seen that both machines end, whichever
# way, and leave nothing behind.
: "${1:?usage: pair.sh BUILD_DIR}"
source "$(dirname "${BASH_SOURCE[0]}")/boots.bash"

boots 124 '' 'no end after 3 s' scripts/vrack --pair -t 3 -- true
boots 143 '' '' timeout --preserve-status 3 scripts/vrack --pair -- sleep 60
boots 2 '' 'usage' scripts/vrack --pair true
in_guest tests/rack/pair-guest.sh --pair
