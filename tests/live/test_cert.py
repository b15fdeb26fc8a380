# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A certificate from the first command to the first connection, as an operator gets it: `fedwayctl cert csr` asks the running
daemon which domains there are, an authority signs, the configuration names it, a reload takes it over. A stranger with
another name still gets the certificate for all others."""
import os
import socket
import subprocess

import pytest
from certificates import build, context, end_entity, text_of, write
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hostile.wire import STARTTLS, header

SVC, ROOMS, INSIDE, PARTNER = "svc.corp.example", "rooms.corp.example", "inside.corp.example", "partner.example"


@pytest.fixture
def edge(world):
    """fedwayd with a service, its chat rooms' domain, and a domain that does not federate."""
    world.fedway = world.prepare_fedway([SVC, ROOMS], allow=[PARTNER], authority=world.authority)
    world.fedway.config["domains"].append({"name": INSIDE, "federation": False})
    for name in (SVC, ROOMS, INSIDE):
        world.fedway.link(name)
    for process in (world.dns, world.fedway):
        world.start(process)
    world.key, world.request = f"{world.where}/new.key", f"{world.where}/new.csr"
    return world


def ctl(edge, *words):
    """fedwayctl as a person types it."""
    done = subprocess.run([f"{edge.fedway.installed.prefix}/sbin/fedwayctl", "--socket", edge.fedway.socket, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30,
                          env={**os.environ, **edge.fedway.installed.env})
    assert done.returncode == 0, done.stdout
    return done.stdout


def names_of(request):
    return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def sign(authority, request, path):
    """What an authority makes of a request: a certificate for its names and its key, which the request knows like a pair."""
    extensions = end_entity(request, list(names_of(request)), ("server", "client"))
    return write(path, text_of(build(SVC, request, authority.name, authority.private, (-1, 60), extensions)))


def shown(fedway, to, name):
    """The certificate that a server sees who wants `to`, and says `name` by SNI."""
    with socket.create_connection((fedway.ip, fedway.s2s_port), 30) as sock:
        sock.sendall(header(PARTNER, to).encode())
        got = b""
        while b"</stream:features>" not in got:
            got += sock.recv(4096)
        sock.sendall(STARTTLS.encode())
        got = b""
        while b"<proceed" not in got:
            got += sock.recv(4096)
        with context().wrap_socket(sock, server_hostname=name) as secured:
            return x509.load_der_x509_certificate(secured.getpeercert(True))


def spki(owner):
    return owner.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_from_the_request_to_the_connection(edge):
    said = ctl(edge, "cert", "csr", "--key", edge.key, "--out", edge.request, "--xmpp")
    assert SVC in said and ROOMS in said and INSIDE not in said, said
    assert os.stat(edge.key).st_mode & 0o777 == 0o600
    checked = subprocess.run(["openssl", "req", "-in", edge.request, "-noout", "-verify"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=30)
    assert checked.returncode == 0 and "OK" in checked.stdout, checked.stdout
    with open(edge.request, "rb") as file:
        request = x509.load_pem_x509_csr(file.read())
    assert sorted(names_of(request).get_values_for_type(x509.DNSName)) == sorted([SVC, ROOMS])
    assert len(names_of(request).get_values_for_type(x509.OtherName)) == 2
    old = spki(shown(edge.fedway, SVC, SVC))
    signed = sign(edge.authority, request, f"{edge.where}/new.pem")
    edge.fedway.options["s2s"]["certificates"] = [{"domain": ROOMS, "certificate_file": signed, "key_file": edge.key}]
    edge.fedway.reload()
    own = {row["domain"]: row for row in edge.fedway.ctl("cert", "list")["components"][0]["own"]}
    assert 58 <= own[ROOMS]["days_left"] <= 60 and own[ROOMS]["issuer"] == "CN=Lab CA", own
    assert own["all others"]["issuer"] != "CN=Lab CA", own
    assert spki(shown(edge.fedway, ROOMS, ROOMS)) == spki(request) != old
    assert spki(shown(edge.fedway, SVC, SVC)) == old
    edge.fedway.options["s2s"].update(certificate_file=signed, key_file=edge.key)
    edge.fedway.reload()
    assert spki(shown(edge.fedway, SVC, SVC)) == spki(request)
    edge.fedway.settled()


def test_a_second_request_keeps_the_key(edge):
    ctl(edge, "cert", "csr", "--key", edge.key, "--out", edge.request)
    with open(edge.key, "rb") as file:
        before = file.read()
    edge.fedway.config["domains"].append({"name": "new.corp.example", "federation": True})
    edge.fedway.reload()
    assert "Key used" in ctl(edge, "cert", "csr", "--key", edge.key, "--out", edge.request, "--force")
    with open(edge.key, "rb") as file:
        assert file.read() == before
    with open(edge.request, "rb") as file:
        names = names_of(x509.load_pem_x509_csr(file.read())).get_values_for_type(x509.DNSName)
    assert sorted(names) == sorted([SVC, ROOMS, "new.corp.example"]), names
