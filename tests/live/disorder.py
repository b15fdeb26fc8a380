# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Disorder that nobody has scripted: who talks all the time, and what became of each message.

A Pair is numbered messages from one address to another. What may happen to a message beside "arrives once or comes back once,
in order" is told by windows: an action that takes away somebody's memory opens one, with what it allows and for which pairs.
Attached is a component of the IM node in a thread of its own, by XEP-0114 or by dialect 2, which attaches again by itself. Used
by test_disorder.py; the actions are in disorder_actions.py.
"""
import collections
import contextlib
import hashlib
import re
import ssl
import threading
import time
import xml.etree.ElementTree as ET

from fedway import SECRET
from link2 import COMPONENT, SM, STREAM, Link, Refused


class Windows:
    """From when to when what is allowed. A message is judged by all windows that it has lived in."""

    def __init__(self):
        self.rows, self.lock = [], threading.Lock()

    def open(self, why, kinds, pairs=".*"):
        row = [time.monotonic(), None, why, set(kinds), re.compile(pairs)]
        with self.lock:
            self.rows.append(row)
        return row

    @staticmethod
    def close(row, later=0.0):
        row[1] = time.monotonic() + later

    def allow(self, kind, pair, began, ended):
        return any(kind in row[3] and row[4].fullmatch(pair) and row[0] <= ended and (row[1] is None or began <= row[1])
                   for row in self.rows)


class Pair:
    """Numbered messages; `send` takes a list of stanzas as text, and returns False when nobody can send now."""

    def __init__(self, name, send, source, target):
        self.name, self.send, self.source, self.target = name, send, source, target
        self.sent, self.arrived, self.bounced = {}, collections.defaultdict(list), collections.defaultdict(list)
        self.order, self.place, self.lock = [], {}, threading.Lock()

    def more(self, count):
        with self.lock:
            names = [f"{self.name}.{len(self.sent) + i}" for i in range(count)]
            now = time.monotonic()
            if self.send([f"<message type='chat' id='{name}' from='{self.source}' to='{self.target}'><body>{name}</body>"
                          "</message>" for name in names]):
                self.sent.update(dict.fromkeys(names, now))

    def came(self, name, error):
        """`error`: None, or the text of what came back."""
        with self.lock:
            (self.arrived if error is None else self.bounced)[name].append((time.monotonic(), error))
            if error is None and len(self.arrived[name]) == 1:
                self.order.append(name)

    def open(self):
        with self.lock:
            return [n for n in self.sent if n not in self.arrived and n not in self.bounced]

    def reordered(self, seen):
        """`seen`: names in the order in which our side has got them from a partner that may disorder them."""
        self.place = {name: place for place, name in enumerate(seen)}

    def judged(self, windows):
        """What is wrong, one sentence each, and how often what was allowed has happened."""
        wrong, allowed = [], collections.Counter()
        end = time.monotonic()

        def say(kind, name, more=""):
            times = [time for time, _ in self.arrived.get(name, []) + self.bounced.get(name, [])]
            if windows.allow(kind, self.name, self.sent.get(name, end), max(times, default=end)):
                allowed[kind] += 1
            else:
                wrong.append(f"{name} {kind} {more}")
        for name in list(self.sent):
            arrived, bounced = self.arrived.get(name, []), self.bounced.get(name, [])
            if not arrived and not bounced:
                say("lost", name, f"sent at {self.sent[name]:.3f}")
            if len(arrived) > 1 or len(bounced) > 1:
                say("twice", name, f"arrived {[round(t, 3) for t, _ in arrived]} bounced {bounced}")
            if arrived and bounced:
                say("both", name, f"arrived {arrived[0][0]:.3f} bounced {bounced}")
        highest = -1
        for name in self.order:
            place = self.place.get(name, -1) if self.place else int(name.rsplit(".", 1)[1])
            if -1 < place < highest:
                say("disordered", name, f"{place} after {highest}")
            highest = max(highest, place)
        return wrong, allowed

    def count(self):
        return f"{self.name}: {len(self.sent)} sent, {len(self.arrived)} arrived, {len(self.bounced)} came back"


class Book:
    """All pairs, and who is told what came."""

    def __init__(self):
        self.pairs = {}

    def add(self, pair):
        self.pairs[pair.name] = pair
        return pair

    def came(self, name, error=None):
        pair = self.pairs.get((name or "").rsplit(".", 1)[0])
        if pair is not None:
            pair.came(name, error)


class Plain(Link):
    """The same by XEP-0114: no TLS, no acknowledgement."""

    def open(self):
        self.parser, self.depth, self.header = ET.XMLPullParser(("start", "end")), 0, None
        self.write(f"<stream:stream xmlns='{COMPONENT}' xmlns:stream='{STREAM}' to='{self.name}'>")
        end = time.monotonic() + 5
        while self.header is None:
            if time.monotonic() > end:
                raise ConnectionError("no header")
            self.read(1)
        self.write(f"<handshake>{hashlib.sha1((self.header['id'] + SECRET).encode()).hexdigest()}</handshake>")
        self.next(f"{{{COMPONENT}}}handshake")


class Attached:
    """A component that stays attached: `names` is None for XEP-0114, else the names that are bound, with their credit or None."""

    def __init__(self, space, node, book, name, names=None, authority=None):
        self.space, self.node, self.book, self.name, self.names = space, node, book, name, names
        self.context = ssl.create_default_context(cafile=authority) if authority else None
        self.lock, self.outbox, self.ready = threading.Lock(), [], threading.Event()
        self.wanted, self.ended, self.cutting, self.stalled = True, False, False, False
        self.link, self.taken, self.resumed, self.begun, self.troubles = None, collections.Counter(), 0, 0, []
        self.granted, self.forgot = {}, []
        self.idle = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    # ---- from other threads ----

    def send(self, xmls):
        if not self.ready.is_set():
            return False
        with self.lock:
            self.outbox += xmls
        return True

    def detach(self):
        """In good order: what was written is written, what came has come. It may take a while."""
        self.wanted = False

    def attach(self):
        self.wanted = True

    def close(self):
        self.ended = True
        self.wanted = False
        self.thread.join(30)

    # ---- in its thread ----

    def _run(self):
        self.space.move_thread()
        while not self.ended:
            if not self.wanted:
                self.idle.set()
                time.sleep(0.005)
                continue
            self.idle.clear()
            try:
                self._begin()
                self.ready.set()
                self._talk()
            except (OSError, Refused, AssertionError, SyntaxError) as error:
                self.troubles.append(f"{time.monotonic():.3f} {type(error).__name__} {error}")
                time.sleep(0.05)
            finally:
                self.ready.clear()
                if self.link is not None:
                    with contextlib.suppress(OSError, AttributeError):
                        self.link.socket.close()

    def _begin(self):
        if self.names is None:
            self.link = Plain(self.name, self.node.ip, self.node.link_port, "im-1")
            self.link.connect()
            self.begun += 1
            return
        if self.link is None:
            self.link = Link(self.name, self.node.ip, self.node.link_port, "im-1")
        link = self.link
        link.connect(self.context)
        link.scram(SECRET)
        if link.session:
            try:
                link.resume()
                self.resumed += 1
                for name, credit in self.names.items():
                    if credit is not None:
                        link.write(f"<credit xmlns='urn:fedway:link:1' name='{name}' total='{self.granted[name]}'/>")
                return
            except Refused:
                self.forgot.append(time.monotonic())
        unheard, link.sent, link.acked, link.handled = link.sent, [], 0, 0
        link.session = None
        link.enable()
        for name, credit in self.names.items():
            link.bind(name, credit)
            self.granted[name], self.granted[f"{name} told"] = credit or 0, self.taken[name]
        for text in unheard:
            self._write(text)
        self.begun += 1

    def _write(self, text):
        if self.names is not None:
            self.link.sent.append(text)
        self.link.write(text)

    def _talk(self):
        link, acked = self.link, 0
        while self.wanted:
            with self.lock:
                xmls, self.outbox = self.outbox, []
            for number, xml in enumerate(xmls):
                try:
                    self._write(xml)
                except OSError:
                    if self.names is not None:
                        link.sent += xmls[number + 1:]
                    raise
            link.read(0.01)
            self._stanzas()
            if self.names is not None and link.handled != acked:
                link.acknowledge()
                acked = link.handled
            if link.footer:
                link.session = None
                self._stanzas()
                raise ConnectionError("footer")
            if link.came:
                element = link.came.pop(0)
                if element.tag.startswith(f"{{{STREAM}}}"):
                    continue  # a stream error: the footer follows
            if self.cutting:
                self.cutting = False
                link.cut()
                raise ConnectionError("cut")
        self._leave()

    def _stanzas(self):
        stanzas, self.link.stanzas = self.link.stanzas, []
        for stanza in stanzas:
            error = None
            if stanza.get("type") == "error":
                cause = next((e.get("name") for e in stanza.iter("{urn:fedway:cause:1}cause")), None)
                error = cause or " ".join(e.tag.split("}")[1] for e in stanza.iter())
            self.book.came(stanza.get("id"), error)
            self.taken[stanza.get("to").split("@")[-1]] += 1
        if self.names and not self.stalled:
            for name, credit in self.names.items():
                due = self.taken[name] - self.granted.get(f"{name} told", 0)
                if credit is not None and due > 0:
                    self.granted[f"{name} told"] = self.taken[name]
                    self.granted[name] += due
                    self.link.credit(name, due)

    def _leave(self):
        link = self.link
        with self.lock:
            xmls, self.outbox = self.outbox, []
        self.ready.clear()
        for xml in xmls:
            self._write(xml)
        if self.names is not None:  # first nothing new comes; then both sides have told what they have
            for name in self.names:
                link.unbind(name)
            self._stanzas()
            link.acknowledge()
            link.write(f"<r xmlns='{SM}'/>")
            end = time.monotonic() + 90
            while link.sent and time.monotonic() < end:
                link.read(0.05)
        link.write("</stream:stream>")
        end = time.monotonic() + 20
        while not link.footer and time.monotonic() < end:
            link.read(0.05)
            self._stanzas()
        self._stanzas()
        link.session = None
        link.socket.close()
