# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A crowd of strangers at the door, and a real Prosody that wants to come in."""
import socket

import pytest

SVC, CROWD = "svc.corp.example", 500


@pytest.fixture
def door(world):
    """A Prosody with one user, and a fedwayd with the component svc; nobody has connected yet."""
    world.partner = world.prosody("partner.example", "127.0.0.10")
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=["partner.example"])
    world.fedway.link(SVC)
    for process in (world.dns, world.partner, world.fedway):
        world.start(process)
    world.svc = world.component(SVC, world.fedway)
    world.juliet = world.client(world.partner, "juliet")
    world.crowd = []
    yield world
    for sock in world.crowd:
        sock.close()
    assert world.fedway.alive()
    world.until("the crowd is gone", lambda: strangers(world) == 0)
    world.fedway.settled()


def strangers(world):
    """How many inbound streams have proved nothing."""
    return next(c for c in world.fedway.ctl("components")["components"]
                if c["id"].startswith("s2s-"))["detail"]["streams_in_unauthenticated"]


def come(world):
    """How many connections were accepted or refused."""
    return sum(c["value"] for c in world.fedway.ctl("counters")["counters"]
               if c["component"].startswith("s2s-") and c["counter"] in ("streams_in", "streams_refused"))


def gather(world, addresses):
    """CROWD connections that say nothing, from so many addresses."""
    before = come(world)
    for i in range(CROWD):
        world.crowd.append(socket.create_connection((world.fedway.ip, world.fedway.s2s_port), 30,
                                                    (f"127.0.1.{1 + i % addresses}", 0)))
    world.until("each is accepted or refused", lambda: come(world) >= before + CROWD)


def both_ways(world):
    """Each way is a stream of its own, and each is verified over one more."""
    world.juliet.message(f"porter@{SVC}", "let me in")
    world.svc.wait_body("let me in")
    world.svc.message("juliet@partner.example/test", "come in", "c1")
    world.juliet.wait_body("come in")


def test_a_crowd_from_one_address_has_its_limit(door):
    gather(door, 1)
    assert strangers(door) == 20
    both_ways(door)
    assert strangers(door) >= 20, "the crowd is still there"


def test_a_crowd_from_everywhere_does_not_keep_a_server_out(door):
    gather(door, 50)
    assert strangers(door) == CROWD
    both_ways(door)
