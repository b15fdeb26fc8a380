#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Writes the FW_API functions of the public headers into sdk/libfedway.map and tests/abi/symbols.txt. Run it after a
# change of the headers (`make abi-update`), read the difference, and write the history in abi.h and NEWS.
set -eu
export LC_ALL=C
cd "${srcdir:-.}"
symbols=$(find sdk/include -name '*.h' -exec cat {} + | sed -n \
	-e 's/^FW_API [^(]*[ *]\(fw_[a-z0-9_]*\)(.*/\1/p' \
	-e 's/^extern FW_API [^(]*[ *]\(fw_[a-z0-9_]*\)\[.*/\1/p' | sort)
{
	echo '# Symbols that libfedway exports, ABI 1.0. Checked by abi_symbols.sh, written by make abi-update.'
	echo "$symbols"
} >tests/abi/symbols.txt
{
	echo '/* One node per release of the ABI; a symbol never moves to another node. */'
	echo 'FEDWAY_1.0 {'
	echo 'global:'
	echo "$symbols" | sed 's/.*/	&;/'
	echo 'local:'
	echo '	*;'
	echo '};'
} >sdk/libfedway.map
