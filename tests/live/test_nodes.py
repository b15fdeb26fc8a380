# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Edge, core and IM node on machines of their own, by the shipped samples, with only the ports of the table between them: a
partner's Prosody talks with a component of the IM node, and with a Prosody inside."""
import re
import socket

import pytest

from fedway import Fedway
from nodes import CORP, LAB, PARTNER, Nodes

JULIET, PORTER, NURSE = f"juliet@{PARTNER}/test", f"porter@{CORP}", f"nurse@{LAB}"


@pytest.fixture(scope="module")
def three(new_world):
    """All of the drawing in config/samples/three-nodes/README.md, the switch on."""
    world = new_world("three-nodes")
    world.nodes = nodes = Nodes(world)
    try:
        world.partner, world.edge, world.core, world.im = nodes.partner(), nodes.edge(), nodes.core(), nodes.im()
        inner_dns, world.inner = nodes.inner()
        nodes.publish("edge-1")
        for process in (nodes.dns, world.partner, inner_dns, world.inner, world.im):
            world.start(process)
        nodes.introduce(world, world.core, world.edge)
        world.edge.ctl("federation", "on")
        nodes.federated(world.core, world.im, world.edge)
        world.juliet, world.nurse = world.client(world.partner, "juliet"), world.client(world.inner, "nurse")
        world.porter = world.component(CORP, world.im)
        yield world
    finally:
        world.stop()
        nodes.close()


@pytest.fixture(autouse=True)
def balanced(request):
    """Every test ends with ledgers that balance on every node, and a filter that nobody has met."""
    yield
    if "three" in request.fixturenames:
        world = request.getfixturevalue("three")
        for node in (world.edge, world.core, world.im):
            node.settled()
        world.nodes.quiet()


def within(three):
    """Both who can be talked to inside: the talker, its address, and the domain."""
    return {"a component": (three.porter, PORTER, CORP), "a Prosody": (three.nurse, f"{NURSE}/test", LAB)}


@pytest.fixture(params=["a component", "a Prosody"])
def inside(request, three):
    return within(three)[request.param]


def test_messages(three, inside):
    talker, address, _ = inside
    three.juliet.message(address, f"to {address}")
    assert talker.wait_body(f"to {address}")["from"].full == JULIET
    talker.message(JULIET, f"from {address}", source=address)
    assert three.juliet.wait_body(f"from {address}")["from"].full == address


def test_presence(three, inside):
    talker, address, _ = inside
    bare = address.split("/")[0]
    source = f" from='{address}'" if talker is three.porter else ""
    talker.send(f"<presence{source} to='juliet@{PARTNER}' type='subscribe'/>")
    three.juliet.wait("the question", lambda s: s.name == "presence" and s["type"] == "subscribe" and s["from"].bare == bare)
    three.juliet.send(f"<presence to='{bare}' type='subscribed'/>")
    seen = talker.wait("that juliet is here", lambda s: s.name == "presence" and s["from"].full == JULIET)
    assert seen["type"] == "available"
    three.juliet.send(f"<presence to='{bare}' type='subscribe'/>")
    talker.wait("the question", lambda s: s.name == "presence" and s["type"] == "subscribe")


def test_pings(three, inside):
    talker, _, domain = inside
    for sender, target in ((three.juliet, domain), (talker, PARTNER)):
        answer = sender.iq_ping(target)
        assert answer["type"] == "result" and answer["from"].full == target


def test_nobody_of_that_name(three, inside):
    talker, address, domain = inside
    talker.message(f"nobody@{PARTNER}", "hello?", f"nobody-{domain}", source=address)
    assert talker.wait_error(f"nobody-{domain}")["from"].bare == f"nobody@{PARTNER}"


@pytest.mark.parametrize("direction", ["in", "out"])
def test_five_hundred_in_order(three, inside, direction):
    talker, address, domain = inside
    sender, receiver = (three.juliet, talker) if direction == "in" else (talker, three.juliet)
    source, target = (JULIET, address) if direction == "in" else (address, JULIET)
    wanted = [f"{direction}-{domain}-{i}" for i in range(500)]
    sender.send_many([f"<message from='{source}' to='{target}' type='chat' id='{name}'><body>{name} &lt;&#229;&gt;</body>"
                      "</message>" for name in wanted])
    receiver.wait(wanted[-1], lambda s: s["id"] == wanted[-1])
    assert [s["id"] for s in receiver.messages("chat") if s["id"] in set(wanted)] == wanted


@pytest.mark.parametrize("direction", ["in", "out"])
def test_one_id_is_in_the_logs_of_all_nodes(three, direction):
    """The xcoder that the first node gave a stanza: whoever greps for it finds its whole way."""
    marks = {node: node.mark() for node in (three.edge, three.core, three.im)}
    if direction == "in":
        three.juliet.message(PORTER, "which way?")
        three.porter.wait_body("which way?")
        first, pair = three.edge, f"{JULIET}:{PORTER}"
    else:
        three.porter.message(JULIET, "that way", source=PORTER)
        three.juliet.wait_body("that way")
        first, pair = three.im, f"{PORTER}:{JULIET}"
    found = first.wait_log(rf"xcoder=(\w+) .*{re.escape(pair)}", marks[first])
    for node, mark in marks.items():
        node.wait_log(rf"arrived xcoder={found[1]} ", mark)


def test_the_core_shows_the_streams_of_its_edges(three):
    three.porter.message(JULIET, "a stream, please", source=PORTER)
    three.juliet.wait_body("a stream, please")
    status, text = three.core.ctl_text("--all", "connections")
    assert status == 0 and PARTNER in text and "edge-1" in text, text


def test_an_edge_alone_behind_the_filter(world):
    """A partner and one edge, with a component beside the edge: S2S needs no other port."""
    nodes = Nodes(world)
    partner, ip = nodes.partner(), nodes.address("edge-1")
    edge = nodes.place("edge-1", lambda: Fedway(f"{world.where}/edge", nodes.dns, [CORP], ip, allow=[PARTNER], publish=False))
    edge.s2s_port = edge.options["s2s"]["listen"][0]["port"] = 5269
    nodes.dns.add_xmpp(CORP, ip, 5269)
    edge.link(CORP)
    for process in (nodes.dns, partner, edge):
        world.start(process)
    juliet, porter = world.client(partner, "juliet"), world.component(CORP, edge)
    juliet.message(PORTER, "open the gate")
    assert porter.wait_body("open the gate")["from"].full == JULIET
    porter.message(JULIET, "it is open", source=PORTER)
    assert juliet.wait_body("it is open")["from"].full == PORTER
    edge.settled()
    nodes.quiet()
    nodes.close()


def test_the_filter_bites(world):
    """A connection from an edge inwards is dropped and counted; so is any other that is not in the table."""
    nodes = Nodes(world)
    tried = []

    def knock(machine, address, port):
        with nodes.net.spaces[machine]:
            s = socket.socket()
        s.setblocking(False)
        assert s.connect_ex((address, port)) != 0
        tried.append(s)
    knock("edge-1", nodes.address("core"), 7400)
    world.until("the dropped packet", lambda: nodes.net.dropped("inwards") == 1)
    assert nodes.net.dropped("others") == 0
    knock("partner", nodes.address("core"), 7400)
    world.until("the dropped packet", lambda: nodes.net.dropped("others") == 1)
    for s in tried:
        s.close()
    with pytest.raises(AssertionError, match="an edge has dialled inwards"):
        nodes.quiet()
    nodes.close()
