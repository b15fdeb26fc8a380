#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Makes the certificates that the unit tests use, in this folder. Their keys are public: they protect nothing.
# Run it only to change them; the results are kept with the sources so that tests need no openssl command.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/index"
echo 01 >"$work/serial"
cat >"$work/ca.conf" <<CONF
[ca]
default_ca = test
[test]
database = $work/index
new_certs_dir = $work
serial = $work/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CONF

key() {
	openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"
}

# issue NAME SUBJECT FROM UNTIL EXTENSIONS
issue() {
	key "$1"
	openssl req -new -key "$1.key" -subj "/CN=$2" -out "$work/$1.csr"
	printf '%b' "$5" >"$work/$1.ext"
	openssl ca -batch -notext -config "$work/ca.conf" -cert ca.pem -keyfile "$work/ca.key" \
		-in "$work/$1.csr" -out "$1.pem" -startdate "$3" -enddate "$4" -extfile "$work/$1.ext" 2>/dev/null
}

key ca
mv ca.key "$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -subj "/CN=Fedway test CA" -days 36500 -out ca.pem \
	-addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
from=20200101000000Z
until=21200101000000Z
issue a a.example $from $until 'subjectAltName=DNS:a.example\nextendedKeyUsage=serverAuth\n'
issue b b.example $from $until 'subjectAltName=DNS:b.example,DNS:*.b.example\nextendedKeyUsage=serverAuth\n'
issue client client.example $from $until 'subjectAltName=DNS:client.example\nextendedKeyUsage=clientAuth\n'
issue expired old.example $from 20210101000000Z 'subjectAltName=DNS:old.example\n'
issue corp corp.example $from $until 'subjectAltName=DNS:corp.example\nextendedKeyUsage=serverAuth\n'
issue partner partner.example $from $until 'subjectAltName=DNS:partner.example\nextendedKeyUsage=serverAuth\n'
key partner-self
openssl req -x509 -new -key partner-self.key -subj "/CN=partner.example" -days 36500 -out partner-self.pem \
	-addext "subjectAltName=DNS:partner.example"
key stranger
openssl req -x509 -new -key stranger.key -subj "/CN=stranger.example" -days 36500 -out stranger.pem \
	-addext "subjectAltName=DNS:stranger.example"
