# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A component of attach dialect 2, written from the chapter "Links on 7400" of sdk/PROTOCOL.md alone.

Plain sockets, ssl, ElementTree, and slixmpp's SCRAM: nothing of Fedway. It does one thing after the other and keeps what
came meanwhile; a connection can be cut at any time and the session resumed on the next.
"""
import base64
import itertools
import select
import socket
import time
import xml.etree.ElementTree as ET

from slixmpp.util.sasl.client import MECHANISMS

from process import WAIT_S

STREAM = "http://etherx.jabber.org/streams"
COMPONENT = "jabber:component:accept"
LINK = "urn:fedway:link:1"
SM = "urn:xmpp:sm:3"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
STANZAS = {f"{{{COMPONENT}}}{name}" for name in ("message", "presence", "iq")}


class Refused(Exception):
    """The router has said no: the name of what it said."""


def b64(data):
    return base64.b64encode(data).decode()


class Link:
    """`name` attaches at (ip, port)."""

    def __init__(self, name, ip, port, realm):
        self.name, self.at, self.realm = name, (ip, port), realm
        self.socket = None
        self.session = None  # its id, when it can be resumed
        self.handled = 0  # stanzas that came since <enabled/>
        self.counting = False
        self.sent, self.acked = [], 0  # what is not acknowledged; how many are
        self.stanzas = []  # all that came, in order
        self.ids = itertools.count(1)

    # ---- bytes ----

    def connect(self, context=None, direct=False):
        """A new connection; with `context` under TLS, by STARTTLS unless direct. Up to the mechanisms."""
        self.socket = socket.create_connection(self.at, timeout=WAIT_S)
        self.came, self.footer = [], False
        if direct:
            self.socket = context.wrap_socket(self.socket, server_hostname=self.realm)
        features = self.open()
        if context is None or direct:
            return features
        assert [child.tag for child in features] == [f"{{{TLS}}}starttls"]
        assert features.find(f"{{{TLS}}}starttls/{{{TLS}}}required") is not None
        self.write(f"<starttls xmlns='{TLS}'/>")
        self.next(f"{{{TLS}}}proceed")
        self.socket = context.wrap_socket(self.socket, server_hostname=self.realm)
        return self.open()

    def cut(self):
        """As a cable does it: no footer, no goodbye."""
        if self.socket is not None:
            self.socket.close()

    def close(self):
        self.write("</stream:stream>")
        while not self.footer:
            self.read()
        self.socket.close()

    def write(self, text):
        self.socket.sendall(text.encode())

    def read(self, wait_s=WAIT_S):
        """Some bytes, and what follows from them. False: none came in time."""
        ready = getattr(self.socket, "pending", lambda: 0)() or select.select([self.socket], [], [], wait_s)[0]
        if not ready:
            return False
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the router has closed the connection")
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            self.depth += 1 if event == "start" else -1
            if event == "start" and self.depth == 1:
                self.header = dict(element.attrib)
            elif event == "end" and self.depth == 1:
                self.take(element)
            elif event == "end" and self.depth == 0:
                self.footer = True
        return True

    # ---- elements ----

    def take(self, element):
        if element.tag in STANZAS:
            self.stanzas.append(element)
            self.handled += self.counting
        elif element.tag == f"{{{SM}}}r":
            self.acknowledge()
        elif element.tag == f"{{{SM}}}a":
            self.count(int(element.get("h")))
        else:
            self.came.append(element)

    def next(self, *tags):
        """The next element that is neither a stanza nor acknowledgement."""
        end = time.monotonic() + WAIT_S
        while not self.came:
            assert time.monotonic() < end, f"waited in vain for {tags}"
            self.read()
        element = self.came.pop(0)
        if element.tag not in tags:
            raise Refused(" ".join(e.tag.split("}")[1] + e.get("name", "") for e in element.iter()))
        return element

    def new_stream(self):
        self.parser, self.depth, self.header = ET.XMLPullParser(("start", "end")), 0, None

    def open(self):
        """Our header; the router's features."""
        self.new_stream()
        self.write(f"<?xml version='1.0'?><stream:stream xmlns='{COMPONENT}' xmlns:stream='{STREAM}' version='1.0' "
                   f"from='{self.name}' to='{self.realm}'>")
        features = self.next(f"{{{STREAM}}}features")
        assert self.header["from"] == self.realm and self.header["version"] == "1.0"
        return features

    # ---- proof ----

    def external(self):
        self.write(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
        self.next(f"{{{SASL}}}success")
        return self.begin()

    def scram(self, secret):
        credentials = {"username": self.name.encode(), "password": secret.encode(), "authzid": b"",
                       "channel_binding": b""}
        scram = MECHANISMS["SCRAM-SHA-256"]("SCRAM-SHA-256", credentials, {"encrypted": True})
        self.write(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{b64(scram.process())}</auth>")
        challenge = base64.b64decode(self.next(f"{{{SASL}}}challenge").text)
        self.write(f"<response xmlns='{SASL}'>{b64(scram.process(challenge))}</response>")
        scram.process(base64.b64decode(self.next(f"{{{SASL}}}success").text))  # the router knows it too
        return self.begin()

    kind = "bind"  # what the features behind the proof say that this is

    def begin(self):
        features = self.open()
        assert [child.tag for child in features] == [f"{{{LINK}}}{self.kind}", f"{{{SM}}}sm"]
        return self

    # ---- names ----

    def ask(self, question, answer, name, more=""):
        self.write(f"<{question} xmlns='{LINK}' name='{name}'{more}/>")
        assert self.next(f"{{{LINK}}}{answer}").get("name") == name

    def bind(self, name, credit=None):
        self.ask("bind", "bound", name, "" if credit is None else f" credit='{credit}'")

    def unbind(self, name):
        self.ask("unbind", "unbound", name)

    def credit(self, name, add):
        self.write(f"<credit xmlns='{LINK}' name='{name}' add='{add}'/>")

    # ---- stanzas ----

    def message(self, sender, to, body):
        text = f"<message from='{sender}' to='{to}' id='{self.name}-{next(self.ids)}'><body>{body}</body></message>"
        if self.counting:
            self.sent.append(text)
        self.write(text)

    def bodies(self):
        return [body.text for s in self.stanzas for body in s.iter(f"{{{COMPONENT}}}body")]

    def until(self, what, condition):
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, f"waited in vain until {what}"
            self.read(0.2)

    # ---- acknowledgement ----

    def enable(self):
        self.write(f"<enable xmlns='{SM}' resume='true' max='60'/>")
        self.counting = True
        self.session = self.next(f"{{{SM}}}enabled").get("id")

    def acknowledge(self):
        self.write(f"<a xmlns='{SM}' h='{self.handled}'/>")

    def count(self, handled):
        """The router has handled so many of what we sent."""
        assert self.acked <= handled <= self.acked + len(self.sent)
        del self.sent[:handled - self.acked]
        self.acked = handled

    def resume(self):
        """On a new connection, after the proof: what the router has not got goes again."""
        self.write(f"<resume xmlns='{SM}' previd='{self.session}' h='{self.handled}'/>")
        arrived = int(self.next(f"{{{SM}}}resumed").get("h"))
        assert self.acked <= arrived <= self.acked + len(self.sent)
        for text in self.sent[arrived - self.acked:]:
            self.write(text)
