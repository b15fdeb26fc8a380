# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Certificates that are good and faulty, of servers that connect to us and of servers that we connect to, under each
security mode. What a mode does not ask for is left to dialback, and told in `fedwayctl streams`."""
import pytest

from certificates import context
from wire import OFFER, PROCEED

SVC = "svc.corp.example"
# What the streams call it; the causes under tls-optional, tls-required, and with require_client_certificates.
KINDS = {
    "good": ("valid", None, None, None),
    "expired": ("expired", None, None, "certificate-expired"),
    "not yet valid": ("expired", None, None, "certificate-expired"),
    "self-signed": ("untrusted", None, None, "certificate-untrusted"),
    "unknown authority": ("untrusted", None, None, "certificate-untrusted"),
    "missing intermediate": ("untrusted", None, None, "certificate-untrusted"),
    "wrong name": ("valid", None, "certificate-name", "certificate-name"),
    "name only as CN": ("valid", None, "certificate-name", "certificate-name"),
    "no names": ("valid", None, "certificate-name", "certificate-name"),
    "revoked": ("revoked", None, None, "certificate-revoked"),
    "server-only": ("valid", None, None, None),
    "client-only": ("purpose", None, None, "certificate-purpose"),
    "mail-only": ("purpose", None, None, "certificate-purpose"),
    "weak key": ("untrusted", None, None, "certificate-untrusted"),
    "weak signature": ("untrusted", None, None, "certificate-untrusted"),
}
MODES = {
    "tls-optional": {"security_mode": "tls-optional"},
    "tls-required": {},
    "verified": {"require_client_certificates": True},
}
ROWS = [(mode, kind, row[0], row[1 + number]) for number, mode in enumerate(MODES) for kind, row in KINDS.items()]
rows = pytest.mark.parametrize("mode, kind, verdict, cause", ROWS, ids=[f"{r[0]}, {r[1]}" for r in ROWS])


def under(arena, mode):
    arena.hasty("s2s", crl_file=arena.world.authority.crl, **MODES[mode])


def shown(arena, kind):
    return arena.faulty.get(kind, arena.good)


def judged(arena, direction, verdict):
    row, = arena.streams(direction=direction, remote=arena.domain)
    assert row["state"] == "up" and row["method"] == "dialback", row
    assert row["security"]["tls"] and row["security"]["certificate"] == verdict, row
    arena.stands()


def refused_in(arena, wire, cause):
    wire.ask(SVC)
    wire.expect("<db:result [^>]*type='error'.*?<not-authorized ")
    wire.ends("not-authorized")
    arena.ended(cause)


def refused_out(arena, name, wire, cause):
    wire.finish_welcome()
    wire.rest()
    arena.ended(cause, "OUT")
    arena.bounced(name, cause)


def taken_in(arena, wire, verdict, identity):
    wire.ask(SVC)
    authority = arena.authority(arena.good.serve())
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect("<db:result [^>]*type='valid'[^>]*/>")
    authority.rest()
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>in {arena.domain}</body></message>")
    arena.svc.wait_body(f"in {arena.domain}")
    judged(arena, "in", verdict)


@rows
def test_a_server_that_connects_to_us(arena, mode, kind, verdict, cause):
    under(arena, mode)
    wire = arena.stranger()
    identity = wire.secured(SVC, shown(arena, kind).connect())
    if cause is None:
        taken_in(arena, wire, verdict, identity)
    else:
        refused_in(arena, wire, cause)


@pytest.mark.parametrize("mode, cause", [("tls-optional", None), ("tls-required", None),
                                         ("verified", "certificate-missing")])
def test_a_server_that_shows_none(arena, mode, cause):
    under(arena, mode)
    wire = arena.stranger()
    identity = wire.secured(SVC, context())
    if cause is None:
        taken_in(arena, wire, "missing", identity)
    else:
        refused_in(arena, wire, cause)


def connected(arena, name, tls):
    """fedwayd's stream for a message, up to the features inside TLS, if it comes so far."""
    arena.say(name)
    wire = arena.accept()
    wire.welcome(OFFER)
    wire.expect("<starttls [^>]*/>")
    wire.send(PROCEED)
    return wire.wrap(tls, server=True)


