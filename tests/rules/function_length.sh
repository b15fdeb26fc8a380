#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a function has more than 80 lines or a C file more than 600, tests included. In the house format a
# function begins with a line that is just "{" and ends with one that is just "}".
set -eu
srcdir=${srcdir:-.}

measure() # files
{
	awk '
function file_ends() { if (lines > 600) print name ": " lines " lines, 600 are allowed" }
FNR == 1 { file_ends(); name = FILENAME }
{ lines = FNR }
/^\{$/ { begin = FNR; header = before }
/^\}$/ && begin > 0 {
	if (FNR - begin + 2 > 80) print FILENAME ":" begin ": " FNR - begin + 2 " lines, 80 are allowed: " header
	begin = 0
}
{ before = $0 }
END { file_ends() }' "$@"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
long() # lines in all, file
{
	{ echo 'int f(void)'; echo '{'; awk -v n="$(($1 - 3))" 'BEGIN { while (n-- > 0) print "\tx();" }'; echo '}'; } >"$2"
}
mkdir "$scratch/tests"
long 80 "$scratch/a.c"
long 81 "$scratch/b.c"
awk 'BEGIN { for (i = 0; i < 600; i++) print "int x;" }' >"$scratch/c.c"
awk 'BEGIN { for (i = 0; i < 601; i++) print "int x;" }' >"$scratch/tests/d.c"
found=$(cd "$scratch" && measure a.c b.c c.c tests/d.c a.c)
if [ "$(echo "$found" | wc -l)" -ne 2 ] || ! echo "$found" | grep -q 'b.c:2: 81' || ! echo "$found" | grep -q 'd.c: 601'; then
	echo "the rule itself is broken: $found"
	exit 1
fi

cd "$srcdir"
[ -f sdk/include/fedway/abi.h ] || { echo "$srcdir is not the source tree"; exit 1; }
report=$(find sdk config router components plugins tests -name '*.[ch]' | LC_ALL=C sort | { files=$(cat); measure $files; })
if [ -n "$report" ]; then
	echo "$report"
	exit 1
fi
