# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Abuse of streams that carry both directions (XEP-0288), and of acknowledgements (XEP-0198)."""
import pytest

from wire import FEATURES, TLS

SVC = "svc.corp.example"
BIDI, SM = "<bidi xmlns='urn:xmpp:bidi'/>", "urn:xmpp:sm:3"
BIDI_FEATURE = FEATURES.replace("</stream", "<bidi xmlns='urn:xmpp:features:bidi'/></stream")
SM_FEATURE = FEATURES.replace("</stream", f"<sm xmlns='{SM}'/></stream")
ENABLE = f"<enable xmlns='{SM}'/>"


def stanza(sender, body, to=f"y@{SVC}"):
    return f"<message from='x@{sender}' to='{to}' type='chat'><body>{body} {sender}</body></message>"


def prove(arena, wire, identity):
    wire.ask(SVC, "my-key")
    authority = arena.authority()
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect("<db:result [^>]*type='valid'[^>]*/>")
    authority.rest()


# ---- both directions, on a stream that the peer opened ----

def test_what_is_proved_is_good_for_the_way_back(arena):
    wire = arena.stranger()
    identity = wire.secured(SVC)
    wire.send(BIDI)
    prove(arena, wire, identity)
    arena.say("back")
    wire.expect("<body>back</body>")
    arena.stands()


def test_an_answer_that_nobody_asked_for_opens_no_way_back(arena):
    """The dialback of a forger: it says itself that our domain may send here."""
    wire = arena.stranger()
    wire.secured(SVC)
    wire.send(BIDI)
    before = arena.count("dialback_ignored")
    for kind in ("valid", "invalid", "error"):
        wire.send(f"<db:result from='{arena.domain}' to='{SVC}' type='{kind}'/>")
    arena.world.until("all are counted", lambda: arena.count("dialback_ignored") == before + 3)
    arena.say("elsewhere")
    out = arena.accept().welcome_secured()
    out.accept_key(SVC)
    out.expect("<body>elsewhere</body>")
    assert b"elsewhere" not in wire.data
    arena.stands()


def test_a_way_back_only_for_the_pair_that_was_proved(arena):
    """Another domain of the same peer was not proved: what goes there takes its own stream."""
    wire = arena.stranger()
    identity = wire.secured(SVC)
    wire.send(BIDI)
    prove(arena, wire, identity)
    arena.say("other", arena.domains[-2])
    out = arena.accept(arena.domains[-2])
    out.take_header()
    assert b"other" not in wire.data
    out.close()
    arena.ended("peer-lost", "OUT")


def test_the_request_comes_after_the_proof(arena):
    wire = arena.proved()
    wire.send(BIDI + stanza(arena.domain, "late"))
    arena.svc.wait_body(f"late {arena.domain}")
    arena.say("own")
    out = arena.accept().welcome_secured()
    out.accept_key(SVC)
    out.expect("<body>own</body>")
    arena.stands()


def test_the_request_comes_in_clear(arena):
    """Nothing said before TLS holds inside it (RFC 6120 §5.4.3.3)."""
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(BIDI)
    wire.secure()
    identity = wire.greet(SVC)
    prove(arena, wire, identity)
    arena.say("own")
    out = arena.accept().welcome_secured()
    out.accept_key(SVC)
    out.expect("<body>own</body>")
    arena.stands()


# ---- both directions, on a stream that we opened ----

def asked_for_both(arena, name):
    arena.say(name)
    wire = arena.accept()
    wire.welcome(f"<stream:features><starttls xmlns='{TLS}'/></stream:features>")
    wire.expect("<starttls [^>]*/>")
    wire.send(f"<proceed xmlns='{TLS}'/>")
    wire.wrap(wire.pair.serve(), server=True)
    wire.welcome(BIDI_FEATURE, "s-3")
    wire.expect("<bidi xmlns='urn:xmpp:bidi'/>")
    return wire


def test_a_server_answers_on_the_stream_that_it_took(arena):
    wire = asked_for_both(arena, "to")
    wire.accept_key(SVC)
    wire.expect("<body>to</body>")
    wire.send(stanza(arena.domain, "fro"))
    arena.svc.wait_body(f"fro {arena.domain}")
    arena.stands()


@pytest.mark.parametrize("sender, to, cause", [
    ("partner.example", f"y@{SVC}", "invalid-from"), (SVC, f"y@{SVC}", "invalid-from"),
    ("{}", "y@elsewhere.example", "host-unknown")])
def test_a_server_answers_for_others(arena, sender, to, cause):
    wire = asked_for_both(arena, "to")
    wire.accept_key(SVC)
    wire.expect("<body>to</body>")
    wire.send(stanza(sender.format(arena.domain), "lie", to))
    wire.ends(cause)
    arena.ended(cause, "OUT")
    arena.nothing_came()


def test_a_server_sends_before_it_takes_our_key(arena):
    wire = asked_for_both(arena, "to")
    wire.take_key()
    wire.send(stanza(arena.domain, "early"))
    wire.ends("not-authorized")
    arena.ended("not-authorized", "OUT")
    arena.bounced("to", "not-authorized")
    arena.nothing_came()


