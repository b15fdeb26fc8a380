# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Trust with a real Prosody: SASL EXTERNAL in both directions, dialback where it is refused, and rows of `domains` for
certificates that are good, expired, of unknown authority, for another name, or pinned.

One world per row of CASES. Each says what the partner shows and knows, what our row asks, and what becomes of a
message in either direction: the method by which the stream was trusted, or the cause that came back.
"""
import hashlib
import os

import pytest
from certificates import Authority
from cryptography.hazmat.primitives import serialization

SVC, PARTNER = "svc.corp.example", "partner.example"
ROMEO, PORTER = f"romeo@{PARTNER}/test", f"porter@{SVC}/gate"


def key_sha256(pair):
    spki = pair.x509.public_key().public_bytes(serialization.Encoding.DER,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


class Case:
    """`shows` makes the partner's certificate; `trusts_us`: the partner knows our authority; `rules`: our row for it;
    `out`, `into`: a method, or the cause of the stream that failed."""

    def __init__(self, shows=lambda ca: ca.issue(PARTNER), trusts_us=True, dialback=True, rules=None, out="external",
                 into="external"):
        self.shows, self.trusts_us, self.dialback = shows, trusts_us, dialback
        self.rules, self.out, self.into = rules or (lambda pair: {}), out, into


def expired(ca):
    return ca.issue(PARTNER, days=(-60, -1))


def unknown(ca):
    return Authority(f"{ca.folder}/unknown", "Unknown CA").issue(PARTNER)


def elsewhere(ca):
    return ca.issue("elsewhere.example")


CASES = {
    "both by certificate": Case(),
    "nothing but certificates": Case(dialback=False, rules=lambda pair: {"tls": "verified", "methods": ["external"]}),
    "issued for servers only": Case(shows=lambda ca: ca.issue(PARTNER, usage=("server",))),
    "by dialback, as the row prefers it": Case(rules=lambda pair: {"methods": ["dialback"]}, out="dialback", into="dialback"),
    "it does not know our authority": Case(trusts_us=False, out="dialback", into="external"),
    "we do not know its authority": Case(shows=unknown, out="external", into="dialback"),
    "expired": Case(shows=expired, out="external", into="dialback"),
    "expired, verified": Case(shows=expired, rules=lambda pair: {"tls": "verified"}, out="certificate-expired",
                              into="certificate-expired"),
    "unknown authority, verified": Case(shows=unknown, rules=lambda pair: {"tls": "verified"}, out="certificate-untrusted",
                                        into="certificate-untrusted"),
    "another name": Case(shows=elsewhere, out="certificate-name", into="certificate-name"),
    "another name, relaxed": Case(shows=elsewhere, rules=lambda pair: {"certificate_name": "optional"}, out="external",
                                  into="dialback"),
    "the pinned key": Case(shows=unknown, rules=lambda pair: {"pins": [key_sha256(pair)]}),
    "not the pinned key": Case(rules=lambda pair: {"pins": ["00" * 32]}, out="certificate-pin", into="certificate-pin"),
}


@pytest.fixture(params=CASES)
def verona(request, world):
    case = world.case = CASES[request.param]
    shown = case.shows(world.authority)
    world.partner = world.prosody(PARTNER, "127.0.0.2", certificate=shown, dialback=case.dialback,
                                  authority=world.authority if case.trusts_us else None)
    world.partner.add_user("romeo")
    world.fedway = world.prepare_fedway([SVC], allow=[PARTNER], authority=world.authority,
                                        certificate=world.authority.issue(SVC))
    world.fedway.options["s2s"]["domains"] = [{"name": f"*.{PARTNER}", **case.rules(shown)}]
    world.fedway.link(SVC)
    world.meet(SVC, "romeo")
    return world


def proved(verona, direction):
    """The pair of our component and the partner, on a stream that is up in this direction."""
    rows = [row for row in verona.fedway.streams(direction=direction, state="up", remote=PARTNER)]
    assert len(rows) == 1, verona.fedway.streams()
    return rows[0], next(p for p in rows[0]["pairs"] if p["direction"] == direction)


def ended(verona, cause):
    verona.until(lambda: f"a stream that ends with {cause}; the log has {verona.fedway.story('stream ended')}",
                 lambda: verona.fedway.story(f"stream ended cause={cause} "))


def test_we_begin(verona):
    verona.svc.message(ROMEO, "a letter", source=PORTER)
    if verona.case.out not in ("external", "dialback"):
        ended(verona, verona.case.out)
        assert verona.fedway.settled()["bounces"]["in"] == 1
        return
    assert verona.romeo.wait_body("a letter")["from"].full == PORTER
    row, pair = proved(verona, "out")
    assert row["method"] == pair["method"] == verona.case.out, row
    assert verona.fedway.story(f"authenticated local={SVC} remote={PARTNER} method={verona.case.out} ")
    verona.fedway.settled()


def test_they_begin(verona):
    verona.romeo.message(PORTER, "open the gate")
    if verona.case.into not in ("external", "dialback"):
        ended(verona, verona.case.into)
        verona.fedway.settled()
        return
    assert verona.svc.wait_body("open the gate")["from"].full == ROMEO
    row, pair = proved(verona, "in")
    assert row["method"] == pair["method"] == verona.case.into, row
    assert pair["pinned"] is ("pins" in verona.case.rules(verona.partner.certificate))
    listed = verona.fedway.ctl("cert", "list")["components"][0]
    assert [own["names"] for own in listed["own"]] == [f"DNS:{SVC}"] and 29 <= listed["own"][0]["days_left"] <= 30, listed
    seen = next(peer for peer in listed["peers"] if peer["domain"] == PARTNER)
    assert seen["key_sha256"] == key_sha256(verona.partner.certificate) and "changed_ago_s" not in seen, listed
    verona.fedway.settled()


def test_a_renewed_certificate_is_taken_over(world):
    """As an ACME client does it: new files under the old names, no command. A stream that stands keeps what it has."""
    world.partner = world.prosody(PARTNER, "127.0.0.2", certificate=world.authority.issue(PARTNER), authority=world.authority)
    world.partner.add_user("romeo")
    ours = world.authority.issue(SVC)
    world.fedway = world.prepare_fedway([SVC], allow=[PARTNER], authority=world.authority, certificate=ours)
    world.fedway.options["s2s"]["certificate_watch_ms"] = 100
    world.fedway.link(SVC)
    world.meet(SVC, "romeo")
    world.svc.message(ROMEO, "before", source=PORTER)
    world.romeo.wait_body("before")
    fresh = world.authority.issue(SVC, days=(-1, 90))
    for new, old in zip(fresh.files, ours.files):
        os.replace(new, old)
    world.until(lambda: f"the new certificate; the log has {world.fedway.story('certificates')}",
                lambda: world.fedway.story("certificates taken over"))
    assert world.fedway.ctl("cert", "list")["components"][0]["own"][0]["days_left"] >= 89
    world.svc.message(ROMEO, "after", source=PORTER)
    world.romeo.wait_body("after")
    assert len(world.fedway.streams(direction="out", remote=PARTNER)) == 1
    world.fedway.settled()
