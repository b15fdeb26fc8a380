#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Each public header compiles alone, twice, in C and in C++, without a warning; each header of the other rooms in C.
# Needs CC and CXX in the environment, as `make check` gives them.
set -eu
srcdir=${srcdir:-.}
top=$(cd "$srcdir" && pwd)
[ -f "$top/sdk/include/fedway/abi.h" ] || { echo "$srcdir is not the source tree"; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
warnings="-Wall -Wextra -Wpedantic -Werror -fsyntax-only"
failed=0

compile_c() # header as it is included
{
	printf '#include %s\n#include %s\nextern int unused;\n' "$1" "$1" >"$scratch/x.c"
	${CC:-cc} -std=c11 -D_GNU_SOURCE $warnings -I"$top" -I"$top/sdk/include" "$scratch/x.c"
}

compile_cxx()
{
	printf '#include %s\n#include %s\n' "$1" "$1" >"$scratch/x.cc"
	${CXX:-c++} -std=c++11 $warnings -I"$top/sdk/include" "$scratch/x.cc"
}

if compile_c '<fedway/no-such-header.h>' 2>/dev/null || compile_cxx '<fedway/no-such-header.h>' 2>/dev/null; then
	echo "the rule itself is broken: a missing header compiles"
	exit 1
fi
cd "$top"
for header in $(cd sdk/include && find fedway -name '*.h' | LC_ALL=C sort); do
	compile_c "<$header>" || { echo "not alone in C: $header"; failed=1; }
	compile_cxx "<$header>" || { echo "not alone in C++: $header"; failed=1; }
done
for header in $(find sdk/src sdk/io config router components plugins tests/support -name '*.h' | LC_ALL=C sort); do
	compile_c "\"$header\"" || { echo "not alone in C: $header"; failed=1; }
done
exit $failed
