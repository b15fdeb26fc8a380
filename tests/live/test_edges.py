# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Two edges for one core: they share what goes out by pairs of domains; one that fails or is drained moves its share alone; each
answers for the other."""
import signal
import time

import pytest

from certificates import self_signed
from nodes import CORP, PARTNER, Nodes

PORTER = f"porter@{CORP}"
MANY = [f"p{number}.{PARTNER}" for number in range(12)]


@pytest.fixture
def two(world):
    """A Prosody with many domains; edge-1 and edge-2, core and IM node; only edge-2 can be found in the DNS."""
    world.nodes = nodes = Nodes(world)
    try:
        world.partner = nodes.partner(more="".join(f'VirtualHost "{name}"\n' for name in MANY),
                                      certificate=self_signed(f"{world.where}/many", PARTNER, *MANY))
        for name in MANY:
            nodes.dns.add_xmpp(name, nodes.address("partner"), 5269)
        world.edges = [nodes.edge(1), nodes.edge(2)]
        world.core, world.im = nodes.core(2, ALLOW), nodes.im()
        nodes.publish("edge-2")
        for process in (nodes.dns, world.partner, world.im):
            world.start(process)
        nodes.introduce(world, world.core, *world.edges)
        for edge in world.edges:
            edge.ctl("federation", "on")
        nodes.federated(world.core, world.im, *world.edges)
        world.porter = world.component(CORP, world.im)
        yield world
        for node in (*world.edges, world.core, world.im):
            if node.alive():
                node.settled()
        nodes.quiet()
    finally:
        nodes.close()


ALLOW = {'allow = ( "partner.example" )': 'allow = ( "partner.example", "*.partner.example" )'}


def ask(world):
    """A ping to each domain, all answered."""
    for name in MANY:
        answer = world.porter.iq_ping(name)
        assert answer["type"] == "result", f"{name}: {answer}"


def shares(world, edges=None):
    """Which domains each edge has a stream to."""
    return {edge.realm: {row["remote"] for row in edge.streams(direction="out", state="up")} & set(MANY)
            for edge in edges or world.edges}


def sessions(edge):
    return {row["session"] for row in edge.streams(direction="out", state="up")}


def test_each_edge_has_a_share_and_answers_for_the_other(two):
    ask(two)
    share = shares(two)
    assert share["edge-1"] and share["edge-2"], share
    assert not share["edge-1"] & share["edge-2"]
    # The partner asks the server that the DNS names, which is edge-2, about the keys of edge-1.
    for name in share["edge-1"]:
        assert two.edges[1].story(rf"checked a key of {CORP} for {name}: valid")
    status, text = two.core.ctl_text("--all", "connections")
    assert status == 0 and all(name in text for name in MANY), text


def test_an_edge_that_fails_moves_its_share_alone_within_two_seconds(two):
    ask(two)
    before = shares(two)
    lost, kept = two.edges
    stood = sessions(kept)
    began = time.monotonic()
    lost.stop(signal.SIGKILL)
    for name in before["edge-1"]:
        two.until(f"an answer of {name}", lambda: two.porter.iq_ping(name)["type"] == "result")
    took = time.monotonic() - began
    print(f"{len(before['edge-1'])} domains have moved in {took:.2f} s")
    assert took < 2
    ask(two)
    after = shares(two, [kept])
    assert after["edge-2"] == set(MANY)
    assert stood <= sessions(kept), "a stream that need not move has ended"


def test_a_drained_edge_is_empty_first(two):
    """It takes its way out back before it ends, so nothing is sent into its end: every question is answered."""
    ask(two)
    leaving, kept = two.edges
    leaving.ctl("drain")
    ask(two)
    two.until("the end of edge-1", lambda: not leaving.alive())
    assert leaving.child.returncode == 0
    ask(two)
    assert shares(two, [kept])["edge-2"] == set(MANY)
