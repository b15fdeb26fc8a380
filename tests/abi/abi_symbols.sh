#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# The exported symbols are the same in four places: the public headers (FW_API), sdk/libfedway.map, the frozen
# list symbols.txt, and the library itself. A new symbol needs a line in each, and in NEWS and the history of abi.h.
# Needs srcdir and NM, and runs in the build directory, as `make check` and `make abi-check` do.
set -eu
export LC_ALL=C
srcdir=${srcdir:-.}
library=sdk/.libs/libfedway.so
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

compare() # what, file
{
	sort -o "$2" "$2"
	if ! diff "$scratch/frozen" "$2" >"$scratch/diff"; then
		echo "tests/abi/symbols.txt (<) and $1 (>) differ:"
		grep '^[<>]' "$scratch/diff"
		failed=1
	fi
}

grep -v '^#' "$srcdir/tests/abi/symbols.txt" | sort >"$scratch/frozen"
[ -s "$scratch/frozen" ] || { echo "symbols.txt is empty"; exit 1; }

find "$srcdir/sdk/include" -name '*.h' -exec cat {} + | sed -n \
	-e 's/^FW_API [^(]*[ *]\(fw_[a-z0-9_]*\)(.*/\1/p' \
	-e 's/^extern FW_API [^(]*[ *]\(fw_[a-z0-9_]*\)\[.*/\1/p' >"$scratch/headers"
compare "the public headers" "$scratch/headers"

sed -n 's/^[[:space:]]*\(fw_[^;]*\);$/\1/p' "$srcdir/sdk/libfedway.map" >"$scratch/map"
compare "sdk/libfedway.map" "$scratch/map"

if [ -f "$library" ]; then
	${NM:-nm} -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' >"$scratch/library"
	compare "$library" "$scratch/library"
elif [ "$failed" -eq 0 ]; then
	echo "no shared library was built: its symbols were not compared"
	exit 77
fi
exit $failed
