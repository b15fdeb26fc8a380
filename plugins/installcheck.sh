#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds every plugin as a stranger would: outside the tree, with its own Makefile, against the installed SDK. Then
# checks that it exports its descriptor and nothing else, and that it loads with all symbols bound. Run by
# `make installcheck`, which gives srcdir, CC, NM, PKG_CONFIG, DESTDIR, libdir, pkgconfigdir, SANITIZE.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PKG_CONFIG PKG_CONFIG_PATH="$DESTDIR$pkgconfigdir" PKG_CONFIG_SYSROOT_DIR="$DESTDIR"
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
sources=$(cd "$srcdir/plugins" && pwd)

cat >"$scratch/load.c" <<'EOF'
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <fedway/fedway.h>

int main(int argc, char **argv)
{
	char symbol[256];
	void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

	if (module == NULL || argc != 3) {
		return fprintf(stderr, "%s\n", dlerror());
	}
	snprintf(symbol, sizeof(symbol), "%s_LTX_fw_component", argv[2]);
	const struct fw_component *component = dlsym(module, symbol);
	if (component == NULL) {
		return fprintf(stderr, "no symbol %s\n", symbol);
	}
	if (component->abi != FW_ABI || component->size != sizeof(*component) || strcmp(component->name, argv[2]) != 0) {
		return fprintf(stderr, "%s: bad descriptor\n", argv[2]);
	}
	return 0;
}
EOF
$CC -std=c11 -Wall -Wextra -Werror ${SANITIZE:-} -o "$scratch/load" "$scratch/load.c" \
	$($PKG_CONFIG --cflags --libs fedway-sdk) -ldl

built=0
for folder in "$sources"/*/; do
	[ -f "$folder/Makefile" ] || continue
	name=$(basename "$folder")
	symbol=$(echo "$name" | tr - _)
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make --no-print-directory -C "$scratch" -f "$folder/Makefile" \
		CC="$CC" CFLAGS="-O2 -Wall -Wextra -Werror ${SANITIZE:-}" \
		LDFLAGS="${SANITIZE:+-Wl,-z,undefs}" "$scratch/$name.so" "builddir=$scratch"
	exports=$($NM -D --defined-only "$scratch/$name.so" | awk '{ print $3 }')
	if [ "$exports" != "${symbol}_LTX_fw_component" ]; then
		echo "$name exports something else than ${symbol}_LTX_fw_component:"
		echo "$exports"
		exit 1
	fi
	LD_LIBRARY_PATH="$DESTDIR$libdir" "$scratch/load" "$scratch/$name.so" "$symbol"
	echo "plugin $name: built against the installed SDK, one symbol, loads"
	built=$((built + 1))
done
[ "$built" -gt 0 ] || { echo "no plugin found in $sources"; exit 1; }
