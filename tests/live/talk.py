# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""XMPP clients and components for the live tests and the demo, on slixmpp, used from plain code.

slixmpp wants an event loop; it gets one in a thread of its own. A Talker keeps all stanzas that came and lets a
test wait for one. Nothing is awaited by time alone.
"""
import asyncio
import logging
import threading

for talkative in ("slixmpp", "asyncio"):  # before slixmpp is imported: it talks while it is
    logging.getLogger(talkative).setLevel(logging.CRITICAL)

import slixmpp  # noqa: E402
from slixmpp.componentxmpp import ComponentXMPP  # noqa: E402
from slixmpp.xmlstream.handler import Callback  # noqa: E402
from slixmpp.xmlstream.matcher import MatchXPath  # noqa: E402

from process import WAIT_S, wait_until  # noqa: E402


class LoopThread:
    """One event loop for all talkers of this process on one machine."""

    def __init__(self, space):
        self.space, self.loop = space, asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        if self.space is not None:
            self.space.move_thread()
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, function, *args):
        """Runs a function in the loop's thread and returns its result."""
        async def run():
            result = function(*args)
            return await result if asyncio.iscoroutine(result) else result
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(WAIT_S)


_threads = {}


def loop_thread(space):
    if space not in _threads:
        _threads[space] = LoopThread(space)
    return _threads[space]


class Talker:
    """A client or a component, on a machine of netns.py if given one: sends, and remembers what came."""

    def __init__(self, name, make, space=None):
        self.thread = loop_thread(space)
        self.name, self.came, self.online = name, [], threading.Event()
        self.offline = threading.Event()
        self.answer = None  # function(stanza) called for each message, in the loop's thread
        self.take = None  # the same, for each message and presence
        self.xmpp = self.thread.call(self._prepare, make)

    def _prepare(self, make):
        xmpp = make()
        xmpp.loop = asyncio.get_event_loop()
        xmpp.add_event_handler("session_start", self._started)
        xmpp.add_event_handler("disconnected", self._ended)
        for kind in ("message", "presence"):
            xmpp.register_handler(Callback(f"all {kind}", MatchXPath(f"{{{xmpp.default_ns}}}{kind}"),
                                           self._take))
        xmpp.add_event_handler("message", lambda m: None)
        xmpp.register_handler(Callback("ping", MatchXPath(
            f"{{{xmpp.default_ns}}}iq/{{urn:xmpp:ping}}ping"), self._pinged))
        return xmpp

    def _started(self, _event):
        if not self.xmpp.is_component:
            self.xmpp.send_presence()
        self.offline.clear()
        self.online.set()

    def _ended(self, _event):
        self.online.clear()
        self.offline.set()

    def _take(self, stanza):
        self.came.append(stanza)
        if self.take is not None:
            self.take(stanza)
        if self.answer is not None and stanza.name == "message" and stanza["type"] != "error":
            self.answer(stanza)

    def _pinged(self, iq):
        if iq["type"] == "get":
            iq.reply().send()

    def connect(self, ip, port):
        def begin():
            if self.xmpp.is_component:
                self.xmpp.connect(ip, port)
            else:
                self.xmpp.connect((ip, port), disable_starttls=True)
        self.thread.call(begin)
        if not self.online.wait(WAIT_S):
            raise AssertionError(f"{self.name} did not get online at {ip}:{port}")
        return self

    def close(self):
        self.thread.call(lambda: self.xmpp.abort())

    def send(self, xml):
        """Writes a stanza as it is given."""
        self.thread.call(lambda: self.xmpp.send_raw(xml))

    def send_many(self, xmls):
        def write():
            for xml in xmls:
                self.xmpp.send_raw(xml)
        self.thread.call(write)

    def message(self, to, body, identifier=None, kind="chat", source=None):
        ident = f" id='{identifier}'" if identifier else ""
        self.send(f"<message type='{kind}' from='{source or self.xmpp.boundjid.full}' to='{to}'{ident}>"
                  f"<body>{body}</body></message>")

    def messages(self, kind=None):
        return [s for s in list(self.came) if s.name == "message" and (kind is None or s["type"] == kind)]

    def wait(self, what, predicate, seconds=None):
        """The first stanza, among all that came, for which predicate is true."""
        return wait_until(lambda: f"{what} at {self.name}; came: {[str(s) for s in self.came[-5:]]}",
                          lambda: next((s for s in list(self.came) if predicate(s)), None), seconds)

    def wait_body(self, body, seconds=None):
        return self.wait(f"the message '{body}'",
                         lambda s: s.name == "message" and s["type"] != "error" and s["body"] == body, seconds)

    def wait_error(self, identifier, seconds=None):
        return self.wait(f"the error for {identifier}",
                         lambda s: s["type"] == "error" and s["id"] == identifier, seconds)

    def iq_ping(self, to, seconds=None):
        """Sends a ping and returns the answer, a result or an error."""
        def send():
            iq = self.xmpp.make_iq_get(ito=to, ifrom=self.xmpp.boundjid.full)
            iq.xml.append(slixmpp.ET.Element("{urn:xmpp:ping}ping"))
            async def run():
                try:
                    return await iq.send(timeout=seconds or WAIT_S)
                except slixmpp.exceptions.IqError as error:
                    return error.iq
            return run()
        return self.thread.call(send)


def client(jid, ip, port, password="pass", space=None):
    """A client that is online."""
    def make():
        xmpp = slixmpp.ClientXMPP(jid, password)
        xmpp["feature_mechanisms"].unencrypted_scram = True
        xmpp["feature_mechanisms"].unencrypted_plain = True
        return xmpp
    return Talker(jid, make, space).connect(ip, port)


def component(name, ip, port, secret, space=None):
    """A component on a XEP-0114 port that is online."""
    return Talker(name, lambda: ComponentXMPP(name, secret, ip, port), space).connect(ip, port)