def test_a_domain_of_theirs_is_checked_over_another_connection(arena):
    """A key that came over this stream is never checked over it (XEP-0288 §2.2)."""
    other = arena.domains[-3]
    wire = asked_for_both(arena, "to")
    wire.accept_key(SVC)
    wire.expect("<body>to</body>")
    wire.ask(SVC, "their-key", sender=other)
    authority = arena.accept(other).welcome_secured()
    identity, key = authority.take_question()
    assert (identity, key) == ("s-3", "their-key")
    wire.verify_says(SVC, identity, "valid", sender=other)
    authority.verify_says(SVC, identity, "invalid")
    authority.rest()
    wire.expect(f"<db:result [^>]*to='{other}'[^>]*type='(?:error|invalid)'")
    wire.send(stanza(other, "forged"))
    wire.ends("invalid-from")
    arena.ended("invalid-from", "OUT")
    arena.nothing_came()


# ---- acknowledgements, on a stream that the peer opened ----

def test_stanzas_are_counted_and_acknowledged(arena):
    wire = arena.proved()
    wire.send(ENABLE)
    wire.expect(f"<enabled xmlns='{SM}'/>")
    wire.send(stanza(arena.domain, "one") + stanza(arena.domain, "two") + f"<r xmlns='{SM}'/>")
    assert wire.expect("<a [^>]*h='([0-9]+)'") == ["2"]
    arena.stands()


@pytest.mark.parametrize("sent", [ENABLE, f"<resume xmlns='{SM}' h='0' previd='x'/>"])
def test_acknowledgements_before_any_proof(arena, sent):
    wire = arena.stranger()
    identity = wire.secured(SVC)
    wire.send(sent)
    wire.expect(f"<failed xmlns='{SM}'><unexpected-request ")
    prove(arena, wire, identity)
    arena.stands()


def test_acknowledgements_asked_for_twice(arena):
    wire = arena.proved()
    wire.send(ENABLE + ENABLE)
    wire.expect(f"<enabled xmlns='{SM}'/>")
    wire.expect(f"<failed xmlns='{SM}'><unexpected-request ")
    arena.stands()


def test_a_stream_that_nobody_can_resume(arena):
    wire = arena.proved()
    wire.send(f"<resume xmlns='{SM}' h='0' previd='x'/>")
    wire.expect(f"<failed xmlns='{SM}'><item-not-found ")
    arena.stands()


def test_counts_that_nobody_asked_for(arena):
    """Without stanzas of ours on the stream an answer means nothing, and a question before enable neither."""
    wire = arena.proved()
    wire.send(f"<a xmlns='{SM}' h='4000000000'/><r xmlns='{SM}'/><enabled xmlns='{SM}'/>" + stanza(arena.domain, "on"))
    arena.svc.wait_body(f"on {arena.domain}")
    assert b"<a " not in wire.data
    arena.stands()


# ---- acknowledgements, on a stream that we opened ----

def acknowledging(arena, name):
    """A server that offers them with its features; returns when it has the message."""
    arena.hasty("s2s", ack_request_ms=50)
    arena.say(name)
    wire = arena.accept()
    wire.welcome(f"<stream:features><starttls xmlns='{TLS}'/></stream:features>")
    wire.expect("<starttls [^>]*/>")
    wire.send(f"<proceed xmlns='{TLS}'/>")
    wire.wrap(wire.pair.serve(), server=True)
    wire.welcome(SM_FEATURE, "s-4")
    wire.accept_key(SVC)
    wire.expect(f"<enable xmlns='{SM}'[^>]*/>")
    wire.send(f"<enabled xmlns='{SM}'/>")
    wire.expect(f"<body>{name}</body>")
    wire.expect(f"<r xmlns='{SM}'/>")
    return wire


def test_what_is_acknowledged_is_delivered(arena):
    before = arena.acknowledged()
    wire = acknowledging(arena, "ack")
    wire.send(f"<a xmlns='{SM}' h='1'/>")
    arena.world.until("it is delivered", lambda: arena.acknowledged() == before + 1)
    arena.stands()


@pytest.mark.parametrize("count", ["2", "4294967295"])
def test_more_is_acknowledged_than_was_sent(arena, count):
    wire = acknowledging(arena, "high")
    wire.send(f"<a xmlns='{SM}' h='{count}'/>")
    wire.ends("undefined-condition")
    arena.ended("handled-count-too-high", "OUT")
    arena.bounced("high", "not-acknowledged")


@pytest.mark.parametrize("answer", ["<a xmlns='{}'/>", "<a xmlns='{}' h=''/>", "<a xmlns='{}' h='-1'/>",
                                    "<a xmlns='{}' h='1x'/>", "<a xmlns='{}' h='4294967296'/>"])
def test_a_count_that_is_none(arena, answer):
    wire = acknowledging(arena, "none")
    wire.send(answer.format(SM))
    wire.ends("policy-violation")
    arena.ended("unexpected-element", "OUT")
    arena.bounced("none", "not-acknowledged")


def test_what_is_not_acknowledged_comes_back(arena):
    wire = acknowledging(arena, "lost")
    wire.reset()
    arena.ended("peer-lost", "OUT")
    arena.bounced("lost", "not-acknowledged")
