#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Every scenario is a row of SCENARIOS in tests/scenarios/Makefile.inc, once: a row that lost its place in the list, as
# a merge can bring about, would be a test that never runs.
set -eu
srcdir=${srcdir:-.}
cd "$srcdir"
listed=$(awk '/^SCENARIOS/ { on = 1 } on { for (i = 1; i <= NF; i++) if ($i ~ /\.scn$/) print $i } !/\\$/ { on = 0 }' \
	tests/scenarios/Makefile.inc | LC_ALL=C sort)
there=$(find tests/scenarios -name '*.scn' | LC_ALL=C sort)
[ -n "$there" ] || { echo "no scenarios found"; exit 1; }
if [ "$listed" != "$there" ]; then
	echo "tests/scenarios/Makefile.inc and the files differ:"
	printf '%s\n' "$listed" "$there" | LC_ALL=C sort | uniq -u
	printf '%s\n' "$listed" | uniq -d
	exit 1
fi
