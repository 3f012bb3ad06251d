# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# completion.bash: what may be typed next in bash after 'feedline'. 'feedline doc' writes the table of declared words before
# it, the function _feedline_declared. Works without the package bash-completion. Of a store it reads the names of runs: it
# writes nothing, says nothing, and takes two seconds at most.

# The variables that these functions share are those of _feedline:
#   words   what may stand here; ask: the commands, each after a ';', whose lines begin with more; files=yes: files, too
#   once=yes: only right after the command; flag=yes: the option needs no value

# _feedline_names: adds what the commands in $ask print, whose first line is a head. What does not look like a name is left
# out: a store may come from anywhere.
_feedline_names() {
	local i name rest command commands ask_words store=()
	for ((i = 1; i < COMP_CWORD - 1; i++)); do
		[ "${COMP_WORDS[i]}" = --store ] || continue
		store=(--store "${COMP_WORDS[i + 1]}")
		[ "${store[1]}" != = ] || store=(--store "${COMP_WORDS[i + 2]}")
	done
	IFS=';' read -ra commands <<<"${ask#;}"
	for command in "${commands[@]}"; do
		IFS=' ' read -ra ask_words <<<"$command"
		while read -r name rest; do
			[[ $name =~ ^[A-Za-z0-9._-]+$ ]] && words+=" $name"
		done < <(timeout -s KILL 2 "${COMP_WORDS[0]}" "${ask_words[@]}" "${store[@]}" </dev/null 2>/dev/null | tail -n +2)
	done
}

# _feedline_offer CURRENT: those of the words that begin so.
_feedline_offer() {
	local word list
	[ -z "$ask" ] || _feedline_names
	IFS=' ' read -ra list <<<"$words"
	for word in "${list[@]}"; do
		[[ $word != "$1"* ]] || COMPREPLY+=("$word")
	done
	[ -n "$files" ] || return 0
	compopt -o filenames 2>/dev/null
	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -f -- "$1")
}

# _feedline_after CONTEXT WORD CURRENT: in the place of a word that is no value of an option.
_feedline_after() {
	[[ $3 == -* ]] || _feedline_declared "$1 words"
	[ -z "$once" ] || [ "$COMP_CWORD" = "$((first + 1))" ] || words=''
	if [ "$first" = 1 ] && [ -z "$words$ask$files" ]; then
		_feedline_declared "$1 options"
		_feedline_declared "$1 $2 options"
	fi
	_feedline_offer "$3"
}

_feedline() {
	local at=$COMP_CWORD current=${COMP_WORDS[COMP_CWORD]} first=1 context bench option='' equals=''
	local words='' ask='' files='' once='' flag=''
	COMPREPLY=()
	[ "$at" -lt 2 ] || [ "${COMP_WORDS[1]}" != help ] || first=2
	if [ "$at" = "$first" ]; then
		_feedline_declared commands
		[ "$first" = 2 ] || words+=' help --help --version'
		_feedline_offer "$current"
		return
	fi
	context=${COMP_WORDS[first]} bench=${COMP_WORDS[first + 1]}
	if [ "$current" = = ]; then # bash takes '=' for a word of its own
		equals=yes option=${COMP_WORDS[at - 1]} current=''
	elif [ "${COMP_WORDS[at - 1]}" = = ]; then
		equals=yes option=${COMP_WORDS[at - 2]}
	elif [[ ${COMP_WORDS[at - 1]} == --?* ]]; then
		option=${COMP_WORDS[at - 1]}
	fi
	if [ -n "$option" ]; then
		_feedline_declared "$context $option"
		_feedline_declared "$context $bench $option"
		if [ -z "$flag" ] || [ -n "$equals" ]; then
			_feedline_offer "$current"
			return
		fi
		words=''
	fi
	_feedline_after "$context" "$bench" "$current"
}

complete -F _feedline feedline
