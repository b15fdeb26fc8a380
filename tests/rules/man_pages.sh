#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# fedwayctl(8) and fedwayd(8) have every command, of the router and of each module, and every option that the programs tell of.
set -eu
srcdir=${srcdir:-.}
cd "$srcdir"
failed=0

# has PAGE WORDS: the page has an entry for them
has()
{
	grep -q "^\.It .*$2\( \|\$\)" "$1" || { echo "$1 has no entry for: $2"; failed=1; }
}

commands=$(sed -n 's/^\tX(\([a-z]*\), control_.*/\1/p' router/control_commands.h
	sed -n '/^const struct fw_command /,/FW_COMMAND_END/ s/^\t{ "\([a-z -]*\)", .*/\1/p' components/*/*.c |
		grep -v -x -e explain -e check)
[ "$(printf '%s\n' "$commands" | wc -l)" -gt 30 ] || { echo "the tables of commands are not where they were"; exit 1; }
while read -r command; do
	has router/fedwayctl.8 "Cm $command"
done <<END
$commands
END

# options PAGE SOURCE...: each --word of the usage
options()
{
	page=$1
	shift
	words=$(sed -n 's/^ *"  \(-., \|    \)--\([a-z-]*\)[ =].*/\2/p' "$@")
	[ -n "$words" ] || { echo "no options found in $*"; exit 1; }
	for word in $words; do
		grep -q "Fl Fl $word" "$page" || { echo "$page does not tell of --$word"; failed=1; }
	done
}
options router/fedwayctl.8 router/fedwayctl.c router/fedwayctl_cert.c
options router/fedwayd.8 router/main.c
exit $failed
