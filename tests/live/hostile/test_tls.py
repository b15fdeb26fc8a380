# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""TLS of peers: old protocols, none at all, and bytes slipped in before it. Certificates are in test_certificates.py."""
import ssl
import subprocess

import pytest

from certificates import context
from peers import need
from process import WAIT_S
from wire import FEATURES, OFFER, PROCEED, STARTTLS, TLS

SVC = "svc.corp.example"


def handshake_fails(wire, tls, server):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.wrap(tls, server)


def test_tls_1_1_of_an_initiating_server(arena):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(STARTTLS)
    wire.expect("<proceed [^>]*/>")
    handshake_fails(wire, context(old=True), False)
    arena.ended("tls-failed", more=".*detail='unsupported protocol'")


def test_tls_1_1_of_a_receiving_server(arena):
    arena.say("old")
    wire = arena.accept()
    wire.welcome(OFFER)
    wire.expect("<starttls [^>]*/>")
    wire.send(PROCEED)
    handshake_fails(wire, arena.pair.serve(old=True), True)
    arena.ended("tls-failed", "OUT")
    arena.bounced("old", "tls-failed")


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"<presence/>", b"\0" * 6],
                         ids=["a record too long", "XML", "zeros"])
def test_no_tls_after_proceed(arena, junk):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(STARTTLS)
    wire.expect("<proceed [^>]*/>")
    wire.offer(junk)
    wire.rest()
    arena.ended("tls-failed")


def test_a_receiving_server_offers_no_tls(arena):
    arena.say("clear")
    wire = arena.accept()
    wire.welcome(FEATURES)
    wire.ends("policy-violation")
    arena.ended("tls-required", "OUT")
    arena.bounced("clear", "tls-required")


def test_a_receiving_server_speaks_no_xmpp_1_0(arena):
    arena.say("ancient")
    wire = arena.accept()
    wire.welcome("", version=None)
    wire.ends("policy-violation")
    arena.ended("tls-required", "OUT")
    arena.bounced("ancient", "tls-required")


def test_a_receiving_server_refuses_the_tls_that_it_offered(arena):
    arena.say("refused")
    wire = arena.accept()
    wire.welcome(OFFER)
    wire.expect("<starttls [^>]*/>")
    wire.send(f"<failure xmlns='{TLS}'/></stream:stream>")
    wire.ends()
    arena.ended("tls-failed", "OUT")
    arena.bounced("refused", "tls-failed")


def test_an_authoritative_server_offers_no_tls(arena):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.ask(SVC)
    authority = arena.accept()
    authority.welcome(FEATURES)
    authority.ends("policy-violation")
    wire.expect("<db:result [^>]*type='error'.*<remote-server-timeout")
    arena.unverified("tls-required")


def test_an_initiating_server_tries_dialback_in_clear(arena):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.ask(SVC)
    wire.expect("<db:result [^>]*type='error'.*<policy-violation")
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'/>")
    wire.ends("not-authorized")
    arena.ended("not-authorized")


@pytest.mark.parametrize("slipped", [" ", "<presence/>", f"<db:result from='a' to='{SVC}'>k</db:result>", "<"])
def test_injection_behind_starttls(arena, slipped):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(STARTTLS + slipped)
    wire.ends("policy-violation")
    arena.ended("tls-injection")


@pytest.mark.parametrize("slipped", [" ", "<presence/>", "<stream:features/>", "<"])
def test_injection_behind_proceed(arena, slipped):
    arena.say("slip")
    wire = arena.accept()
    wire.welcome(OFFER)
    wire.expect("<starttls [^>]*/>")
    wire.send(PROCEED + slipped)
    wire.ends("policy-violation")
    arena.ended("tls-injection", "OUT")
    arena.bounced("slip", "tls-injection")


def test_proceed_that_nobody_asked_for(arena):
    arena.say("early")
    wire = arena.accept()
    wire.welcome(PROCEED)
    wire.ends("policy-violation")
    arena.ended("unexpected-element", "OUT")
    arena.bounced("early", "unexpected-element")


def test_renegotiation(arena):
    """TLS 1.2 again inside TLS 1.2: openssl's client asks for it with an R, and is told that there is none."""
    asked = subprocess.run([need("openssl", "openssl"), "s_client", "-connect", f"{arena.fedway.ip}:{arena.fedway.s2s_port}",
                            "-starttls", "xmpp-server", "-xmpphost", SVC, "-tls1_2"], input="R\n", text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT_S, check=False)
    assert "no renegotiation" in asked.stdout, asked.stdout
    arena.ended("peer-lost")


def test_starttls_inside_tls(arena):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.send(STARTTLS)
    wire.ends("unsupported-stanza-type")
    arena.ended("unsupported-stanza-type")
