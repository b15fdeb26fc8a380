# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""config/samples/three-nodes/all-in-one.conf: one fedwayd that is edge, core and IM node at once, and its switch."""
import pytest

from nodes import CORP, PARTNER, Nodes

JULIET, PORTER = f"juliet@{PARTNER}/test", f"porter@{CORP}"


@pytest.fixture
def one(world):
    """Partner and all-in-one.conf, the switch off."""
    nodes = world.nodes = Nodes(world)
    try:
        world.partner = nodes.partner()
        world.edge = nodes.node("edge-1", "all-in-one.conf", "edge-1")
        nodes.publish("edge-1")
        for process in (nodes.dns, world.partner, world.edge):
            world.start(process)
        yield world
        world.edge.settled()
        nodes.quiet()
    finally:
        nodes.close()


def status(node):
    return node.ctl_text("status")[1]


def talk_both_ways(one):
    one.juliet.message(PORTER, "open the gate")
    assert one.porter.wait_body("open the gate")["from"].full == JULIET
    one.porter.message(JULIET, "it is open", source=PORTER)
    assert one.juliet.wait_body("it is open")["from"].full == PORTER


def test_all_in_one(one):
    """The switch on one node that is edge, core and IM node at once; it is kept over a restart."""
    one.juliet, one.porter = one.client(one.partner, "juliet"), one.component(CORP, one.edge)
    assert "Inactive" in status(one.edge)
    one.porter.message(JULIET, "too early", "too-early", source=PORTER)
    assert "federation-off" in str(one.porter.wait_error("too-early"))
    one.edge.ctl("federation", "on")
    one.edge.wait_log(r"xconfiguration xcpConfiguration is_federation_enabled - changed from: 0 to: 1")
    assert "Active" in status(one.edge)
    talk_both_ways(one)
    one.edge.stop()
    one.edge.start()
    assert "Active" in status(one.edge)
    one.porter = one.component(CORP, one.edge)
    one.porter.message(JULIET, "still open", source=PORTER)
    one.juliet.wait_body("still open")
    one.edge.ctl("federation", "off")
    one.porter.message(JULIET, "too late", "too-late", source=PORTER)
    assert "federation-off" in str(one.porter.wait_error("too-late"))
