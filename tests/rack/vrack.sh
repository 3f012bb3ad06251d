#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# vrack.sh BUILD_DIR: feedline on a machine with two NUMA nodes and two NVMe drives (scripts/vrack). The checks are in
# vrack-guest.sh and run inside; before that it is seen that the machine hands on output and status, keeps its time limit
# and leaves nothing behind.
: "${1:?usage: vrack.sh BUILD_DIR}"
source "$(dirname "${BASH_SOURCE[0]}")/boots.bash"

boots 7 'to stdout' 'to stderr' scripts/vrack -t 60 -- sh -c 'echo to stdout; echo to stderr >&2; exit 7'
boots 124 '' 'no end after 2 s' scripts/vrack -t 2 -- true
boots 130 '' '' timeout --preserve-status -s INT 2 scripts/vrack -- sleep 60
boots 2 '' 'usage' scripts/vrack true
in_guest tests/rack/vrack-guest.sh
