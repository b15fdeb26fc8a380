# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Peers that fall silent, close one half, drip, or break the connection: each phase has its own end."""
from wire import FEATURES, OFFER, PROCEED, STARTTLS, header

SVC = "svc.corp.example"


def test_a_stranger_says_nothing(arena):
    arena.hasty("s2s", stream_timeout_ms=50)
    wire = arena.stranger()
    wire.ends("connection-timeout")
    arena.ended("header-timeout")


def test_a_stranger_says_half_a_header(arena):
    arena.hasty("s2s", stream_timeout_ms=50)
    wire = arena.stranger()
    wire.send(header(arena.domain, SVC)[:-1])
    wire.ends("connection-timeout")
    arena.ended("header-timeout")


def test_a_stranger_sends_white_space_only(arena):
    arena.hasty("s2s", stream_timeout_ms=50)
    wire = arena.stranger()
    wire.send(" " * 5000)
    wire.ends("connection-timeout")
    arena.ended("header-timeout")


def test_a_stranger_asks_for_no_tls(arena):
    arena.hasty("s2s", tls_timeout_ms=50)
    wire = arena.stranger()
    wire.greet(SVC)
    wire.ends("connection-timeout")
    arena.ended("tls-timeout")


def test_a_stranger_begins_no_handshake(arena):
    arena.hasty("s2s", tls_timeout_ms=100)
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(STARTTLS)
    wire.expect("<proceed [^>]*/>")
    wire.ends()
    arena.ended("tls-timeout")


def test_a_stranger_proves_nothing(arena):
    arena.hasty("s2s", auth_timeout_ms=100)
    wire = arena.stranger()
    wire.secured(SVC)
    wire.ends("connection-timeout")
    arena.ended("auth-timeout")


def test_a_stranger_proves_nothing_but_keeps_talking(arena):
    """White space, answers that nobody asked for and questions win no time."""
    arena.hasty("s2s", auth_timeout_ms=300)
    wire = arena.stranger()
    wire.secured(SVC)
    wire.talk_until_it_ends(f" <db:verify from='{arena.domain}' to='{SVC}' id='i' type='valid'/> "
                            f"<db:verify from='{arena.domain}' to='{SVC}' id='i'>k</db:verify>")
    wire.ends("connection-timeout")
    arena.ended("auth-timeout")


def test_a_receiving_server_says_nothing(arena):
    arena.hasty("s2s", stream_timeout_ms=50)
    arena.say("mute")
    wire = arena.accept()
    wire.take_header()
    wire.rest()
    arena.ended("header-timeout", "OUT")
    arena.bounced("mute", "header-timeout")


def test_a_receiving_server_sends_no_features(arena):
    arena.hasty("s2s", stream_timeout_ms=50)
    arena.say("plain")
    wire = arena.accept()
    wire.welcome("")
    wire.rest()
    arena.ended("header-timeout", "OUT")
    arena.bounced("plain", "header-timeout")


def test_a_receiving_server_answers_no_starttls(arena):
    arena.hasty("s2s", tls_timeout_ms=50)
    arena.say("half")
    wire = arena.accept()
    wire.welcome(OFFER)
    wire.rest()
    arena.ended("tls-timeout", "OUT")
    arena.bounced("half", "tls-timeout")


def test_a_receiving_server_begins_no_handshake(arena):
    arena.hasty("s2s", tls_timeout_ms=100)
    arena.say("hands")
    wire = arena.accept()
    wire.welcome(OFFER)
    wire.expect("<starttls [^>]*/>")
    wire.send(PROCEED)
    wire.rest()
    arena.ended("tls-timeout", "OUT")
    arena.bounced("hands", "tls-timeout")


def test_a_receiving_server_never_judges_our_key(arena):
    arena.hasty("s2s", auth_timeout_ms=100)
    wire = arena.receiving("wait")
    wire.take_key()
    wire.rest()
    arena.ended("dialback-timeout", "OUT")
    arena.bounced("wait", "dialback-timeout")


def test_a_stranger_closes_one_half_before_its_header(arena):
    wire = arena.stranger()
    wire.end_writing()
    wire.rest()
    arena.ended("peer-lost")


