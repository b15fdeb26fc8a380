# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A crowd of strangers at the door, and real Prosodys that want to come in: one before the crowd, one through it."""
import resource
import socket
import time

import pytest

SVC, CROWD = "svc.corp.example", 5000
EARLY, LATE = "early.example", "late.example"
HEADER = ("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
          f"xmlns:db='jabber:server:dialback' from='crowd.example' to='{SVC}' version='1.0'>").encode()


@pytest.fixture
def door(world):
    """Two Prosodys with one user each, and a fedwayd with the component svc; nobody has connected yet."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard == resource.RLIM_INFINITY or hard > CROWD + 500, f"{CROWD} connections need more descriptors than {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (CROWD + 500, hard))
    world.partners = {EARLY: world.prosody(EARLY, "127.0.0.10"), LATE: world.prosody(LATE, "127.0.0.11")}
    world.fedway = world.prepare_fedway([SVC], allow=list(world.partners))
    world.fedway.link(SVC)
    for partner in world.partners.values():
        partner.add_user("juliet")
    for process in (world.dns, *world.partners.values(), world.fedway):
        world.start(process)
    world.svc = world.component(SVC, world.fedway)
    world.juliets = {domain: world.client(partner, "juliet") for domain, partner in world.partners.items()}
    world.crowd = []
    yield world
    for sock in world.crowd:
        sock.close()
    assert world.fedway.alive()
    world.until("the crowd is gone", lambda: strangers(world) == 0)
    world.fedway.settled()


def s2s(world):
    return next(c for c in world.fedway.ctl("components")["components"] if c["id"].startswith("s2s-"))


def strangers(world):
    """How many inbound streams have proved nothing."""
    return s2s(world)["detail"]["streams_in_unauthenticated"]


def come(world):
    """How many connections were accepted or refused. Who makes room for another is counted as both."""
    counters = {c["counter"]: c["value"] for c in world.fedway.ctl("counters")["counters"]
                if c["component"].startswith("s2s-")}
    return counters["streams_in"], counters["streams_refused"]


def gather(world, addresses, count=CROWD):
    """Connections that say nothing, or a header and no more, from so many addresses."""
    before = sum(come(world))
    for i in range(count):
        source = f"127.1.{i % addresses // 250}.{1 + i % addresses % 250}"
        world.crowd.append(socket.create_connection((world.fedway.ip, world.fedway.s2s_port), 30, (source, 0)))
        if i % 2:
            try:
                world.crowd[-1].sendall(HEADER)
            except OSError:
                pass  # refused already
    world.until(lambda: f"each is accepted or refused: {come(world)}", lambda: sum(come(world)) >= before + count)


def both_ways(world, domain):
    """Each way is a stream of its own, and each is verified over one more. Returns the seconds that it took."""
    began = time.monotonic()
    world.juliets[domain].message(f"porter@{SVC}", f"let me in, {domain}")
    world.svc.wait_body(f"let me in, {domain}")
    world.svc.message(f"juliet@{domain}/test", "come in", "c1")
    world.juliets[domain].wait_body("come in")
    return time.monotonic() - began


def compare(world, crowd):
    """A server comes and a server is found, with the crowd there, as without."""
    alone = both_ways(world, EARLY)
    crowd()
    there = strangers(world)
    through = both_ways(world, LATE)
    assert strangers(world) >= there - 2, "the crowd is still there"
    print(f"\nstreams both ways: {alone * 1000:.0f} ms alone, {through * 1000:.0f} ms with {there} strangers")
    return there


def test_a_crowd_from_one_address_has_its_limit(door):
    assert compare(door, lambda: gather(door, 1, 500)) == 250


def test_a_crowd_from_everywhere_does_not_keep_a_server_out(door):
    """The table is full of strangers: who comes takes the place of the oldest of them."""
    assert compare(door, lambda: gather(door, 500)) == 500


def test_a_crowd_that_finds_room_does_not_delay_a_server(door):
    """All of them are let in, and none makes room."""
    door.fedway.options["s2s"].update(
        unauthenticated_max=2 * CROWD, stream_timeout_ms=120000, tls_timeout_ms=120000, auth_timeout_ms=120000)
    door.fedway.reload()
    assert compare(door, lambda: gather(door, 500)) == CROWD
