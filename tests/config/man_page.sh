#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# fedway.conf(5) must render without a warning, and every option of the router must be in it.
set -eu
page=config/fedway.conf.5
command -v man >/dev/null || { echo "man is not installed"; exit 77; }
warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ= man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
if grep -n '@[A-Za-z]*@' "$page"; then
	echo "a place holder is left"
	exit 1
fi
for option in realm listen link_queue_max_bytes retry_max_ms secret conflict; do
	grep -q "^.fB$option.fP (" "$page" || { echo "$option is not described"; exit 1; }
done
