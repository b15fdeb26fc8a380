# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Routers that know each other, as several fedwayd on addresses of this machine: edges with a component that holds "*",
a core that dials, an inner node with the component of corp.example. No DNS and no real peers are needed."""
import os
import re
import signal
import time

import pytest

import talk
from fedway import SECRET, Fedway, Installation
from process import Process, free_port, wait_until

ADDRESSES = {"edge-1": "127.0.9.1", "edge-2": "127.0.9.2", "core-1": "127.0.9.3", "im-1": "127.0.9.4"}


class Node(Fedway):
    """A router without modules; `routers` are dictionaries of rows."""

    def __init__(self, where, realm):
        self.installed = Installation()
        self.realm, self.ip = realm, ADDRESSES[realm]
        self.where = f"{where}/{realm}"
        os.makedirs(self.where, exist_ok=True)
        self.link_port = free_port(self.ip)
        self.socket = f"{self.where}/control.sock"
        with open(f"{self.where}/link.secret", "w") as f:
            f.write(SECRET + "\n")
        os.chmod(f"{self.where}/link.secret", 0o600)
        self.config = {
            "realm": realm, "module_path": self.installed.modules, "control_socket": self.socket,
            "state_file": "", "log_level": "debug", "link_reroute_after_s": 1,
            "link_resume_window_s": 3,
            "listen": [{"address": self.ip, "port": self.link_port}],
            "domains": [{"name": "corp.example", "federation": True}], "routers": [], "links": [],
        }
        Process.__init__(self, f"fedwayd {realm}",
                         [f"{self.installed.prefix}/sbin/fedwayd", "--config", f"{self.where}/fedway.conf"],
                         f"{self.where}/fedwayd.log", self.installed.env)

    def row(self, other, dial=False, **more):
        where = {"host": other.ip, "port": other.link_port} if dial else {}
        self.config["routers"].append({"realm": other.realm, "secret_file": f"{self.where}/link.secret",
                                       "retry_min_ms": 50, "retry_max_ms": 500, **where, **more})

    def start(self):
        self.write()
        Process.start(self)
        self.wait_port(self.ip, self.link_port)
        wait_until(lambda: f"the control socket of {self.name}", lambda: os.path.exists(self.socket))
        return self

    def routes(self, domain):
        return [r for r in self.ctl("routes")["routes"] if r["domain"] == domain and "component" in r]

    def router(self, realm):
        return next(r for r in self.ctl("routers")["routers"] if r["realm"] == realm)

    def wait_route(self, domain, count=1, seconds=None):
        return wait_until(lambda: f"{count} × {domain} at {self.realm}: {self.ctl('routes')}",
                          lambda: len([r for r in self.routes(domain) if r["state"] == "up"]) == count, seconds)


class Nodes:
    """Edges, core and inner node, with the components at both ends."""

    def __init__(self, world, edges=1):
        self.world = world
        self.edges = [Node(world.where, f"edge-{n + 1}") for n in range(edges)]
        self.core, self.im = Node(world.where, "core-1"), Node(world.where, "im-1")
        for edge in self.edges:
            edge.row(self.core)
            edge.link("gw.edge", domains=["*"])
            self.core.row(edge, dial=True, outside=True, default_route=True)
        self.core.row(self.im, dial=True)
        self.im.row(self.core, outside=True, default_route=True)
        self.im.link("corp.example")

    def start(self):
        for node in [*self.edges, self.im, self.core]:
            self.world.start(node)
        self.corp = self.component("corp.example", self.im)
        self.gates = [self.component("gw.edge", edge) for edge in self.edges]
        self.im.wait_route("*")
        self.core.wait_route("*", len(self.edges))
        for edge in self.edges:
            edge.wait_route("corp.example")
        return self

    def component(self, name, node):
        talker = talk.component(name, node.ip, node.link_port, SECRET)
        self.world.talkers.append(talker)
        return talker

    def send_out(self, count, first=0):
        self.corp.send_many([f"<message type='chat' from='a@corp.example/x' to='b@p{n}.example' id='{n}'>"
                             f"<body>out {n}</body></message>" for n in range(first, first + count)])

    def bodies(self, gate):
        return [s["body"] for s in gate.messages() if s["type"] != "error"]

    def arrived(self):
        return [b for gate in self.gates for b in self.bodies(gate)]

    def answers(self):
        return [s["id"] for s in self.corp.messages("error")]


@pytest.fixture
def line(world):
    return Nodes(world).start()


def test_one_number_on_all_nodes(line):
    """A stanza crosses three routers both ways; its number is found in the logs of all of them."""
    edge = line.edges[0]
    line.corp.send("<message type='chat' from='a@corp.example/x' to='b@partner.example' id='o'><body>out</body></message>")
    line.gates[0].wait_body("out")
    line.gates[0].send("<message type='chat' from='b@partner.example/y' to='a@corp.example' id='i'><body>in</body></message>")
    line.corp.wait_body("in")
    for start, pair in ((line.im, "a@corp.example/x:b@partner.example"), (edge, "b@partner.example/y:a@corp.example")):
        number = re.search(rf"arrived xcoder=([0-9A-F]{{16}}) .*from:to={pair}", start.text()).group(1)
        for node in (edge, line.core, line.im):
            node.wait_log(rf"arrived xcoder={number} ")
            node.wait_log(rf"handed over xcoder={number} ")
    for node in (edge, line.core, line.im):
        node.settled()


def test_costs_and_what_the_operator_sees(line):
    cost = {r["domain"]: r["cost"] for r in line.im.ctl("routes")["routes"] if "cost" in r}
    assert cost["*.core-1"] == 10 and cost["*.edge-1"] == 20 and cost["*"] == 20, cost
    row = line.core.router("edge-1")
    assert row["state"] == "up" and row["dialled"] and row["refused"] == 0, row
    assert {r["name"]: r["verdict"] for r in row["routes"]}["*"] == "taken", row
    status, text = line.core.ctl_text("routers")
    assert status == 0 and "edge-1" in text and "*.edge-1" in text, text


def test_what_cannot_arrive_is_answered(line):
    """The inner node is gone: the core waits for it as long as the window says, then answers, and the answer finds
    its way out."""
    line.im.stop(signal.SIGKILL)
    line.core.wait_route("corp.example", 0)
    line.gates[0].send("<message type='chat' from='b@partner.example' to='a@corp.example' id='lost'><body>x</body></message>")
    line.gates[0].wait_error("lost")


def test_an_edge_that_dies_moves_its_share(world):
    """Two edges share; one is killed under load: each message arrives, or is answered, and what is sent after
    2 s arrives at the other."""
    nodes = Nodes(world, edges=2).start()
    nodes.send_out(200)
    wait_until("all at the gates", lambda: len(nodes.arrived()) == 200)
    shares = [len(nodes.bodies(gate)) for gate in nodes.gates]
    assert min(shares) > 50, shares
    moved_before = {b for b in nodes.bodies(nodes.gates[0])}
    nodes.edges[0].stop(signal.SIGKILL)
    begun = time.monotonic()
    nodes.core.wait_log("suspended|router gone", seconds=5)
    noticed = time.monotonic() - begun
    nodes.send_out(200, 1000)
    wait_until(lambda: f"all accounted for: {len(nodes.arrived())} arrived, {len(nodes.answers())} answered",
               lambda: len(set(nodes.arrived())) + len(set(nodes.answers())) >= 400, 10)
    took = time.monotonic() - begun
    print(f"shares {shares}; noticed after {noticed:.3f} s, all 200 after {took:.3f} s, answered {len(nodes.answers())}")
    assert took < 3 and not nodes.answers()
    # who was with the second edge has stayed there
    nodes.send_out(200)
    wait_until("the same again", lambda: len(nodes.bodies(nodes.gates[1])) == shares[1] + 200 + 200)
    assert len(moved_before) == shares[0]


def test_a_drain_withdraws_the_way_out_first(world):
    """An edge is drained under load: nothing is lost, nothing is answered, and it ends."""
    nodes = Nodes(world, edges=2).start()
    nodes.send_out(300)
    nodes.edges[0].ctl("drain")
    nodes.send_out(300, 1000)
    wait_until(lambda: f"{len(nodes.arrived())} arrived, {len(nodes.answers())} answered",
               lambda: len(set(nodes.arrived())) == 600, 15)
    assert not nodes.answers() and len(nodes.arrived()) == 600
    wait_until("the drained edge to end", lambda: not nodes.edges[0].alive())
    assert nodes.edges[0].child.returncode == 0
    nodes.core.wait_route("*", 1)


def test_an_edge_that_comes_back_is_used(line):
    """An edge is killed and comes back: it is dialled again and gets what is sent from then on."""
    line.edges[0].stop(signal.SIGKILL)
    line.core.wait_log("suspended|router gone")
    line.edges[0].start()
    line.component("gw.edge", line.edges[0])
    line.core.wait_route("*", 1)
    line.edges[0].wait_route("corp.example")
    line.send_out(5, 5000)
    wait_until("five more", lambda: len([b for t in line.world.talkers for b in line.bodies(t)
                                         if b.startswith("out 500")]) == 5)


def test_three_that_all_know_each_other(world):
    """A triangle: the direct way counts, then the longer one, and nothing goes in circles."""
    names = ("edge-1", "core-1", "im-1")
    nodes = {name: Node(world.where, name) for name in names}
    for a, b in (("core-1", "edge-1"), ("core-1", "im-1"), ("im-1", "edge-1")):
        nodes[a].row(nodes[b], dial=True)
        nodes[b].row(nodes[a])
    nodes["im-1"].link("corp.example")
    for node in nodes.values():
        world.start(node)
    corp = talk.component("corp.example", nodes["im-1"].ip, nodes["im-1"].link_port, SECRET)
    world.talkers.append(corp)
    edge = nodes["edge-1"]
    wait_until("the direct way", lambda: [r["cost"] for r in edge.routes("corp.example")] == [10, 20])
    nodes["im-1"].config["routers"] = [r for r in nodes["im-1"].config["routers"] if r["realm"] != "edge-1"]
    nodes["im-1"].reload()
    wait_until("the longer way", lambda: [r["cost"] for r in edge.routes("corp.example")] == [20])
    corp.close()
    wait_until("no way", lambda: not edge.routes("corp.example"))
