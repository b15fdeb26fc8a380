# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The guide's own walk over three nodes, by the shipped samples: the switch on the edge, the row in the IM node's table,
the conversation, and the switch off again; and the guide's two symptoms."""
import pytest

from nodes import CORP, JULIET, PORTER, S2S, Nodes, on_postgresql, talk_both_ways
from postgres import Postgres

EDGE_1 = f"{S2S}.edge-1"
AXL = r'Module="network.axl" Level="INFO" Action="Send" URL="https://imp1.corp.internal:8443/axl/" Function="executeSQL'


@pytest.fixture(params=["sqlite", "postgresql"])
def three(world, request):
    """Partner, edge, core and IM node, all running, the switch off."""
    nodes = world.nodes = Nodes(world)
    try:
        world.partner, world.edge, world.core = nodes.partner(), nodes.edge(), nodes.core()
        world.im = nodes.im(on_postgresql(world.start(Postgres())) if request.param == "postgresql" else None)
        nodes.publish("edge-1")
        for process in (nodes.dns, world.partner, world.im):
            world.start(process)
        nodes.introduce(world, world.core, world.edge)
        yield world
        for node in (world.edge, world.core, world.im):
            node.settled()
        nodes.quiet()
    finally:
        nodes.close()


def rows(im):
    """The table as `fedwayctl sql` prints it."""
    status, text = im.ctl_text("sql", "select * from xmpps2snodes")
    assert status == 0, text
    return text


def test_the_walk(three):
    edge, core, im = three.edge, three.core, three.im
    for node in (edge, core, im):
        assert "XMPP Federation: Inactive" in " ".join(node.status().split())
    assert EDGE_1 not in rows(im)
    world = three
    world.juliet, world.porter = world.client(world.partner, "juliet"), world.component(CORP, im)
    world.porter.message(JULIET, "too early", "too-early", source=PORTER)
    world.porter.wait_error("too-early")

    edge.ctl("federation", "on")
    edge.wait_log(r"xconfiguration xcpConfiguration is_federation_enabled - changed from: 0 to: 1")
    core.wait_log(AXL)
    world.until(lambda: f"the row of the edge; {rows(im)}", lambda: EDGE_1 in rows(im))
    for node in (edge, core, im):
        world.until(lambda: f"federation to be active; {node.status()}",
                    lambda: "XMPP Federation: Active" in " ".join(node.status().split()))
    talk_both_ways(world)

    edge.ctl("federation", "off")
    edge.wait_log(r"xconfiguration xcpConfiguration is_federation_enabled - changed from: 1 to: 0")
    world.until(lambda: f"no row; {rows(im)}", lambda: EDGE_1 not in rows(im))
    world.porter.message(JULIET, "too late", "too-late", source=PORTER)
    world.porter.wait_error("too-late")


def test_symptom_1_a_wrong_password_explains_itself(three):
    """The guide's first symptom: the core cannot write the row, and messages go one way only. Here one command on the core says
    so, at once, and what to do; a corrected file and a reload are enough."""
    core = three.core
    core.secret("axl.password", "wrong")
    core.ctl("reload")
    three.edge.ctl("federation", "on")
    core.wait_log(r'Module="network.axl" .*Status="401" Reason="None"')
    told = three.until("a yellow notice", lambda: [n for n in core.ctl("notifications")["notifications"] if "imp1" in str(n)])
    assert told[0]["level"] == "yellow" and "401" in str(told) and "password" in told[0]["remedy"], told
    assert "wrong" not in str(told)
    assert EDGE_1 not in rows(three.im)
    core.secret("axl.password", "axl")
    core.ctl("reload")
    three.until("the row", lambda: EDGE_1 in rows(three.im))
    three.until("the notice to go", lambda: "imp1" not in str(core.ctl("notifications")))


def test_symptom_2_the_router_is_told_with_the_row(three):
    """The guide's second symptom: the row is there, and the IM node's router bounces until it is restarted. Here the row and the
    route are one thing: the first message after the row arrives, and no notice asks for a restart."""
    three.juliet, three.porter = three.client(three.partner, "juliet"), three.component(CORP, three.im)
    process = three.im.child.pid
    for number in range(5):
        three.edge.ctl("federation", "on")
        three.until("the row", lambda: EDGE_1 in rows(three.im))
        three.porter.message(JULIET, f"first {number}", f"first-{number}", source=PORTER)
        three.juliet.wait_body(f"first {number}")
        three.until("no notice", lambda: "restart" not in str(three.im.ctl("notifications")).lower())
        three.edge.ctl("federation", "off")
        three.until("no row", lambda: EDGE_1 not in rows(three.im))
    assert three.im.child.pid == process and not three.porter.messages("error")
