# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""config/samples/three-nodes/all-in-one.conf: one fedwayd that is edge, core and IM node at once, and its switch."""
import pytest

from nodes import CORP, JULIET, PORTER, Nodes, talk_both_ways


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


def test_all_in_one(one):
    """The switch on one node that is edge, core and IM node at once; it is kept over a restart."""
    one.juliet, one.porter = one.client(one.partner, "juliet"), one.component(CORP, one.edge)
    assert "Inactive" in one.edge.status()
    one.porter.message(JULIET, "too early", "too-early", source=PORTER)
    assert "federation-off" in str(one.porter.wait_error("too-early"))
    one.edge.ctl("federation", "on")
    one.edge.wait_log(r"xconfiguration xcpConfiguration is_federation_enabled - changed from: 0 to: 1")
    assert "Active" in one.edge.status()
    talk_both_ways(one)
    one.edge.stop()
    one.edge.start()
    assert "Active" in one.edge.status()
    one.porter = one.component(CORP, one.edge)
    one.porter.message(JULIET, "still open", source=PORTER)
    one.juliet.wait_body("still open")
    one.edge.ctl("federation", "off")
    one.porter.message(JULIET, "too late", "too-late", source=PORTER)
    assert "federation-off" in str(one.porter.wait_error("too-late"))
