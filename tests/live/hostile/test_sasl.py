# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Abuse of SASL EXTERNAL (XEP-0178): identities that are none, certificates that prove nothing, floods, and answers
that nobody asked for."""
import base64

import pytest

from certificates import context
from wire import FEATURES, header

SVC, NS = "svc.corp.example", "urn:ietf:params:xml:ns:xmpp-sasl"
MECHANISMS = FEATURES.replace("</stream", f"<mechanisms xmlns='{NS}'><mechanism>EXTERNAL</mechanism></mechanisms></stream")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def auth(content, mechanism="EXTERNAL"):
    return f"<auth xmlns='{NS}' mechanism='{mechanism}'>{content}</auth>"


def offered(arena, tls):
    """A stranger inside TLS, and whether EXTERNAL was offered to it."""
    wire = arena.stranger()
    wire.greet(SVC)
    wire.secure(tls)
    wire.send(header(arena.domain, SVC))
    features, = wire.expect("<stream:features>(.*)</stream:features>")
    return wire, "EXTERNAL" in features


def good(arena):
    wire, was_offered = offered(arena, arena.good.connect())
    assert was_offered
    return wire


def refused(wire, condition):
    wire.expect(f"<failure xmlns='{NS}'>.*?<{condition}/?>?")


def test_a_good_certificate_proves_its_domain(arena):
    wire = good(arena)
    wire.send(auth(b64(arena.domain)))
    wire.expect(f"<success xmlns='{NS}'/>")
    wire.greet(SVC)
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>in {arena.domain}</body></message>")
    arena.svc.wait_body(f"in {arena.domain}")
    row, = arena.streams(direction="in", remote=arena.domain)
    assert row["method"] == "external", row
    arena.stands()


@pytest.mark.parametrize("kind", ["expired", "self-signed", "unknown authority", "missing intermediate", "revoked",
                                  "client-only", "mail-only", "weak key", "weak signature", "wrong name", "none"])
def test_external_is_not_offered_to_it_and_not_taken(arena, kind):
    """Certificates that prove nothing, under the least that a mode asks: EXTERNAL asks for more."""
    arena.hasty("s2s", crl_file=arena.world.authority.crl, security_mode="tls-optional")
    wire, was_offered = offered(arena, context() if kind == "none" else arena.faulty[kind].connect())
    assert not was_offered
    wire.send(auth(b64(arena.domain)))
    refused(wire, "invalid-mechanism")
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>in {arena.domain}</body></message>")
    wire.ends("not-authorized")
    arena.ended("not-authorized")
    arena.nothing_came()


def test_in_clear(arena):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(auth(b64(arena.domain)))
    refused(wire, "encryption-required")
    arena.stands()


@pytest.mark.parametrize("content, mechanism, condition", [
    ("!!!!", "EXTERNAL", "incorrect-encoding"), ("YQ", "EXTERNAL", "incorrect-encoding"),
    ("YR==", "EXTERNAL", "incorrect-encoding"), ("=YQ=", "EXTERNAL", "incorrect-encoding"),
    ("YQ==\n", "EXTERNAL", "incorrect-encoding"), ("&#0;", "EXTERNAL", None),
    (b64("other.example"), "EXTERNAL", "invalid-authzid"), (b64(SVC), "EXTERNAL", "invalid-authzid"),
    (b64("x@h.example"), "EXTERNAL", "invalid-authzid"), (b64("a b"), "EXTERNAL", "invalid-authzid"),
    (b64("a\0b"), "EXTERNAL", "invalid-authzid"), (b64("x" * 5000), "EXTERNAL", "invalid-authzid"),
    ("", "PLAIN", "invalid-mechanism"), (b64("x"), "SCRAM-SHA-1", "invalid-mechanism"),
    ("", "", "invalid-mechanism")])
def test_an_identity_that_is_none(arena, content, mechanism, condition):
    wire = good(arena)
    wire.send(auth(content, mechanism))
    if condition is None:
        wire.ends("not-well-formed")
        arena.ended("not-well-formed")
        return
    refused(wire, condition)
    wire.send(auth("="))  # the header's from, and this time it is good
    wire.expect(f"<success xmlns='{NS}'/>")
    arena.stands()


def test_a_flood_of_tries(arena):
    wire = good(arena)
    wire.talk_until_it_ends(auth(b64("other.example")))
    wire.ends("policy-violation")
    arena.ended("sasl-failed")


def test_the_empty_response_is_asked_for(arena):
    wire = good(arena)
    wire.send(f"<auth xmlns='{NS}' mechanism='EXTERNAL'/>")
    wire.expect(f"<challenge xmlns='{NS}'/>")
    wire.send(f"<abort xmlns='{NS}'/>")
    refused(wire, "aborted")
    arena.stands()


@pytest.mark.parametrize("sent", ["success", "response", "abort", "challenge", "failure", "nonsense"])
def test_words_that_nobody_waits_for(arena, sent):
    wire = good(arena)
    wire.send(f"<{sent} xmlns='{NS}'/>")
    wire.ends("unsupported-stanza-type")
    arena.ended("unsupported-stanza-type")


def test_a_second_time(arena):
    wire = good(arena)
    wire.send(auth("="))
    wire.expect(f"<success xmlns='{NS}'/>")
    wire.greet(SVC)
    wire.send(auth("="))
    wire.ends("policy-violation")
    arena.ended("unexpected-element")


def test_another_from_behind_success(arena):
    """Who authenticated as one domain does not go on as another (RFC 6120 §6.4.6)."""
    wire = good(arena)
    wire.send(auth("="))
    wire.expect(f"<success xmlns='{NS}'/>")
    wire.send(header(arena.domains[-4], SVC))
    wire.ends("invalid-from")
    arena.ended("invalid-from")


# ---- servers that we connect to ----

def offering(arena, name):
    arena.say(name)
    wire = arena.accept()
    wire.welcome("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>")
    wire.expect("<starttls [^>]*/>")
    wire.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    wire.wrap(arena.good.serve(asks=arena.world.authority), server=True)
    wire.welcome(MECHANISMS, "s-5")
    assert wire.expect(f"<auth xmlns='{NS}' mechanism='EXTERNAL'>([^<]*)</auth>") == [b64(SVC)]
    return wire


def test_a_server_takes_our_certificate(arena):
    wire = offering(arena, "sasl")
    wire.send(f"<success xmlns='{NS}'/>")
    wire.welcome(FEATURES, "s-6")
    wire.expect("<body>sasl</body>")
    arena.stands()


@pytest.mark.parametrize("condition", ["not-authorized", "invalid-authzid", "of-its-own"])
def test_a_server_refuses_our_certificate(arena, condition):
    """Then dialback goes on over the same stream."""
    wire = offering(arena, "no")
    wire.send(f"<failure xmlns='{NS}'><{condition}/></failure>")
    wire.accept_key(SVC)
    wire.expect("<body>no</body>")
    arena.stands()


def test_a_server_asks_for_more(arena):
    """EXTERNAL has nothing more to say; dialback goes on."""
    wire = offering(arena, "more")
    wire.send(f"<challenge xmlns='{NS}'>eA==</challenge>")
    wire.expect(f"<abort xmlns='{NS}'/>")
    wire.send(f"<failure xmlns='{NS}'><aborted/></failure>")
    wire.accept_key(SVC)
    wire.expect("<body>more</body>")
    arena.stands()


def test_a_server_sends_stanzas_before_it_answers(arena):
    wire = offering(arena, "odd")
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>{arena.domain}</body></message>")
    wire.rest()
    arena.ended("not-authorized", "OUT")
    arena.bounced("odd", "not-authorized")
    arena.nothing_came()


def test_what_a_server_slips_behind_success_is_of_no_stream(arena):
    wire = offering(arena, "slip")
    wire.send(f"<success xmlns='{NS}'/><message from='x@{arena.domain}' to='y@{SVC}'><body>{arena.domain}</body></message>")
    wire.take_header()
    wire.send(header(arena.domain, identity="s-6") + FEATURES)
    wire.expect("<body>slip</body>")
    arena.nothing_came()
    arena.stands()
