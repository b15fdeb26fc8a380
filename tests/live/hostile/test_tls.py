# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""TLS of peers: certificates that prove nothing, old protocols, none at all, and bytes slipped in before it."""
import ssl

import pytest

from certificates import context
from wire import FEATURES, OFFER, PROCEED, STARTTLS, TLS

SVC = "svc.corp.example"
# What a certificate is, what streams say, their words for the problem. The verdict is on the chain.
CERTIFICATES = {
    "expired": ("expired", "certificate has expired"),
    "not yet valid": ("expired", "certificate is not yet valid"),
    "self-signed": ("untrusted", "self-signed certificate"),
    "unknown authority": ("untrusted", "unable to get local issuer certificate"),
    "missing intermediate": ("untrusted", "unable to get local issuer certificate"),
    "mail-only": ("purpose", "unsuitable certificate purpose"),
    "good": ("valid", None),
}
certificate_rows = pytest.mark.parametrize("kind", CERTIFICATES)


def shown(arena, kind):
    return arena.faulty.get(kind, arena.good)


def judged(row, kind):
    verdict, problem = CERTIFICATES[kind]
    assert row["method"] == "dialback" and row["state"] == "up", row
    assert row["security"]["tls"] is True
    assert row["security"]["certificate"] == verdict, row
    assert row["security"].get("certificate_problem") == problem, row


@certificate_rows
def test_an_initiating_server_is_proved_by_dialback(arena, kind):
    wire = arena.proved(shown(arena, kind).connect())
    judged(arena.streams(direction="in", remote=arena.domain)[0], kind)
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>in {arena.domain}</body></message>")
    arena.svc.wait_body(f"in {arena.domain}")
    arena.stands()


@certificate_rows
def test_a_receiving_server_is_trusted_by_dialback(arena, kind):
    wire = arena.receiving("out", shown(arena, kind).serve())
    wire.accept_key(SVC)
    wire.expect("<body>out</body>")
    judged(arena.streams(direction="out", remote=arena.domain)[0], kind)
    arena.stands()


@certificate_rows
def test_an_authoritative_server_is_found_by_dns(arena, kind):
    wire = arena.stranger()
    identity = wire.secured(SVC)
    wire.ask(SVC)
    authority = arena.authority(shown(arena, kind).serve())
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect("<db:result [^>]*type='valid'")
    authority.rest()
    arena.stands()


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


def test_starttls_inside_tls(arena):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.send(STARTTLS)
    wire.ends("unsupported-stanza-type")
    arena.ended("unsupported-stanza-type")
