# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Peers that a test scripts byte for byte: a connection, and a server that the test accepts for.

Plain sockets and ssl, driven from the test's own thread: each step waits for what the other side sends, and
nothing waits for time. Used by the tests of this folder; nothing here knows what is right.
"""
import re
import socket
import struct

from process import WAIT_S

TLS = "urn:ietf:params:xml:ns:xmpp-tls"
STARTTLS = f"<starttls xmlns='{TLS}'/>"
PROCEED = f"<proceed xmlns='{TLS}'/>"
OFFER = f"<stream:features><starttls xmlns='{TLS}'><required/></starttls></stream:features>"
FEATURES = "<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>"


def header(sender=None, to=None, identity=None, content="jabber:server", version="1.0", dialback=True,
           streams="http://etherx.jabber.org/streams", prolog="<?xml version='1.0'?>"):
    """A stream header; what is None is left out."""
    given = {"from": sender, "to": to, "id": identity, "version": version, "xmlns": content,
             "xmlns:stream": streams, "xmlns:db": "jabber:server:dialback" if dialback else None}
    attributes = "".join(f" {k}='{v}'" for k, v in given.items() if v is not None)
    return f"{prolog}<stream:stream{attributes}>"


class Wire:
    """One connection: sends what it is told, and waits for what it is told to expect. `pair` is its certificate, which
    it shows where a test has no other TLS for it."""

    def __init__(self, sock, domain, pair):
        self.sock, self.domain, self.pair, self.data = sock, domain, pair, b""
        sock.settimeout(WAIT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def offer(self, text):
        """Sends what the other side may refuse to read to its end."""
        try:
            self.send(text)
        except OSError:
            pass

    def _more(self):
        try:
            got = self.sock.recv(65536)
        except TimeoutError:
            raise AssertionError(f"{self.domain} waited in vain; had {self.data[-600:]!r}") from None
        except OSError:
            got = b""
        self.data += got
        return len(got) > 0

    def expect(self, pattern):
        """Reads until the pattern has come, and takes everything up to its end."""
        while True:
            found = re.search(pattern.encode(), self.data, re.S)
            if found:
                self.data = self.data[found.end():]
                return [g.decode() for g in found.groups()]
            if not self._more():
                raise AssertionError(f"{self.domain}: the other side ended before /{pattern}/: {self.data!r}")

    def rest(self):
        """Everything until the other side ends the stream or the connection; a footer is answered."""
        while b"</stream:stream>" not in self.data and self._more():
            pass
        self.offer("</stream:stream>")
        return self.data.decode(errors="replace")

    def ends(self, condition=None):
        """The other side ends: with this stream error, or without any. Then this side is gone too."""
        rest = self.rest()
        self.close()
        if condition is None:
            assert "<stream:error>" not in rest, rest
        else:
            assert f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" in rest, rest

    def close(self):
        self.sock.close()

    def talk_until_it_ends(self, text):
        """Sends this after each answer, until the other side has enough."""
        while b"</stream:stream>" not in self.data:
            self.offer(text)
            if not self._more():
                return

    def end_writing(self):
        """A half close: this side will say no more, but listens."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def reset(self):
        """The connection breaks, as when a machine has lost its memory of it."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wrap(self, context, server=False, name=None):
        """TLS from here on; a client may ask for a name."""
        assert self.data == b"", f"bytes in clear before TLS: {self.data!r}"
        self.sock = context.wrap_socket(self.sock, server_side=server, server_hostname=name)
        return self

    # ---- what an initiating server says ----

    def greet(self, to, **more):
        """Header and features; returns the stream's id."""
        self.send(header(self.domain, to, **more))
        identity, = self.expect(r"<stream:stream [^>]*\bid='([^']+)'[^>]*>")
        self.expect("</stream:features>")
        return identity

    def secure(self, context=None):
        self.send(STARTTLS)
        self.expect("<proceed [^>]*/>")
        return self.wrap(context or self.pair.connect())

    def secured(self, to, context=None):
        """As far as dialback may begin; returns the id of the stream."""
        self.greet(to)
        self.secure(context)
        return self.greet(to)

    def ask(self, to, key="a-key", sender=None):
        self.send(f"<db:result from='{sender or self.domain}' to='{to}'>{key}</db:result>")

    # ---- what a receiving or authoritative server says ----

    def take_header(self):
        return self.expect("<stream:stream ([^>]*)>")[0]

    def welcome(self, features, identity="s-1", **more):
        self.take_header()
        self.send(header(self.domain, identity=identity, **more) + features)

    def welcome_secured(self, context=None, identity="s-2"):
        """TLS with who has connected to us, and features that allow dialback."""
        self.welcome(OFFER)
        self.expect("<starttls [^>]*/>")
        self.send(PROCEED)
        self.wrap(context or self.pair.serve(), server=True)
        return self.finish_welcome(identity)

    def finish_welcome(self, identity="s-2"):
        """The header inside TLS, and features that allow dialback."""
        self.welcome(FEATURES, identity)
        return self

    def take_key(self):
        return self.expect("<db:result [^>]*>([^<]*)</db:result>")[0]

    def accept_key(self, to, kind="valid"):
        key = self.take_key()
        self.send(f"<db:result from='{self.domain}' to='{to}' type='{kind}'/>")
        return key

    def take_question(self):
        """The key that is to be verified, and the stream's id."""
        identity, key = self.expect("<db:verify [^>]*id='([^']*)'[^>]*>([^<]*)</db:verify>")
        return identity, key

    def verify_says(self, to, identity, kind, sender=None, more=""):
        self.send(f"<db:verify from='{sender or self.domain}' to='{to}' id='{identity}' type='{kind}'>"
                  f"{more}</db:verify>")


class Server:
    """Listens for all the domains that are published for it; the test accepts."""

    def __init__(self, ip, pair):
        self.ip, self.pair = ip, pair
        self.sock = socket.create_server((ip, 0), backlog=64)
        self.sock.settimeout(WAIT_S)
        self.port = self.sock.getsockname()[1]

    def accept(self, domain):
        try:
            return Wire(self.sock.accept()[0], domain, self.pair)
        except TimeoutError:
            raise AssertionError(f"nobody connected to {domain}") from None

    def close(self):
        self.sock.close()
