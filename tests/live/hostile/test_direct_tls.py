# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""TLS from the first byte (XEP-0368), abused on both sides: another protocol, another name, half of it, none of it."""
import ssl

import pytest

from wire import FEATURES, OFFER, STARTTLS, header

SVC, ALPN = "svc.corp.example", ["xmpp-server"]


def direct(arena, name=SVC, alpn=ALPN, **more):
    """A stranger that begins with TLS, on the port where others begin with XML."""
    return arena.stranger().wrap(arena.pair.connect(alpn=alpn, **more), name=name)


def fails(arena, **more):
    with pytest.raises((ssl.SSLError, ConnectionError)) as error:
        direct(arena, **more)
    arena.ended("tls-failed")
    return str(error.value)


@pytest.mark.parametrize("alpn", [ALPN, [], ["http/1.1", "xmpp-server"]], ids=["xmpp-server", "none", "among others"])
def test_a_server_is_proved_under_direct_tls(arena, alpn):
    wire = direct(arena, alpn=alpn)
    identity = wire.greet(SVC)
    wire.ask(SVC, "my-key")
    authority = arena.authority()
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect("<db:result [^>]*type='valid'[^>]*/>")
    authority.rest()
    row, = arena.streams(direction="in", remote=arena.domain)
    assert row["security"]["direct"], row
    arena.stands()


def test_no_starttls_inside(arena):
    wire = direct(arena)
    wire.send(header(arena.domain, SVC))
    features, = wire.expect("<stream:features>(.*)</stream:features>")
    assert "starttls" not in features
    wire.send(STARTTLS)
    wire.ends("unsupported-stanza-type")
    arena.ended("unsupported-stanza-type")


def test_another_protocol(arena):
    assert "no application protocol" in fails(arena, alpn=["http/1.1"]).lower()


def test_an_old_version(arena):
    fails(arena, old=True)


@pytest.mark.parametrize("bytes_sent", [b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x16" + b"\0" * 64,
                                        b"\x16<stream:stream>"], ids=["a record too long", "zeros", "XML"])
def test_a_first_byte_of_tls_and_then_none(arena, bytes_sent):
    wire = arena.stranger()
    wire.offer(bytes_sent)
    wire.rest()
    arena.ended("tls-failed")


def test_silence_in_the_handshake(arena):
    """The handshake stands in the place of a header, and has its time."""
    arena.hasty("s2s", stream_timeout_ms=100)
    wire = arena.stranger()
    wire.send(b"\x16")
    wire.rest()
    arena.ended("header-timeout")


def test_silence_behind_the_handshake(arena):
    arena.hasty("s2s", stream_timeout_ms=300)
    wire = direct(arena)
    wire.ends("connection-timeout")
    arena.ended("header-timeout")


# ---- servers that we connect to ----

def called(arena, name):
    arena.domain = next(arena.direct_domains)
    arena.say(name)
    return arena.accept()


def test_a_server_is_reached_by_direct_tls(arena):
    wire = called(arena, "straight")
    wire.wrap(arena.pair.serve(alpn=ALPN), server=True)
    assert wire.sock.selected_alpn_protocol() == "xmpp-server"
    wire.welcome(OFFER.replace("<required/>", "").replace("</stream:features>", "") + FEATURES.split(">", 1)[1])
    wire.accept_key(SVC)
    wire.expect("<body>straight</body>")
    assert b"starttls" not in wire.data
    arena.stands()


def test_a_server_that_speaks_xml_where_tls_was_promised(arena):
    wire = called(arena, "clear")
    wire.offer(header(arena.domain, SVC, identity="s-1") + FEATURES)
    wire.rest()
    arena.ended("tls-failed", "OUT")
    arena.bounced("clear", "tls-failed")


def test_a_server_that_is_silent_where_tls_was_promised(arena):
    arena.hasty("s2s", tls_timeout_ms=100)
    wire = called(arena, "mute")
    wire.rest()
    arena.ended("tls-timeout", "OUT")
    arena.bounced("mute", "tls-timeout")


def test_a_server_with_a_certificate_for_another(arena):
    wire = called(arena, "name")
    wire.wrap(arena.faulty["wrong name"].serve(alpn=ALPN), server=True)
    wire.finish_welcome()
    wire.rest()
    arena.ended("certificate-name", "OUT")
    arena.bounced("name", "certificate-name")
