#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# The README of each component tells the options and counters that its source has, and no others: a table `option` with
# the real defaults (an empty default may be told in words), a table `counter` with unit and text as they are. Options of
# rows inside options must be named somewhere on the page.
set -eu
srcdir=${srcdir:-.}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# struct, name, default ("" is -empty, NULL is -given), one line for each FW_OPT row
options() # file...
{
	cat "$@" | tr '\n\t' '  ' | grep -oE 'FW_OPT\(struct [a-z0-9_]+, *[a-z0-9_]+, *("[^"]*"|NULL)' |
		sed -E 's/^FW_OPT\(struct ([a-z0-9_]+), *([a-z0-9_]+), */\1 \2 /; s/ NULL$/ -given/; s/ ""$/ -empty/; s/"//g'
}

# name, unit, text of each counter row X(CONSTANT, "name", "unit", "text")
counters() # file...
{
	cat "$@" | tr '\n\t' '  ' | grep -oE 'X\([A-Z0-9_]+, "[a-z0-9_]+", "[^"]*",[ \\]*"[^"]*"\)' |
		sed -E 's/^X\([A-Z0-9_]+, "([a-z0-9_]+)", "([^"]*)",[ \\]*"([^"]*)"\)$/\1|\2|\3/'
}

# rows of the tables whose first heading is the word: first, second and third cell without backticks and quotes
rows() # word, file
{
	awk -v word="$1" -F ' *[|] *' '
/^[|]/ { if (!inside) { inside = 1; ours = ($2 == word); next } if (ours && $2 !~ /^-/) print $2 "|" $3 "|" $4; next }
{ inside = 0 }' "$2" | tr -d '`"'
}

# name and default, one line for each name of a row; "64 each" and a single word are the default of all names
told() # file
{
	rows option "$1" | awk -F '|' '
$1 !~ /^…/ {
	count = split($1, names, / *, */)
	whole = $2
	each = sub(/ each$/, "", whole)
	parts = split(whole, defaults, / *, */)
	for (i = 1; i <= count; i++) print names[i] " " (count > 1 && parts == count && !each ? defaults[i] : whole)
}' | sed -E 's/ ([0-9]+) KiB$/ \1 1024/; s/ ([0-9]+) MiB$/ \1 1048576/' |
		awk '$3 ~ /^(1024|1048576)$/ { print $1, $2 * $3; next } { print }'
}

printf '| option | default |\n|---|---|\n| `a`, `b` | 1, 4 MiB |\n| `c`, `d` | 64 each |\n' >"$scratch/page"
[ "$(told "$scratch/page" | tr '\n' ';')" = "a 1;b 4194304;c 64;d 64;" ] || { echo "the rule itself is broken"; exit 1; }

failed=0
say()
{
	echo "$*"
	failed=1
}

for folder in "$srcdir"/components/*/; do
	name=$(basename "$folder")
	page=$folder/README.md
	options "$folder"*.c >"$scratch/options"
	told "$page" >"$scratch/told"
	grep "^${name}_config " "$scratch/options" | cut -d ' ' -f 2- >"$scratch/own"
	[ -s "$scratch/own" ] || say "$name: no options found; this rule cannot read the source any more"

	while read -r option default; do
		words=$(sed -n "s/^$option //p" "$scratch/told")
		if [ -z "$words" ]; then
			say "$name: the README does not tell the option $option"
		elif [ "$default" = -given ] && [ "$words" != "must be given" ]; then
			say "$name: $option must be given, the README says $words"
		elif [ "$default" = -empty ] && echo "$words" | grep -Eq '^([0-9]|true$|false$)'; then
			say "$name: $option is empty by default, the README says $words"
		elif [ "$default" != -given ] && [ "$default" != -empty ] && [ "$words" != "$default" ]; then
			say "$name: the default of $option is $default, the README says $words"
		fi
	done <"$scratch/own"
	while read -r option words; do
		grep -q "^$option " "$scratch/own" || say "$name: there is no option $option (the README says $words)"
	done <"$scratch/told"
	while read -r row option default; do
		[ "$row" = "${name}_config" ] || grep -qw "$option" "$page" ||
			say "$name: the README does not name $option of $row"
	done <"$scratch/options"

	counters "$folder"*.[ch] | sort >"$scratch/counters"
	rows counter "$page" | sort >"$scratch/counted"
	[ -s "$scratch/counters" ] || say "$name: no counters found; this rule cannot read the source any more"
	diff "$scratch/counters" "$scratch/counted" || say "$name: counters in the source (<) and in the README (>) differ"
done
exit $failed
