#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# The code in sdk/WRITING-A-COMPONENT.md is true: a block marked `c` occurs, line by line, in plugins/echo/echo.c;
# a block marked `c sketch` compiles against the public headers. Needs CC in the environment.
set -eu
srcdir=${srcdir:-.}
guide=$srcdir/sdk/WRITING-A-COMPONENT.md
code=$srcdir/plugins/echo/echo.c
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Writes each block into quote.N or sketch.N.
split() # guide, folder
{
	awk -v folder="$2" '
/^```c$/ { out = folder "/quote." ++quotes; next }
/^```c sketch$/ { out = folder "/sketch." ++sketches; next }
/^```/ { if (out != "") close(out); out = ""; next }
out != "" { print > out }' "$1"
}

occurs() # block, file: all lines of the block, one after the other, somewhere in the file
{
	awk '
NR == FNR { block[++size] = $0; next }
{ line[++count] = $0 }
END {
	for (begin = 1; begin + size - 1 <= count; begin++) {
		for (i = 1; i <= size && block[i] == line[begin + i - 1]; i++) { }
		if (i > size) exit 0
	}
	exit 1
}' "$1" "$2"
}

printf 'a\nc\n' >"$scratch/no"
printf 'b\nc\n' >"$scratch/yes"
printf 'a\nb\nc\n' >"$scratch/file"
if occurs "$scratch/no" "$scratch/file" || ! occurs "$scratch/yes" "$scratch/file"; then
	echo "the rule itself is broken"
	exit 1
fi

split "$guide" "$scratch"
failed=0
checked=0
for block in "$scratch"/quote.*; do
	checked=$((checked + 1))
	occurs "$block" "$code" || { echo "not in plugins/echo/echo.c:"; cat "$block"; failed=1; }
done
for block in "$scratch"/sketch.*; do
	checked=$((checked + 1))
	{ echo "#include <fedway/fedway.h>"; cat "$block"; } >"$block.c"
	${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only -I"$srcdir/sdk/include" "$block.c" ||
		{ echo "does not compile:"; cat "$block"; failed=1; }
done
[ "$checked" -ge 10 ] || { echo "only $checked blocks found in $guide"; exit 1; }
exit $failed
