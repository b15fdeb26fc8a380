# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What breaks between and under the nodes, while both sides send numbered messages. Each test prints its counts.

What is guaranteed, and why. A node acknowledges a stanza of a link only when the stanza has left it (custody), so until then
the node before it keeps a copy:
- A link that breaks and resumes (XEP-0198): each message once, in order. Nothing depends on luck.
- A node that is killed: nothing is lost, because whoever handed a stanza to it still has it and sends it again, or returns it
  with the cause. It may arrive twice, or arrive and be returned: only what the dead node had passed on in the instant before,
  without a chance to say so. Such stanzas are a subset of those that the node before it routed again, and its log counts those.
- Towards and from the partner the same holds only with acknowledgements between servers (XEP-0198 of mod_smacks). A partner
  without them loses what was in a socket when a side died; that is counted apart, as `plain`.
"""
import os
import signal
import subprocess
import time

import pytest

from load import Load
from nodes import CORP, JULIET, PARTNER, PORTER, S2S, Nodes, on_postgresql
from postgres import Postgres
from scripted_axl import ScriptedAxl

PLUGINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prosody")


BEHIND = {"port = 8443": "port = 8444"}  # the AXL service, when a proxy has its port


SOON = {row: row.replace(" }", " retry_min_ms = 20; retry_max_ms = 100; }") for row in (
    'outside = true; default_route = true; weight = 10; }', 'secret_file = "im-1.secret"; }')}


def federate(world, edges=1, acks=True, im=None, axl=False, core=None):
    """Partner, edges, core and IM node, the switch on, both talkers online, and a load each way; with `axl`, a scripted
    proxy before the AXL service."""
    world.nodes = nodes = Nodes(world)
    options = {"modules": ("smacks", "sm_before_dialback"), "plugins": PLUGINS} if acks else {}
    world.partner = nodes.partner(**options)
    world.edges = [nodes.edge(n + 1) for n in range(edges)]
    world.edge, world.core, world.im = world.edges[0], nodes.core(edges, core), nodes.im({**(im or {}), **BEHIND} if axl else im)
    nodes.publish(*(f"edge-{n + 1}" for n in range(edges)))
    for process in (nodes.dns, world.partner, world.im):
        world.start(process)
    if axl:
        ip = nodes.address("im")
        world.axl = ScriptedAxl(nodes.net.spaces["im"], (ip, 8443), (ip, 8444), nodes.inner_ca.issue("imp1.corp.internal"))
    nodes.introduce(world, world.core, *world.edges)
    for edge in world.edges:
        edge.ctl("federation", "on")
    nodes.federated(world.core, world.im, *world.edges)
    world.juliet, world.porter = world.client(world.partner, "juliet"), world.component(CORP, world.im)
    world.out = Load("out", world.porter, PORTER, world.juliet, JULIET)
    world.into = Load("in", world.juliet, JULIET, world.porter, PORTER)
    return world


@pytest.fixture
def broken(world):
    """However a test ends: every node lives, every ledger balances, and no edge has dialled inwards."""
    yield world
    try:
        for node in (*world.edges, world.core, world.im):
            assert node.alive(), node.tail()
            node.settled()
        world.nodes.quiet()
    finally:
        world.nodes.close()


def back(world):
    """A node that was started again has its place again."""
    world.nodes.federated(world.core, world.im, *world.edges)


def under_load(world, fault, until=100):
    """Both loads; `fault` when so many have arrived on each side; then each message has arrived or come back."""
    for load in (world.out, world.into):
        load.more()
    for load in (world.out, world.into):
        load.after(until)
    fault()
    counts = {load.name: load.finish() for load in (world.out, world.into)}
    for name, count in counts.items():
        print(f"{name}: {', '.join(f'{value} {key}' for key, value in count._asdict().items())}")
    return counts


def exact(counts):
    """Each message has arrived, once, and in order."""
    for name, count in counts.items():
        assert count._replace(sent=0, arrived=0) == (0, 0, 0, 0, 0, 0, 0), f"{name}: {count}"
        assert count.arrived == count.sent


def custody(counts):
    """Each message has arrived or come back."""
    for name, count in counts.items():
        assert count.lost == 0, f"{name}: {count}"


def test_a_link_is_cut_and_resumed_a_hundred_times(broken):
    federate(broken, acks=False, core=SOON)

    def fault():
        for number in range(100):
            machine = ("edge-1", "im")[number % 2]
            since = broken.core.mark()
            broken.nodes.net.cut("core", machine, 7400)
            for load in (broken.out, broken.into):  # so that there is something to be cut
                load.total += 30
                load.more()
            broken.until("a packet that was refused", lambda: broken.nodes.net.hit())
            broken.nodes.net.mend()
            broken.core.wait_log("resumed", since)
    exact(under_load(broken, fault))


def test_a_link_hears_nothing_and_resumes(broken):
    """Every packet is dropped: both ends know within 10 s, and lose nothing."""
    federate(broken, acks=False)

    def fault():
        ends = {node: node.mark() for node in (broken.core, broken.im)}
        broken.nodes.net.cut("core", "im", 7400, "drop")
        began = time.monotonic()
        for node, since in ends.items():
            node.wait_log("link suspended ", since)
            took = time.monotonic() - began
            print(f"{node.realm} knows after {took:.1f} s")
            assert took < 10
        broken.nodes.net.mend()
    exact(under_load(broken, fault))


def test_the_core_is_killed(broken):
    federate(broken)

    def fault():
        broken.core.stop(signal.SIGKILL)
        broken.core.start()
        back(broken)
    custody(under_load(broken, fault))


def partner_goes_on(world):
    """Waits until the partner reaches us again; what it had written before and nobody has is gone."""
    for number in range(60):
        world.juliet.message(PORTER, f"probe {number}", f"probe-{number}", source=JULIET)
        try:
            world.porter.wait_body(f"probe {number}", 1)
            break
        except AssertionError:
            continue
    else:
        raise AssertionError("the partner does not come back")
    world.into.forgive()


def unacknowledged_in(world, counts):
    """Over dialback Prosody asks nobody for acknowledgement: from there no more may be missing than was under way."""
    custody({"out": counts["out"]})
    assert counts["in"].lost <= world.into.window and counts["in"].twice == 0, counts


def carrier(world, direction):
    """The edge that has the stream of the load in this direction."""
    return next(edge for edge in world.edges if edge.streams(direction=direction, remote=PARTNER))


@pytest.mark.parametrize("direction", ["in", "out"])
def test_one_of_two_edges_is_killed(broken, direction):
    federate(broken, edges=2)

    def fault():
        edge = carrier(broken, direction)
        edge.stop(signal.SIGKILL)
        edge.start()
        partner_goes_on(broken)
    unacknowledged_in(broken, under_load(broken, fault))


def test_the_only_edge_is_killed(broken):
    """What the partner had written to the dead edge is not known to anybody: over dialback Prosody asks for no acknowledgement.
    That direction is counted apart: no more may be missing than were under way."""
    federate(broken)

    def fault():
        broken.edge.stop(signal.SIGKILL)
        broken.edge.start()
        back(broken)
        partner_goes_on(broken)
    unacknowledged_in(broken, under_load(broken, fault))


@pytest.mark.parametrize("program", ["sshd", "ssh"])
def test_the_tunnel_is_killed(broken, program):
    """No stanza goes through it."""
    federate(broken, acks=False)
    node, again = (broken.edge, "the tunnel listens") if program == "sshd" else (broken.core, "edge connected")

    def fault():
        since = node.mark()
        for pid in children(node, program):
            os.kill(pid, signal.SIGKILL)
        node.wait_log(again, since)
    exact(under_load(broken, fault))
    broken.edge.ctl("federation", "off")
    broken.until("the core to know", lambda: not broken.nodes.rows(broken.im))


def children(node, name):
    """Processes of this name that a node has started."""
    done = subprocess.run(["pgrep", "-x", "-P", str(node.child.pid), name], stdout=subprocess.PIPE, text=True)
    found = [int(pid) for pid in done.stdout.split()]
    assert found, f"{node.name} has no {name}"
    return found


@pytest.mark.parametrize("mode", ["401", "503", "garbage", "half", "shut"])
def test_axl_misbehaves(broken, mode):
    """A table that cannot be read is no table without rows: what the IM node knows stays, and so does the traffic."""
    federate(broken, acks=False, axl=True)

    def fault():
        broken.axl.mode = mode
        broken.core.ctl_text("axl", "sync")
        broken.until(f"an answer of {mode}", lambda: broken.axl.count(mode))
    exact(under_load(broken, fault))
    broken.edge.ctl("federation", "off")
    broken.until(f"one more answer of {mode}", lambda: broken.axl.count(mode) > 1)
    assert broken.nodes.rows(broken.im) == [f"{S2S}.edge-1"], "the row cannot be taken away yet"
    broken.axl.mode = "pass"
    broken.core.ctl_text("axl", "sync")
    broken.until("the row to go", lambda: not broken.nodes.rows(broken.im))


def test_the_database_restarts(broken):
    database = broken.start(Postgres())
    federate(broken, acks=False, im=on_postgresql(database))
    exact(under_load(broken, lambda: database.restart(signal.SIGKILL)))
    broken.until("the table to be read again", lambda: broken.im.ctl_text("sql", "select * from xmpps2snodes")[0] == 0)
    broken.edge.ctl("federation", "off")
    broken.until("the row to go", lambda: not broken.nodes.rows(broken.im))
