#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Every module that was built exports its descriptor and nothing else: a second copy of the SDK inside a module
# would show here. Needs NM, and runs in the build directory.
set -eu
failed=0
seen=0
for module in components/*/.libs/*.so; do
	[ -f "$module" ] || continue
	seen=$((seen + 1))
	wanted=$(basename "$module" .so | tr - _)_LTX_fw_component
	# The address sanitizer adds a mark beside each global, the coverage runtime its own.
	exports=$(${NM:-nm} -D --defined-only "$module" | awk '$3 !~ /^(__odr_asan\.|__gcov_|mangle_path)/ { print $3 }')
	if [ "$exports" != "$wanted" ]; then
		echo "$module exports something else than $wanted:"
		echo "$exports" | head -n 20
		failed=1
	fi
done
if [ "$seen" -eq 0 ]; then
	echo "no shared module was built: nothing was compared"
	exit 77
fi
exit $failed
