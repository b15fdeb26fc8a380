#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Every cause of sdk/include/fedway/cause.h has a row in causes.txt that names a test which provokes it, and no row is
# without a cause: the test must be there and know the cause by its name or by its constant.
set -eu
srcdir=${srcdir:-.}
table=$srcdir/tests/rules/causes.txt
header=$srcdir/sdk/include/fedway/cause.h
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# constant and name of each row
sed -n 's/^[[:space:]]*X(\([A-Z0-9_]*\), "\([a-z0-9-]*\)".*/\1 \2/p' "$header" >"$scratch/causes"
[ "$(wc -l <"$scratch/causes")" -ge 80 ] || { echo "cause.h cannot be read by this rule any more"; exit 1; }

knows() # file, constant, name
{
	grep -qw "FW_CAUSE_$2" "$1" || grep -Eq "(^|[^A-Za-z0-9_-])$3([^A-Za-z0-9_-]|\$)" "$1"
}

printf 'x host-unknown-too y\n' >"$scratch/no"
printf 'FW_CAUSE_HOST_UNKNOWN,\n' >"$scratch/yes"
if knows "$scratch/no" HOST_UNKNOWN host-unknown || ! knows "$scratch/yes" HOST_UNKNOWN host-unknown; then
	echo "the rule itself is broken"
	exit 1
fi

failed=0
while read -r constant name; do
	row=$(grep -E "^$name " "$table" || true)
	test=$(echo "$row" | awk '{ print $2 }')
	reason=$(echo "$row" | awk '{ print $3 }')
	if [ "$(echo "$row" | grep -c .)" -ne 1 ]; then
		echo "$name: not exactly one row in $table"
		failed=1
	elif [ "$test" = - ]; then
		[ -n "$reason" ] || { echo "$name: no test, and no reason"; failed=1; }
	elif [ ! -f "$srcdir/$test" ]; then
		echo "$name: there is no $test"
		failed=1
	elif ! knows "$srcdir/$test" "$constant" "$name"; then
		echo "$name: $test does not know it"
		failed=1
	fi
done <"$scratch/causes"
grep -v '^#' "$table" | while read -r name rest; do
	grep -q " $name\$" "$scratch/causes" || { echo "$name: not a cause"; exit 1; }
done || failed=1
exit $failed