@rows
def test_a_server_that_we_connect_to(arena, mode, kind, verdict, cause):
    under(arena, mode)
    wire = connected(arena, "out", shown(arena, kind).serve())
    if cause is not None:
        refused_out(arena, "out", wire, cause)
        return
    wire.finish_welcome()
    wire.accept_key(SVC)
    wire.expect("<body>out</body>")
    judged(arena, "out", verdict)


@rows
def test_a_server_that_is_asked_for_a_key(arena, mode, kind, verdict, cause):
    """Who answers for a domain whose certificate must verify is judged like the domain's own server, before it is asked."""
    under(arena, mode)
    arena.hasty("dialback", crl_file=arena.world.authority.crl)
    wire = arena.stranger()
    identity = wire.secured(SVC, arena.good.connect())
    wire.ask(SVC)
    if mode == "verified" and cause is not None:
        authority = arena.accept()
        authority.welcome(OFFER)
        authority.expect("<starttls [^>]*/>")
        authority.send(PROCEED)
        authority.wrap(shown(arena, kind).serve(), server=True)
        authority.rest()
        wire.expect("<db:result [^>]*type='error'")
        arena.unverified(cause)
        return
    authority = arena.authority(shown(arena, kind).serve())
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect("<db:result [^>]*type='valid'[^>]*/>")
    authority.rest()
    arena.stands()


@pytest.mark.parametrize("purpose, kind, verdict, cause", [
    ("strict", "server-only", "purpose", "certificate-purpose"), ("strict", "good", "valid", None),
    ("server", "server-only", "valid", None), ("server", "client-only", "purpose", "certificate-purpose"),
    ("ignore", "client-only", "purpose", None), ("ignore", "mail-only", "purpose", None)])
def test_what_a_certificate_was_issued_for(arena, purpose, kind, verdict, cause):
    """Public authorities issue for servers only; that is enough unless somebody insists."""
    arena.hasty("s2s", require_client_certificates=True, certificate_purpose=purpose)
    wire = arena.stranger()
    identity = wire.secured(SVC, shown(arena, kind).connect())
    if cause is None:
        taken_in(arena, wire, verdict, identity)
    else:
        refused_in(arena, wire, cause)


NAMES = {
    "dNSName": {"dns": ["{}"]},
    "dNSName in capitals": {"dns": ["{upper}"]},
    "SRVName": {"srv": ["_xmpp-server.{}"]},
    "xmppAddr": {"xmpp": ["{}"]},
    "one of many": {"dns": ["a.example", "b.example", "{}", "c.example"]},
}
OTHER_NAMES = {
    "a suffix": {"dns": ["hostile.example"]},
    "a wildcard of two labels": {"dns": ["*.example"]},
    "half a wildcard": {"dns": ["h*.hostile.example"]},
    "a wildcard in the middle": {"dns": ["*.*.example"]},
    "another service": {"srv": ["_xmpp-client.{}"]},
    "a user of it": {"xmpp": ["x@{}"]},
    "it and more": {"dns": ["{}.evil.example"]},
}


def named(arena, names):
    return arena.world.authority.issue(name="named", **{
        kind: [text.format(arena.domain, upper=arena.domain.upper()) for text in texts]
        for kind, texts in names.items()})


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_each_kind_of_name_counts(arena, names):
    pair = named(arena, names)
    wire = arena.stranger()
    taken_in(arena, wire, "valid", wire.secured(SVC, pair.connect()))
    out = connected(arena, "name", pair.serve())
    out.finish_welcome()
    out.accept_key(SVC)
    out.expect("<body>name</body>")


@pytest.mark.parametrize("names", OTHER_NAMES.values(), ids=OTHER_NAMES)
def test_a_name_that_is_like_it_does_not_count(arena, names):
    pair = named(arena, names)
    refused_in(arena, _secured(arena, pair), "certificate-name")
    refused_out(arena, "like", connected(arena, "like", pair.serve()), "certificate-name")


def _secured(arena, pair):
    wire = arena.stranger()
    wire.secured(SVC, pair.connect())
    return wire
