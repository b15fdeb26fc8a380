# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""One fedwayd for all tests of this folder, and for each test a hostile domain of its own.

After each test fedwayd must be alive, have no stream and no verification left, and a balanced ledger.
"""
import itertools
import re
import socket

import pytest

from certificates import faulty, self_signed
from wire import Server, Wire

SVC = "svc.corp.example"
DOMAINS = 800


class Arena:
    """A fedwayd with the component svc, and a server for h0.hostile.example, h1.hostile.example, …"""

    def __init__(self, world):
        self.world = world
        self.pair = self_signed(f"{world.where}/hostile", "*.hostile.example")
        self.good = world.authority.issue("*.hostile.example")
        self.faulty = faulty(world.authority, "*.hostile.example")
        self.server = Server("127.0.0.20", self.pair)
        self.domains = [f"h{i}.hostile.example" for i in range(DOMAINS)]
        self.direct_domains = [f"d{i}.hostile.example" for i in range(20)]
        absent = "absent.example"
        for domain in self.domains:
            world.dns.add_xmpp(domain, self.server.ip, self.server.port)
        for domain in self.direct_domains:
            world.dns.add_xmpp(domain, self.server.ip, None, self.server.port)
        world.dns.add(f"_xmpp-server._tcp.{absent}. 60 IN SRV 0 0 0 .")
        self.fedway = world.prepare_fedway([SVC], certificate=world.authority.issue(SVC), allow=[*self.domains, *self.direct_domains, absent])
        self.direct_domains = iter(self.direct_domains)
        self.fedway.link(SVC)
        self.fedway.options["s2s"].update(ca_file=world.authority.file)
        self.fedway.options["dialback"].update(ca_file=world.authority.file, verify_keep_ms=0)  # each question on a stream of its own
        self.usual = {name: dict(rows) for name, rows in self.fedway.options.items()}
        for process in (world.dns, self.fedway):
            world.start(process)
        self.svc = world.component(SVC, self.fedway)
        self.numbers = itertools.count()
        self.wires, self.changed, self.told = [], False, set()

    def begin(self):
        self.domain = self.domains[next(self.numbers)]
        self.since = self.fedway.mark()
        self.told = set()

    def stranger(self, domain=None, source=None):
        """A connection to fedwayd, as a server that initiates."""
        sock = socket.create_connection((self.fedway.ip, self.fedway.s2s_port), 30,
                                        (source, 0) if source else None)
        self.wires.append(Wire(sock, domain or self.domain, self.pair))
        return self.wires[-1]

    def accept(self, domain=None):
        """fedwayd has connected to the hostile server."""
        self.wires.append(self.server.accept(domain or self.domain))
        return self.wires[-1]

    def authority(self, context=None):
        """fedwayd's stream to the authoritative server, up to where it asks."""
        return self.accept().welcome_secured(context)

    def proved(self, context=None):
        """A stranger that has proved its domain by being its authoritative server too."""
        wire = self.stranger()
        identity = wire.secured(SVC, context)
        wire.ask(SVC, "my-key")
        authority = self.authority()
        assert authority.take_question() == (identity, "my-key")
        authority.verify_says(SVC, identity, "valid")
        wire.expect("<db:result [^>]*type='valid'[^>]*/>")
        authority.rest()
        return wire

    def say(self, name, domain=None):
        """The component sends a message to the hostile domain."""
        self.svc.message(f"x@{domain or self.domain}", name, f"{name}@{self.domain}")

    def receiving(self, name, context=None):
        """fedwayd's stream for that message, up to where its key is awaited."""
        self.say(name)
        return self.accept().welcome_secured(context)

    def hasty(self, module, **options):
        """Short limits, for this test only; they hold for what begins after it."""
        self.changed = True
        self.fedway.options[module].update(options)
        self.fedway.reload()

    def _tells(self, pattern, cause):
        self.told.add(cause)
        self.fedway.wait_log(pattern, self.since)

    def ended(self, cause, direction="IN", more=""):
        """The log tells this end of a stream of this test's domain."""
        self._tells(rf"{direction}\).*stream ended cause={cause} {more}", cause)

    def unverified(self, cause, more=""):
        """The log tells why a domain could not be proved."""
        self._tells(rf"not verified cause={cause} {more}", cause)

    def stands(self):
        """What this test is about ends no stream."""
        self.told.add(None)

    def bounced(self, name, cause):
        """The component got its message back, with the cause."""
        self.told.add(cause)
        error = str(self.svc.wait_error(f"{name}@{self.domain}"))
        assert f'<cause xmlns="urn:fedway:cause:1" name="{cause}"' in error, error

    def nothing_came(self):
        """No stanza of this test's domain has reached the component."""
        assert not [m for m in self.svc.messages() if self.domain in m["body"]]

    def acknowledged(self):
        return self.fedway.ledger()["total"]["acknowledged"]

    def judged(self):
        """A test must tell each cause that the log told: no stream ends unseen, none for another reason."""
        causes = set(re.findall("(?:stream ended|not verified) cause=([a-z-]+)", self.fedway.text(self.since)))
        assert self.told, f"this test tells no cause; the log told {causes}"
        assert not causes - self.told - {"verify-done"}, f"not told: {causes - self.told}"

    def streams(self, **wanted):
        """Streams between servers, verifications among them; links are none."""
        return [row for row in self.fedway.streams(**wanted) if "direction" in row]

    def count(self, name):
        """A counter of the S2S component."""
        return next(c["value"] for c in self.fedway.ctl("counters")["counters"]
                    if c["component"].startswith("s2s-") and c["counter"] == name)

    def finish(self):
        for wire in self.wires:
            wire.close()
        self.wires.clear()
        assert self.fedway.alive(), "fedwayd died"
        if self.changed:
            self.changed = False
            for name, rows in self.usual.items():
                self.fedway.options[name].clear()
                self.fedway.options[name].update(rows)
            self.fedway.reload()
        self.world.until(lambda: f"no streams; there are {self.streams()}", lambda: not self.streams())
        self.fedway.settled()


@pytest.fixture(scope="session")
def one_arena(session_world):
    made = Arena(session_world)
    yield made
    made.server.close()


@pytest.fixture
def arena(one_arena):
    one_arena.begin()
    yield one_arena
    try:
        one_arena.judged()
    finally:
        one_arena.finish()
