# SPDX-License-Identifier: Apache-2.0
# undisturbed.bash: a function for scripts that measure on a machine that they do not have for themselves. Sourced.

# undisturbed STATUS FILE [ALSO]: that status of a run printed as JSON, were it not for other programs on this machine: they
# are a true reason to distrust it (disturb.sh), also where they come or go meanwhile, but not what the other scripts are
# about. ALSO: how another such reason begins.
undisturbed() {
	local others='^((the (control|open loop)|its [a-z_]+): )?(other programs took|the hypervisor took|its threads waited'
	others+="|it left its steady state|this host was late${3:+|$3})"
	if [ "$1" = 4 ] && jq -e --arg o "$others" '[.lanes[].distrust[]] | length > 0 and all(test($o))' "$2" >/dev/null; then
		jq 'if any(.lanes[]; .verdict == "fail") then 1
			elif any(.lanes[]; .band and (.verdict == "inconclusive" or .verdict == "not measured")) then 3
			else 0 end' "$2"
	else
		[ "$1" != 4 ] || jq -r --arg o "$others" '.lanes[].distrust[] | select(test($o) | not) | "distrusted: " + .' "$2" >&2
		printf '%s\n' "$1"
	fi
}