def test_a_stranger_closes_one_half_in_clear(arena):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.end_writing()
    wire.rest()
    arena.ended("peer-lost")


def test_a_proved_peer_closes_one_half(arena):
    wire = arena.proved()
    wire.end_writing()
    wire.rest()
    arena.ended("peer-lost")


def test_a_receiving_server_closes_one_half(arena):
    wire = arena.receiving("gone")
    wire.take_key()
    wire.end_writing()
    wire.rest()
    arena.ended("peer-lost", "OUT")
    arena.bounced("gone", "peer-lost")


def test_a_receiving_server_ends_in_good_order_before_it_judges(arena):
    wire = arena.receiving("bye")
    wire.take_key()
    wire.send("</stream:stream>")
    wire.ends()
    arena.ended("peer-closed", "OUT")
    arena.bounced("bye", "peer-closed")


def test_a_proved_peer_resets_in_the_middle_of_a_stanza(arena):
    wire = arena.proved()
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>whole {arena.domain}</body></message>"
              f"<message from='x@{arena.domain}' to='y@{SVC}'><body>half {arena.domain}")
    arena.svc.wait_body(f"whole {arena.domain}")
    wire.reset()
    arena.ended("peer-lost")
    assert not [m for m in arena.svc.messages() if f"half {arena.domain}" in m["body"]]


def test_a_proved_peer_ends_in_the_middle_of_a_stanza(arena):
    wire = arena.proved()
    wire.send(f"<message from='x@{arena.domain}' to='y@{SVC}'><body>half {arena.domain}</stream:stream>")
    wire.ends("not-well-formed")
    arena.ended("not-well-formed")


def test_a_receiving_server_resets_after_one_message(arena):
    """The message that it took is delivered; the next goes over a stream of its own, or comes back."""
    wire = arena.receiving("first")
    wire.accept_key(SVC)
    wire.expect("<body>first</body></message>")
    wire.reset()
    arena.ended("peer-lost", "OUT")
    again = arena.receiving("second")
    again.accept_key(SVC)
    again.expect("<body>second</body></message>")


def test_dripped_in_single_bytes(arena):
    """A whole conversation, one byte per packet: slow is allowed while every phase is in time."""
    wire = arena.stranger()
    for byte in header(arena.domain, SVC).encode():
        wire.send(bytes([byte]))
    wire.expect("</stream:features>")
    for byte in STARTTLS.encode():
        wire.send(bytes([byte]))
    wire.expect("<proceed [^>]*/>")
    wire.wrap(wire.pair.connect())
    identity = wire.greet(SVC)
    wire.ask(SVC)
    authority = arena.accept()
    authority.welcome(OFFER)
    authority.expect("<starttls [^>]*/>")
    authority.send(PROCEED)
    authority.wrap(authority.pair.serve(), server=True)
    authority.take_header()
    for byte in (header(arena.domain, identity="s") + FEATURES).encode():
        authority.send(bytes([byte]))
    authority.take_question()
    for byte in f"<db:verify from='{arena.domain}' to='{SVC}' id='{identity}' type='valid'/>".encode():
        authority.send(bytes([byte]))
    wire.expect("<db:result [^>]*type='valid'")
    for byte in f"<message from='x@{arena.domain}' to='y@{SVC}'><body>drip {arena.domain}</body></message>".encode():
        wire.send(bytes([byte]))
    arena.svc.wait_body(f"drip {arena.domain}")
    arena.stands()


def drip_for_ever(wire, begin, byte, at_most):
    wire.send(begin)
    for _ in range(at_most):
        wire.offer(byte)


def test_a_tag_that_drips_for_ever_is_bounded(arena):
    wire = arena.proved()
    drip_for_ever(wire, f"<message from='x@{arena.domain}' a='", b">", 20000)
    wire.ends("policy-violation")
    arena.ended("no-progress")


def test_a_stanza_that_drips_for_ever_is_bounded(arena):
    arena.hasty("s2s", stanza_max_bytes=10000)
    wire = arena.proved()
    drip_for_ever(wire, f"<message from='x@{arena.domain}' to='y@{SVC}'><body>", b"x", 12000)
    wire.ends("policy-violation")
    arena.ended("stanza-too-large")
