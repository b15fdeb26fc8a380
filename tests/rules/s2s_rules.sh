#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# s2s_rules.tsv is whole: its numbers follow each other, each rule that applies names tests that exist, each other one
# says why it does not. A test is file.c:function, file.py:function, or a scenario that `make check` plays.
set -eu
srcdir=${srcdir:-.}

names() # file, pattern: the lines that match it
{
	grep -qE "$2" "$1"
}

exists() # test; the tests' folder is ./tests
{
	file=${1%%:*}
	name=${1#*:}
	[ -f "$file" ] || return 1
	case $file in
	*.c) names "$file" "\($name[,)]" ;;
	*.py) names "$file" "^def $name\(" ;;
	*.scn) names tests/scenarios/Makefile.inc "$file" ;;
	*) return 1 ;;
	esac
}

check() # table
{
	number=0
	tab=$(printf '\t')
	while IFS=$tab read -r id clause rule applies tests; do
		case $id in '#'*) continue ;; esac
		number=$((number + 1))
		[ "$id" = "$number" ] || echo "rule $number is missing: $id stands in its place"
		[ -n "$clause" ] && [ -n "$rule" ] || echo "rule $id has no clause or no words"
		case $applies in
		yes)
			[ -n "$tests" ] || echo "rule $id applies and names no test"
			for test in $tests; do
				exists "$test" || echo "rule $id names a test that is not there: $test"
			done ;;
		no:?*) [ -z "$tests" ] || echo "rule $id does not apply and names tests" ;;
		*) echo "rule $id: neither yes nor no with a reason: $applies" ;;
		esac
	done <"$1"
	[ "$number" -ge 101 ] || echo "only $number rules"
}

cd "$srcdir"
[ -f tests/rules/s2s_rules.tsv ] || { echo "$srcdir is not the source tree"; exit 1; }
scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT
printf '1\tRFC\tx\tyes\t\n3\tRFC\tx\tno:\t\n3\tRFC\tx\tyes\ttests/rules/s2s_rules.sh:check tests/no.c:x tests/sdk/test_cause.c:x\n' >"$scratch"
if [ "$(check "$scratch" | wc -l)" -ne 7 ]; then
	echo "the rule itself is broken:"
	check "$scratch"
	exit 1
fi
report=$(check tests/rules/s2s_rules.tsv)
if [ -n "$report" ]; then
	echo "$report"
	exit 1
fi
