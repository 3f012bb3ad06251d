#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rate.sh BUILD_DIR: numbers that are known beforehand, of a lane that has the machine for itself: what is measured is what is
# made, and a stated cap is what it is held against.
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
source "$(dirname "${BASH_SOURCE[0]}")/scripted.bash"

# Steps of 2 ms at 1 GB/s give 1 GB/s, whatever the harness does around them; a stated cap is what they are held against.
# (A loaded machine can only make it slower: the upper side is sharp, the lower one generous.)
play ok --step-time 2ms --rate 1GB --cap 1GB --duration 1s
is true "$(value '.lanes[0].metrics.bytes_per_s.median | . <= 1.0001e9 and . > 0.5e9')" 'a rate that is known'
play ok --step-time 2ms --rate 2GB --cap 1GB --duration 1s
is 3 "$rc" 'status of a result above its cap'
is invalid "$(value '.lanes[0].verdict')" 'a result above its cap'
play ok --step-time 2ms --rate 500MB --cap 1GB --duration 1s
is 1 "$rc" 'status of half the cap'
is fail "$(value '.lanes[0].verdict')" 'half the cap'

finish
