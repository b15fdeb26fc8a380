# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes on machines of their own, with only the ports of the table between them."""
import socket

import pytest

from fedway import Fedway
from nodes import CORP, MACHINES, PARTNER, Nodes

JULIET, PORTER = f"juliet@{PARTNER}/test", f"porter@{CORP}"


@pytest.fixture
def nodes(world):
    made = Nodes(world)
    yield made
    made.quiet()
    made.close()


def test_an_edge_alone_behind_the_filter(world, nodes):
    """A partner and one edge, with a component beside the edge: S2S needs no other port."""
    partner = nodes.partner()
    ip = MACHINES["edge-1"][0]
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
    knock("edge-1", MACHINES["core"][0], 7400)
    world.until("the dropped packet", lambda: nodes.net.dropped("inwards") == 1)
    assert nodes.net.dropped("others") == 0
    knock("partner", MACHINES["core"][0], 7400)
    world.until("the dropped packet", lambda: nodes.net.dropped("others") == 1)
    for s in tried:
        s.close()
    with pytest.raises(AssertionError, match="an edge has dialled inwards"):
        nodes.quiet()
    nodes.close()
