#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Every source file begins with the two SPDX lines; no C file calls what the house does without; nothing is left
# "to do"; every room with sources has a README.md with the same five headings. The compiler checks variable-length arrays.
set -eu
srcdir=${srcdir:-.}
cd "$srcdir"
[ -f sdk/include/fedway/abi.h ] || { echo "$srcdir is not the source tree"; exit 1; }
failed=0
c_files=$(find sdk config router components plugins tests -name '*.[ch]' | LC_ALL=C sort)
banned='strcpy|sprintf|vsprintf|gets|atoi|atol|atoll|alloca|mktemp|tmpnam'

for file in $c_files $(find sdk config router components plugins tests packaging m4 -name '*.inc' -o -name '*.sh' -o \
	-name 'fw-*.m4' -o -name '*.py' | LC_ALL=C sort); do
	case $file in */Makefile.inc) continue ;; esac # rows of the top Makefile.am, which has the lines
	head -n 3 "$file" | grep -q 'SPDX-FileCopyrightText: The Fedway authors' &&
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
		{ echo "$file: the SPDX lines are missing"; failed=1; }
done
calls='(^|[^A-Za-z0-9_>.])('$banned')[[:space:]]*\('
echo '	strcpy(a, b);' | grep -qE "$calls" || { echo "the rule itself is broken"; exit 1; }
if echo '	snprintf(a, b);' | grep -qE "$calls"; then
	echo "the rule itself is broken"
	exit 1
fi
if grep -nE "$calls" $c_files | grep -v '^[^:]*:[0-9]*:[[:space:]]*/\?\*'; then
	echo "the calls above are not used in this house"
	failed=1
fi
if grep -nE '(/\*|//|\*).*(TODO|FIXME|XXX)' $c_files; then
	echo "the remarks above belong into an issue"
	failed=1
fi
for room in sdk config router plugins components/*/ plugins/*/; do
	room=${room%/}
	[ -n "$(find "$room" -name '*.c' | head -n 1)" ] || continue
	headings=$(grep '^## ' "$room/README.md" | tr '\n' '|')
	if [ "$headings" != '## Job|## Comes in|## Goes out|## Limits|## Where to start reading|' ]; then
		echo "$room/README.md: headings are $headings"
		failed=1
	fi
done
exit $failed
