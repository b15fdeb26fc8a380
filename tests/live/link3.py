# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A router of attach dialect 3, written from the chapter "Links on 7400" of sdk/PROTOCOL.md alone; dials or is dialled.

Beyond link2.py: the greeting, announcements, the hop header, and acknowledgement of what has left. A stanza that comes has
left at once, unless `holds` says that it stays here.
"""
import base64
import hashlib
import hmac
import os
import socket

from link2 import COMPONENT, LINK, SASL, SM, STANZAS, STREAM, Link, b64
from process import WAIT_S

HEX = set("0123456789ABCDEFabcdef")
MANY = 1 << 32


def ranges(numbers):
    """[2, 5, 6, 7] → "2 5-7"."""
    found = []
    for n in sorted(numbers):
        if found and found[-1][1] == n - 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def numbers(text):
    """The reverse."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


class Router(Link):
    """The router `name`, a neighbour of `realm`."""

    def __init__(self, name, ip, port, realm):
        super().__init__(name, ip, port, realm)
        self.serial = 0  # of our last <routes/>
        self.heard = 0  # the greatest of theirs
        self.confirmed = []  # what of ours was confirmed
        self.told = {}  # name → the attributes of their <route/>
        self.missing = None  # names that a full list under way has not said yet
        self.pieces = 0
        self.greeted = False
        self.hop, self.passed = None, []  # the header that waits for its stanza; (header, stanza), in order
        self.holds = lambda stanza: False
        self.arrived, self.here = 0, []  # stanzas that came since the session began; numbers of those that are still here
        self.gone_ahead = set()  # of what we sent: numbers that have left there before others
        self.number = 0xA11CE << 40

    # ---- connections ----

    kind = "router"

    def connect(self, *args, **more):
        self.hop, self.missing = None, None
        return super().connect(*args, **more)

    def greet(self, full=()):
        """A new session, as the side that has dialled."""
        self.write(f"<enable xmlns='{SM}' resume='true' max='60'/>")
        self.session = self.next(f"{{{SM}}}enabled").get("id")
        self.new_session()
        self.write(f"<router xmlns='{LINK}' realm='{self.name}'/>")
        self.greeting()
        self.announce(full, full=True)
        return self

    def attach(self, secret, full=()):
        self.connect()
        self.scram(secret)
        return self.greet(full)

    def new_session(self):
        self.counting, self.handled, self.sent, self.acked = True, 0, [], 0
        self.arrived, self.here, self.gone_ahead = 0, [], set()

    def greeting(self):
        greeting = self.next(f"{{{LINK}}}router")
        assert greeting.attrib == {"realm": self.realm}
        self.greeted = True

    # ---- who is dialled ----

    def listen(self, ip):
        """Where the other one is to dial."""
        self.listener = socket.create_server((ip, 0))
        self.listener.settimeout(WAIT_S)
        return self.listener.getsockname()[1]

    def accept(self, secret):
        """One connection in clear text, proved by SCRAM; up to the features behind the proof."""
        self.socket, _ = self.listener.accept()
        self.socket.settimeout(WAIT_S)
        self.came, self.footer, self.hop, self.missing = [], False, None, None
        self.answer_header(f"<mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>")
        auth = self.next(f"{{{SASL}}}auth")
        assert auth.get("mechanism") == "SCRAM-SHA-256"
        gs2, bare = base64.b64decode(auth.text)[:3], base64.b64decode(auth.text)[3:]
        assert gs2 in (b"n,,", b"y,,")
        user, nonce = (part[2:] for part in bare.split(b",")[:2])
        assert user.decode() == self.realm
        salt, nonce = os.urandom(16), nonce + b64(os.urandom(12)).encode()
        first = b"r=" + nonce + b",s=" + base64.b64encode(salt) + b",i=4096"
        self.write(f"<challenge xmlns='{SASL}'>{b64(first)}</challenge>")
        final, _, proof = base64.b64decode(self.next(f"{{{SASL}}}response").text).rpartition(b",p=")
        assert final == b"c=" + base64.b64encode(gs2) + b",r=" + nonce
        salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, 4096)
        key = hmac.digest(salted, b"Client Key", "sha256")
        message = bare + b"," + first + b"," + final
        mark = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        assert bytes(a ^ b for a, b in zip(key, mark)) == base64.b64decode(proof)
        ours = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        self.write(f"<success xmlns='{SASL}'>{b64(b'v=' + base64.b64encode(ours))}</success>")
        self.answer_header(f"<router xmlns='{LINK}'/><sm xmlns='{SM}'/>")
        return self

    def answer_header(self, features):
        self.new_stream()
        while self.header is None:
            self.read()
        assert self.header["from"] == self.realm and self.header["to"] == self.name
        self.write(f"<?xml version='1.0'?><stream:stream xmlns='{COMPONENT}' xmlns:stream='{STREAM}' version='1.0' "
                   f"from='{self.name}' to='{self.realm}' id='{os.urandom(8).hex()}'>"
                   f"<stream:features>{features}</stream:features>")

    def welcome(self, full=()):
        """The first element of who has dialled: a new session, or the one that we know."""
        first = self.next(f"{{{SM}}}enable", f"{{{SM}}}resume")
        if first.tag == f"{{{SM}}}resume":
            assert first.get("previd") == self.session
            self.write(f"<resumed xmlns='{SM}' previd='{self.session}' h='{self.arrived % MANY}'/>")
            self.again(int(first.get("h")))
        else:
            self.session = os.urandom(8).hex()
            self.write(f"<enabled xmlns='{SM}' id='{self.session}' resume='true' max='60'/>")
            self.new_session()
            self.greeting()
            self.write(f"<router xmlns='{LINK}' realm='{self.name}'/>")
        self.announce(full, full=True)
        return self

    # ---- announcements ----

    def announce(self, routes, full=False, expires=60, serial=None, more=False):
        """Tells of routes: dictionaries with `name`, or a name to take back. Returns the serial."""
        self.serial = self.serial + 1 if serial is None else serial
        inside = "".join(
            f"<gone name='{r}'/>" if isinstance(r, str) else
            "<route " + " ".join(f"{k}='{v}'" for k, v in {
                "cost": 0, "weight": 10, "seq": 1, "path": self.name, **r}.items()) + "/>" for r in routes)
        self.write(f"<routes xmlns='{LINK}' seq='{self.serial}' expires='{expires}' full='{str(full).lower()}'"
                   f"{' more=' + chr(39) + 'true' + chr(39) if more else ''}>{inside}</routes>")
        return self.serial

    def ours(self, *more):
        """Our realm, and these."""
        return [{"name": self.name}, {"name": f"*.{self.name}"}, *({"name": m} if isinstance(m, str) else m for m in more)]

    def wait_learned(self, serial):
        self.until(f"{serial} was confirmed", lambda: serial in self.confirmed)

    def listen_to(self, routes):
        """What they tell of, by the rules for listeners."""
        serial = int(routes.get("seq"))
        assert 1 <= serial < 1 << 64 and 1 <= int(routes.get("expires")) <= 86400
        self.write(f"<learned xmlns='{LINK}' seq='{serial}'/>")
        if serial <= self.heard:
            return
        self.heard = serial
        self.pieces += 1
        if routes.get("full") == "true":
            self.missing = set(self.told)
        for child in routes:
            name = child.get("name")
            if child.tag == f"{{{LINK}}}route":
                assert child.get("path").split(" ")[-1] == self.realm
                assert 0 <= int(child.get("cost")) <= 65535 and 1 <= int(child.get("weight")) <= 65535
                self.told[name] = dict(child.attrib)
            elif child.tag == f"{{{LINK}}}gone":
                self.told.pop(name, None)
            (self.missing or set()).discard(name)
        if self.missing is not None and routes.get("more") != "true":
            for name in self.missing:
                del self.told[name]
            self.missing = None

    # ---- what comes ----

    def read(self, *wait):
        before = self.handled
        came = super().read(*wait)
        if self.handled != before:
            self.acknowledge()  # unasked, at the end of a turn
        return came

    def take(self, element):
        ours = {f"{{{LINK}}}routes": self.listen_to, f"{{{LINK}}}hop": self.take_hop, f"{{{SM}}}a": self.take_ack,
                f"{{{LINK}}}learned": lambda e: self.confirmed.append(int(e.get("seq"))),
                f"{{{LINK}}}left": self.take_left, f"{{{SM}}}r": lambda e: self.acknowledge()}
        if element.tag in STANZAS:
            self.take_stanza(element)
        elif element.tag in ours:
            ours[element.tag](element)
        else:
            self.came.append(element)

    def take_hop(self, hop):
        assert self.hop is None, "two headers before one stanza"
        assert 1 <= len(hop.get("id")) <= 16 and set(hop.get("id")) <= HEX and int(hop.get("id"), 16) > 0
        assert hop.get("path").split(" ")[-1] == self.realm
        self.hop = dict(hop.attrib)

    def take_stanza(self, stanza):
        assert self.hop is not None, "a stanza without its header"
        self.passed.append((self.hop, stanza))
        self.stanzas.append(stanza)
        self.hop = None
        self.arrived += 1
        self.here.append(self.arrived)
        if not self.holds(stanza):
            self.leave(self.arrived)

    # ---- acknowledgement ----

    def leave(self, number):
        """The stanza of this number has left our node."""
        self.here.remove(number)
        self.handled = min(self.here, default=self.arrived + 1) - 1
        ahead = [n for n in range(self.handled + 1, self.arrived + 1) if n not in self.here]
        if ahead:
            self.write(f"<left xmlns='{LINK}' h='{self.handled % MANY}' s='{ranges(n - self.handled for n in ahead)}'/>")

    def take_ack(self, a):
        self.count((int(a.get("h")) - self.acked) % MANY + self.acked)
        self.gone_ahead = {n for n in self.gone_ahead if n > self.acked}

    def take_left(self, left):
        base = (int(left.get("h")) - self.acked) % MANY + self.acked
        for n in numbers(left.get("s")):
            assert base + n <= self.acked + len(self.sent)
            self.gone_ahead.add(base + n)

    def resume(self):
        self.write(f"<resume xmlns='{SM}' previd='{self.session}' h='{self.arrived % MANY}'/>")
        self.again(int(self.next(f"{{{SM}}}resumed").get("h")))

    def again(self, arrived):
        """What has not arrived there goes again; the rest stays until it is acknowledged."""
        arrived = (arrived - self.acked) % MANY + self.acked
        assert arrived <= self.acked + len(self.sent)
        for text in self.sent[arrived - self.acked:]:
            self.write(text)

    # ---- stanzas ----

    def send(self, stanza, path=None, to=None):
        """A stanza behind its hop header; remembered until it has left there."""
        self.number += 1
        choice = f" to='{to}'" if to else ""
        text = f"<hop xmlns='{LINK}' id='{self.number:X}' path='{path or self.name}'{choice}/>{stanza}"
        self.sent.append(text)
        self.write(text)

    def message(self, sender, to, body, path=None, chosen=None):
        self.send(f"<message from='{sender}' to='{to}' id='{self.name}-{next(self.ids)}'><body>{body}</body></message>",
                  path, chosen)
