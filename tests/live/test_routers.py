# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Routers that know each other, as several fedwayd on addresses of this machine: edges with a component that holds "*",
a core that dials, an inner node with the component of corp.example. No DNS and no real peers are needed."""
import re
import signal
import time

import pytest

import talk
from fedway import SECRET
from process import wait_until
from routers import Node, Nodes

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
