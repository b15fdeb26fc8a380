#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# fedwayctl cert csr, self-signed and describe: what is printed, what is written, and how it ends. Runs in the folder
# of the build, with no daemon.
set -eu
ctl=$PWD/router/fedwayctl
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failed=0

# ends CODE WORDS... : runs fedwayctl with the words, which must end with that code; its output is in out
ends()
{
	wanted=$1
	shift
	got=0
	"$ctl" "$@" >out 2>&1 || got=$?
	[ "$got" = "$wanted" ] || { echo "fedwayctl $*: $got, wanted $wanted:"; cat out; failed=1; }
}
says()
{
	grep -q -- "$1" out || { echo "\"$1\" is not in:"; cat out; failed=1; }
}

ends 0 cert self-signed --key a.key --out a.pem --days 7 --srv a.example '*.a.example'
says 'Certificate a.pem for a.example \*.a.example'
says 'New key:  a.key'
ends 0 cert describe a.pem
says '^subject  *CN=a.example$'
says '^names  *DNS:a.example, SRV:_xmpp-server.a.example, SRV:_xmpps-server.a.example, DNS:\*.a.example$'
says '^days left  *[67]$'
says '^key  *EC prime256v1$'
ends 0 --json cert describe a.pem
says '"days_left": [67]'
ends 0 cert describe -j a.pem
says '"issuer": "CN=a.example"'
before=$(cat a.key)
ends 0 cert csr -k a.key -o a.csr a.example
says 'Key used: a.key'
[ "$before" = "$(cat a.key)" ] || { echo "the key is another"; failed=1; }
grep -q 'BEGIN CERTIFICATE REQUEST' a.csr || { echo "no request in a.csr"; failed=1; }
ends 1 cert csr -k a.key -o a.csr a.example
says 'a.csr exists'
ends 0 --json cert csr -k a.key -o a.csr --force a.example
says '"new_key": false'
says '"file": "a.csr"'
says '"ok": true'

ends 1 cert describe none.pem
says 'No such file'
ends 2 cert describe
ends 2 cert csr a.example
says 'are needed'
ends 2 cert csr --key b.key --out b.csr --rsa 12 b.example
says '2048 to 8192'
ends 2 cert csr --key b.key --out b.csr --unknown b.example
[ ! -e b.key ] || { echo "a key was made for nothing"; failed=1; }
ends 0 cert help
says 'Usage: fedwayctl cert csr'
# Without domains, and for other words, the daemon is asked.
ends 3 -s "$scratch/none.sock" cert csr --key b.key --out b.csr
says 'Name the domains'
ends 3 -s "$scratch/none.sock" cert list
exit $failed
