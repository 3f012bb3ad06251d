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
mkdir "$dir/a space"
boots 125 '' 'has a character that' env TMPDIR="$dir/a space" scripts/vrack --pair -- true

# without_n2: a pair whose n2 is killed once both are there
without_n2() {
	local pair n2
	scripts/vrack --pair -- sleep 100 &
	pair=$!
	until n2=$(pgrep -f "^qemu-system-.* vrack=$TMPDIR/.*/n2$") && pgrep -f "^qemu-system-.* vrack=$TMPDIR/.*/n1$" >/dev/null; do
		kill -0 "$pair" || break
		sleep 0.1
	done
	kill -KILL "$n2"
	wait "$pair"
}

boots 125 '' 'n2 ended' without_n2
in_guest tests/rack/pair-guest.sh --pair
