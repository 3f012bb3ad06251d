# SPDX-License-Identifier: Apache-2.0
# guest.bash: what the checks inside the virtual rack share. Sourced.
#
#   wrong WHY            the check that runs has failed
#   is WANT GOT WHAT     equal?
#   has TEXT PART WHAT   is PART in TEXT?
#   skip WHY             the check that runs cannot be done here
#   walk CHECK...        each is a function; ends the script with how many passed
failures=0 skipped=0

wrong() {
	printf 'FAIL %s: %s\n' "$name" "$1"
	failures=$((failures + 1))
}

is() {
	[ "$1" = "$2" ] || wrong "$3 is '$2', not '$1'"
}

has() {
	[[ "$1" == *"$2"* ]] || wrong "$3: no '$2' in '$1'"
}

skip() {
	printf 'skip %s: %s\n' "$name" "$1"
	skipped=$((skipped + 1))
}

walk() {
	local name before
	for name in "$@"; do
		before=$failures,$skipped
		"$name"
		[ "$failures,$skipped" != "$before" ] || printf 'ok   %s (%d s)\n' "$name" "$SECONDS"
	done
	[ "$failures" = 0 ] || exit 1
	[ "$skipped" = 0 ] || printf 'guest: %d checks skipped\n' "$skipped"
	printf 'guest: all %d checks passed\n' $(($# - skipped))
}
