#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Options of fedwayctl, before and behind a command, and words of a command that are written like options. There is no
# daemon: what is understood ends with 3, what is not with 2.
set -eu
ctl=$PWD/router/fedwayctl
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failed=0

# ends CODE WORDS... : runs fedwayctl with the words, which must end with that code
ends()
{
	wanted=$1
	shift
	got=0
	"$ctl" "$@" >out 2>&1 || got=$?
	[ "$got" = "$wanted" ] || { echo "fedwayctl $*: $got, wanted $wanted:"; cat out; failed=1; }
}

ends 3 -s nowhere status
ends 3 --socket nowhere status
ends 3 status -s nowhere
ends 3 status --socket=nowhere --json
ends 3 --json -s nowhere status
ends 0 status --version
ends 2 -s nowhere status --whatever # the router's own command takes no such word
grep -q 'unexpected argument "whatever"' out || { cat out; failed=1; }
ends 3 -s nowhere axl sync --dry-run # a component's: the daemon would know
ends 3 -s nowhere axl sync --mode=dry-run
ends 2 --dry-run -s nowhere axl sync # before the command only our own
ends 3 -s nowhere log --logger=s2s --level=debug
exit $failed
