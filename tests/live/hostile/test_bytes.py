# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes that are no XMPP, at every place where a peer can put them."""
import pytest

from wire import FEATURES, OFFER, header

SVC = "svc.corp.example"
# In the place of a header: what is sent, the cause, the stream error.
HEADERS = {
    "a DTD": ("<?xml version='1.0'?><!DOCTYPE stream:stream>", "restricted-xml", "restricted-xml"),
    "a billion laughs": ("<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>"
                         + header(), "restricted-xml", "restricted-xml"),
    "a comment": ("<!-- hello -->" + header(prolog=""), "restricted-xml", "restricted-xml"),
    "a processing instruction": ("<?php echo 1 ?>" + header(prolog=""), "restricted-xml", "restricted-xml"),
    "UTF-16 with BOM": (header().encode("utf-16"), "unsupported-encoding", "unsupported-encoding"),
    "UTF-16LE": (header().encode("utf-16-le"), "unsupported-encoding", "unsupported-encoding"),
    "UTF-16BE": (header().encode("utf-16-be"), "unsupported-encoding", "unsupported-encoding"),
    "declared as Latin-1": (header(prolog="<?xml version='1.0' encoding='ISO-8859-1'?>"),
                            "unsupported-encoding", "unsupported-encoding"),
    "bad UTF-8": (b"<stream:stream xmlns:stream='\xc3\x28'>", "not-well-formed", "not-well-formed"),
    "HTTP": ("GET / HTTP/1.1\r\nHost: x\r\n\r\n<", "not-well-formed", "not-well-formed"),
    "an unknown prefix": ("<stream:stream xmlns='jabber:server'>", "not-well-formed", "not-well-formed"),
    "the client namespace": (header(content="jabber:client"), "invalid-namespace", "invalid-namespace"),
    "a wrong stream namespace": (header(streams="urn:x"), "invalid-namespace", "invalid-namespace"),
    "another root": (header().replace("<stream:stream", "<stream:steam"), "invalid-namespace",
                     "invalid-namespace"),
    "another prefix": (header(prolog="").replace("stream:stream", "s:stream").replace("xmlns:stream", "xmlns:s"),
                       "bad-namespace-prefix", "bad-namespace-prefix"),
    "a huge attribute": (header(sender="a" * 20000), "tag-too-long", "policy-violation"),
    "many attributes": ("<stream:stream " + "".join(f" a{i}=''" for i in range(100)) + ">",
                        "too-many-attributes", "policy-violation"),
}

# In the place of a stanza: what is sent, the cause, the stream error.
STANZAS = {
    "a DTD": ("<!DOCTYPE x>", "not-well-formed", "not-well-formed"),
    "a comment": ("<!-- hello -->", "restricted-xml", "restricted-xml"),
    "a comment inside": ("<message><!-- hello --></message>", "restricted-xml", "restricted-xml"),
    "a processing instruction": ("<?php echo 1 ?>", "restricted-xml", "restricted-xml"),
    "an unknown entity": ("<message><body>&lol;</body></message>", "restricted-xml", "restricted-xml"),
    "an invalid UTF-8 sequence": (b"<message><body>\xc3\x28</body></message>", "not-well-formed", "not-well-formed"),
    "an overlong UTF-8 sequence": (b"<message a='\xc0\xaf'/>", "not-well-formed", "not-well-formed"),
    "a surrogate": (b"<message><body>\xed\xa0\x80</body></message>", "not-well-formed", "not-well-formed"),
    "UTF-16 in the middle": ("<message><body>x</body></message>".encode("utf-16"), "not-well-formed",
                             "not-well-formed"),
    "a NUL": (b"<message><body>\0</body></message>", "not-well-formed", "not-well-formed"),
    "a NUL by reference": ("<message><body>&#0;</body></message>", "not-well-formed", "not-well-formed"),
    "an unknown prefix": ("<message><x:y/></message>", "not-well-formed", "not-well-formed"),
    "crossed tags": ("<message><body></message></body>", "not-well-formed", "not-well-formed"),
    "an attribute twice": ("<message to='a' to='b'/>", "not-well-formed", "not-well-formed"),
    "a stanza with a prefix": ("<p:message xmlns:p='jabber:server'/>", "bad-namespace-prefix",
                               "bad-namespace-prefix"),
    "text between stanzas": ("hello<message/>", "bad-format", "bad-format"),
    "a huge attribute": (f"<message a='{'x' * 20000}'/>", "tag-too-long", "policy-violation"),
    "an endless tag": ("<message a='" + "x" * 40000, "tag-too-long", "policy-violation"),
    "a huge stanza": ("<message><body>" + "<i/>" + "x" * 400000 + "</body></message>", "stanza-too-large",
                      "policy-violation"),
    "a stanza of many pieces": ("<message>" + "<a/>" * 100000 + "</message>", "stanza-too-large",
                                "policy-violation"),
    "deep nesting": ("<message>" + "<a>" * 80, "too-deep", "policy-violation"),
    "many attributes": ("<message " + "".join(f" a{i}=''" for i in range(100)) + "/>", "too-many-attributes",
                        "policy-violation"),
    "many declarations": ("<message " + "".join(f" xmlns:a{i}='u:{i}'" for i in range(100)) + "/>",
                          "too-many-attributes", "policy-violation"),
}
header_rows = pytest.mark.parametrize("sent, cause, error", HEADERS.values(), ids=HEADERS)
stanza_rows = pytest.mark.parametrize("sent, cause, error", STANZAS.values(), ids=STANZAS)


@header_rows
def test_instead_of_a_header(arena, sent, cause, error):
    wire = arena.stranger()
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause)


@header_rows
def test_instead_of_the_answer_to_our_header(arena, sent, cause, error):
    arena.say("a1")
    wire = arena.accept()
    wire.take_header()
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause, "OUT")
    arena.bounced("a1", cause)


@header_rows
def test_instead_of_the_header_inside_tls(arena, sent, cause, error):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.secure()
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause)


@stanza_rows
def test_in_clear(arena, sent, cause, error):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause)


@stanza_rows
def test_from_a_peer_that_has_proved_its_domain(arena, sent, cause, error):
    wire = arena.proved()
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause)


@stanza_rows
def test_in_the_place_of_features(arena, sent, cause, error):
    arena.say("f1")
    wire = arena.accept()
    wire.welcome("")
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause, "OUT")
    arena.bounced("f1", cause)


@stanza_rows
def test_while_our_key_is_judged(arena, sent, cause, error):
    wire = arena.receiving("k1")
    wire.take_key()
    wire.offer(sent)
    wire.ends(error)
    arena.ended(cause, "OUT")
    arena.bounced("k1", cause)


@stanza_rows
def test_from_an_authoritative_server(arena, sent, cause, error):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.ask(SVC)
    authority = arena.authority()
    authority.take_question()
    authority.offer(sent)
    authority.ends(error)
    wire.expect("<db:result [^>]*type='error'.*<remote-server-not-found")
    arena.unverified("dialback-error", f".*{cause}")


def test_a_name_of_the_client_namespace_is_no_stanza(arena):
    wire = arena.proved()
    wire.send(f"<message xmlns='jabber:client' from='x@{arena.domain}' to='y@{SVC}'/>")
    wire.ends("unsupported-stanza-type")
    arena.ended("unsupported-stanza-type")
