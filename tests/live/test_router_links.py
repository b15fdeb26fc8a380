# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The link between two routers: who proves what with which certificate, and what becomes of stanzas when the connection
is cut or goes silent under numbered load."""
import random
import re
import time

import pytest

import talk
from certificates import Authority, faulty
from fedway import SECRET
from process import wait_until
from relay import Relay
from routers import Node

SENDERS = 3


class Two:
    """A core that dials an edge, with a component on each."""

    def __init__(self, world):
        self.world = world
        self.core, self.edge = Node(world.where, "core-1"), Node(world.where, "edge-1")
        self.authority = Authority(f"{world.where}/inner-ca", "Inner CA")
        self.core.link("corp.example")
        self.edge.link("gw.edge", domains=["*"])

    def rows(self, **more):
        """The same proof in both rows; the edge is the way out."""
        self.edge.row(self.core, **{k: v for k, v in more.items() if k not in ("host", "port")})
        self.core.row(self.edge, dial=True, outside=True, default_route=True, **more)
        return self

    def certify(self, core=None, edge=None, authority=None):
        """With good certificates where no others are given."""
        for node, pair in ((self.core, core), (self.edge, edge)):
            node.certify(authority or self.authority, pair or self.authority.issue(node.realm))
        return self

    def start(self):
        for node in (self.edge, self.core):
            self.world.start(node)
        return self

    def linked(self):
        """Waits for it, and returns how both sides say that it was proved."""
        self.core.wait_route("*.edge-1")
        self.edge.wait_route("*.core-1")
        return {(s["auth"], s.get("tls")) for node, other in ((self.core, self.edge), (self.edge, self.core))
                for s in node.wires(other)}

    def refused(self, cause):
        row = wait_until(lambda: f"{cause}; there is {self.core.router('edge-1')}",
                         lambda: next((r for r in [self.core.router("edge-1")] if r.get("last_cause") == cause), None))
        assert row["state"] == "down" and row["remedy"], row
        assert self.edge.router("core-1")["state"] == "down"
        return row

    def talkers(self):
        """With the link up; the edge knows where corp.example is, the core the way out."""
        self.corp = talk.component("corp.example", self.core.ip, self.core.link_port, SECRET)
        self.gate = talk.component("gw.edge", self.edge.ip, self.edge.link_port, SECRET)
        self.world.talkers += [self.corp, self.gate]
        self.core.wait_route("*")
        self.edge.wait_route("corp.example")
        return self


@pytest.fixture
def two(world):
    return Two(world)


# ---- who is who ----


@pytest.mark.parametrize("secret", [False, True])
def test_certificates_on_both_sides(two, secret):
    """Without any secret; and with one beside, which is not needed then."""
    two.core.row(two.edge, dial=True, secret=secret, certificate_name="edge-1", outside=True, default_route=True)
    two.edge.row(two.core, secret=secret, certificate_name="core-1")
    assert two.certify().start().linked() == {("EXTERNAL", "TLSv1.3")}
    two.talkers().gate.message("a@corp.example", "in", source="b@partner.example")
    two.corp.wait_body("in")
    for node in (two.core, two.edge):
        node.settled()


@pytest.mark.parametrize("fault, cause", [("wrong name", "not-authorized"), ("unknown authority", "no-auth-method"),
                                          ("revoked", "no-auth-method")])
def test_a_wrong_certificate_of_who_dials(two, fault, cause):
    two.rows(secret=False, certificate_name="")
    for node, other in ((two.core, "edge-1"), (two.edge, "core-1")):
        node.config["routers"][0]["certificate_name"] = other
    bad = faulty(two.authority, "core-1")[fault]
    two.certify(core=bad).start().refused(cause)


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("fault", ["wrong name", "unknown authority", "revoked"])
def test_a_wrong_certificate_of_who_is_dialled(two, fault, secret):
    """It is told nothing, whatever else there is: the secret is not tried on somebody who is not who he should be."""
    two.rows(secret=secret, certificate_name="")
    for node, other in ((two.core, "edge-1"), (two.edge, "core-1")):
        node.config["routers"][0]["certificate_name"] = other
    bad = faulty(two.authority, "edge-1")[fault]
    two.certify(edge=bad).start().refused({"wrong name": "certificate-name", "revoked": "certificate-revoked"}.get(fault, "certificate-untrusted"))
    assert "mechanism=SCRAM" not in two.edge.text()


@pytest.mark.parametrize("fault", ["wrong name", "unknown authority"])
def test_the_secret_does_when_the_certificate_does_not(two, fault):
    bad = faulty(two.authority, "core-1")[fault]
    assert two.rows().certify(core=bad).start().linked() == {("SCRAM-SHA-256-PLUS", "TLSv1.3")}
    told = re.search("our certificate is not taken, going on with the secret realm=edge-1 condition=not-authorized",
                     two.core.text())
    assert bool(told) == (fault == "wrong name")


# ---- what breaks ----


class Load:
    """Numbered messages of several senders, from one talker to another."""

    def __init__(self, source, sender, target, receiver):
        self.source, self.sender, self.target, self.receiver, self.sent = source, sender, target, receiver, 0

    def send(self, count):
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        self.source.send_many([f"<message type='chat' from='s{n % SENDERS}@{self.sender}' to='r@{self.receiver}' id='{n}'>"
                               f"<body>{n}</body></message>" for n in numbers])

    def count(self):
        return len(self.target.messages())

    def check(self, name):
        """Each has come, once, in the order of its sender, and none has come back."""
        wait_until(lambda: f"{name}: {self.sent} messages; there are {self.count()}", lambda: self.count() >= self.sent)
        came = [int(s["body"]) for s in self.target.messages() if s["type"] != "error"]
        back = len(self.source.messages("error"))
        print(f"{name}: {self.sent} sent, {len(set(came))} arrived, {len(came) - len(set(came))} twice, {back} returned")
        assert len(came) == self.sent and back == 0
        for sender in range(SENDERS):
            assert [n for n in came if n % SENDERS == sender] == list(range(sender, self.sent, SENDERS)), sender


def between(two, secured):
    """A relay between the two, the link by way of it, and a load each way."""
    relay = Relay("127.0.9.9", (two.edge.ip, two.edge.link_port))
    for node in (two.core, two.edge):
        node.config.update(link_resume_window_s=60, link_reroute_after_s=60)
    if secured:
        two.certify()
    two.rows(host=relay.ip, port=relay.port, retry_max_ms=100).start().talkers()
    two.out = Load(two.corp, "corp.example", two.gate, "partner.example")
    two.into = Load(two.gate, "partner.example", two.corp, "corp.example")
    return relay


def account(two):
    """Both nodes: nothing in flight, and each ledger balanced; what was resumed how often."""
    for node in (two.core, two.edge):
        total = node.settled()["total"]
        again = [int(n) for n in re.findall(r"link resumed .* again=(\d+)", node.text())]
        print(f"{node.realm}: resumed {len(again)} times, {sum(again)} stanzas written again; in {total['in']}, delivered "
              f"{total['delivered'] + total['acknowledged']}, returned {total['bounced']}, dropped {total['dropped']}")
        assert total["bounced"] == total["dropped"] == 0, total
        assert "link not resumed" not in node.text()


@pytest.mark.parametrize("secured", [False, True])
def test_a_link_is_cut_and_resumed_a_hundred_times(two, secured):
    """In the middle of what is under way, both ways: nothing is lost, nothing comes twice, the order of each sender stays."""
    relay = between(two, secured)
    places = random.Random(7400)
    for number in range(100):
        relay.cut_after(places.randrange(1, 12000))
        while relay.cuts <= number:
            two.out.send(20)
            two.into.send(20)
            done = two.out.sent
            wait_until("the load, or a cut", lambda n=number, d=done: relay.cuts > n or two.out.count() >= d)
        wait_until("both to go on", lambda n=number: all(node.text().count("link resumed ") > n
                                                         for node in (two.core, two.edge)))
    two.out.check("out")
    two.into.check("in")
    account(two)
    relay.close()


def test_a_link_that_goes_silent_is_known_dead(two):
    """Nobody is told anything, bytes only stop: both sides know within 10 s, and go on where they were."""
    relay = between(two, False)
    for load in (two.out, two.into):
        load.send(50)
    two.out.check("out before")
    two.into.check("in before")
    relay.swallow()
    began = time.monotonic()
    for load in (two.out, two.into):
        load.send(50)
    for node in (two.core, two.edge):
        silent = int(node.wait_log("the peer is silent .*silent_ms=([0-9]+) limit=link_dead_s", seconds=15).group(1))
        print(f"{node.realm}: known after {time.monotonic() - began:.1f} s, silent_ms={silent}")
        assert 9000 <= silent < 10000
    relay.mend()
    two.out.check("out")
    two.into.check("in")
    account(two)
    relay.close()
