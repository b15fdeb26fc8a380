# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Prosody and ejabberd, each way of proving a domain, each side beginning: what people do arrives on both sides.

One world per row of WAYS and peer. The first test that uses it makes the streams; `opened` closes them again, so that
each side is seen to begin from nothing.
"""
import os

import pytest

from rooms import Rooms

SVC, ROOMS = "svc.corp.example", "chat-1.corp.example"  # a component of ours, and a chat node alias
PARTNER, THEIR_ROOMS = "partner.example", "rooms.partner.example"
PLUGINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prosody")  # a module for Prosody
JULIET, PORTER = f"juliet@{PARTNER}/test", f"porter@{SVC}/gate"


class Way:
    """How domains are proved, and what must be seen then: the method of all streams, and what `seen` asks of the world."""

    def __init__(self, peer=None, ours=None, vouched=True, method="dialback", direct=False, seen=lambda verona: None):
        self.peer, self.ours, self.vouched = peer or {}, ours or {}, vouched
        self.method, self.direct, self.seen = method, direct, seen


def both_directions(verona):
    """One stream carries both; beside it may stand the one over which a key was verified."""
    rows = ours(verona, state="up")
    assert [row for row in rows if {pair["direction"] for pair in row["pairs"]} == {"in", "out"}], rows


def acknowledged(verona):
    verona.until(lambda: f"acknowledgements; ledger {verona.fedway.ledger()}",
                 lambda: verona.fedway.ledger()["total"]["acknowledged"])


def resolved_by(service):
    def seen(verona):
        assert verona.dns.asked(f"{service}._tcp.{PARTNER}") and verona.dns.asked(f"{service}._tcp.{SVC}")
    return seen


WAYS = {
    "dialback": Way(vouched=False, ours={"methods": ["dialback"]}, seen=resolved_by("_xmpp-server")),
    "EXTERNAL": Way(peer={"dialback": False}, ours={"methods": ["external"]}, method="external"),
    "EXTERNAL by preference": Way(method="external"),
    "direct TLS": Way(peer={"direct_tls": True}, vouched=False, direct=True, seen=resolved_by("_xmpps-server")),
    "direct TLS and EXTERNAL": Way(peer={"direct_tls": True, "dialback": False}, method="external", direct=True),
    "bidi": Way(peer={"bidi": True}, vouched=False, seen=both_directions),
    "EXTERNAL, bidi and acknowledgements": Way(peer={"dialback": False, "bidi": True, "modules": ["smacks"]},
                                               ours={"ack_request_ms": 50}, method="external", seen=acknowledged),
    "acknowledgements": Way(peer={"modules": ["smacks", "sm_before_dialback"], "plugins": PLUGINS},
                            ours={"ack_request_ms": 50}, vouched=False, seen=acknowledged),
}
ROWS = ([("prosody", way) for way in WAYS]
        + [("ejabberd", way) for way in WAYS if not {"bidi", "acknowledgements"} & set(way.split())])  # it has neither


@pytest.fixture(scope="module", params=ROWS, ids=[f"{peer} {way}" for peer, way in ROWS])
def verona(request, world_of_rows):
    """A peer with juliet and rooms; fedwayd with the components svc and chat-1, which has rooms too."""
    peer, way = request.param[0], WAYS[request.param[1]]
    world = world_of_rows()
    world.way = way
    vouched = {"authority": world.authority} if way.vouched else {}
    world.partner = getattr(world, peer)(PARTNER, "127.0.0.2", muc=THEIR_ROOMS, **vouched, **way.peer,
                                         certificate=world.authority.issue(PARTNER, THEIR_ROOMS))
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC, ROOMS], allow=[PARTNER, THEIR_ROOMS], **vouched, direct_tls=way.direct,
                                        certificate=world.authority.issue(SVC, ROOMS))
    world.fedway.options["s2s"].update(way.ours)
    world.fedway.options["dialback"].update(verify_keep_ms=300)  # so that nothing_stands() need not wait for long
    for name in (SVC, ROOMS):
        world.fedway.link(name)
    world.meet(SVC)
    world.rooms = Rooms(world.component(ROOMS, world.fedway))
    yield world
    world.stop()


@pytest.fixture(autouse=True)
def balanced(verona):
    """Every test ends with a ledger that balances."""
    yield
    verona.fedway.settled()


def ours(verona, **wanted):
    """Streams between our component and the partner: all of them must be as the way says."""
    rows = verona.fedway.streams(local=SVC, remote=PARTNER, **wanted)
    for row in rows:
        if row["state"] == "up":
            assert row["security"]["tls"] and row["security"]["direct"] is verona.way.direct, row
            assert row["method"] == verona.way.method, row
    return rows


def nothing_stands(verona):
    """The policy forbids the partner for a moment, so that every stream to and from it closes."""
    allowed = verona.fedway.options["policy"]["allow"]
    verona.fedway.options["policy"]["allow"] = []
    verona.fedway.reload()
    verona.until(lambda: f"no streams; there are {verona.fedway.streams()}",
                 lambda: not [r for r in verona.fedway.streams() if "direction" in r])
    verona.fedway.options["policy"]["allow"] = allowed
    verona.fedway.reload()


def test_they_begin(verona):
    nothing_stands(verona)
    verona.juliet.message(PORTER, "open the gate")
    assert verona.svc.wait_body("open the gate")["from"].full == JULIET
    assert ours(verona, direction="in")
    verona.svc.message(JULIET, "it is open", source=PORTER)
    assert verona.juliet.wait_body("it is open")["from"].full == PORTER
    verona.way.seen(verona)


def test_we_begin(verona):
    nothing_stands(verona)
    verona.svc.message(JULIET, "a letter", source=PORTER)
    assert verona.juliet.wait_body("a letter")["from"].full == PORTER
    assert ours(verona, direction="out")
    verona.juliet.message(PORTER, "an answer")
    assert verona.svc.wait_body("an answer")["from"].full == JULIET
    verona.way.seen(verona)


def test_presence_both_ways(verona):
    verona.juliet.send(f"<presence to='porter@{SVC}' type='subscribe'/>")
    verona.svc.wait("a subscription", lambda s: s.name == "presence" and s["type"] == "subscribe")
    verona.svc.send(f"<presence from='porter@{SVC}' to='juliet@{PARTNER}' type='subscribed'/>")
    verona.svc.send(f"<presence from='{PORTER}' to='{JULIET}'><status>at the gate</status></presence>")
    seen = verona.juliet.wait("porter's presence",
                              lambda s: s.name == "presence" and s["from"].full == PORTER)
    assert seen["status"] == "at the gate"


def test_iq_both_ways(verona):
    assert verona.juliet.iq_ping(SVC)["type"] == "result"
    assert verona.svc.iq_ping(PARTNER)["type"] == "result"


def test_errors_both_ways(verona):
    verona.svc.message(f"nobody@{PARTNER}", "hello?", "nobody-1")
    assert verona.svc.wait_error("nobody-1")["from"].bare == f"nobody@{PARTNER}"
    verona.juliet.message("nobody@else.corp.example", "hello?", "nobody-2")
    assert verona.juliet.wait_error("nobody-2")


def test_order_both_ways(verona):
    for sender, receiver, source, target in ((verona.juliet, verona.svc, JULIET, PORTER),
                                             (verona.svc, verona.juliet, PORTER, JULIET)):
        wanted = [f"{source}-{i}" for i in range(200)]
        sender.send_many([f"<message from='{source}' to='{target}' type='chat' id='{name}'>"
                          f"<body>{name} &lt;&#229;&gt;</body></message>" for name in wanted])
        receiver.wait(wanted[-1], lambda s, last=wanted[-1]: s["id"] == last)
        assert [s["id"] for s in receiver.messages("chat") if s["id"].startswith(f"{source}-")] == wanted


def in_room(talker, place):
    return talker.wait(f"the presence of {place}", lambda s: s.name == "presence" and s["from"].full == place)


def heard(talker, place, body):
    talker.wait(f"'{body}' in the room", lambda s: s.name == "message" and s["type"] == "groupchat"
                and s["body"] == body and s["from"].full == place)


def join(talker, source, place):
    talker.send(f"<presence from='{source}' to='{place}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    in_room(talker, place)


def say(talker, source, room, body):
    talker.send(f"<message type='groupchat' from='{source}' to='{room}' id='{body}'><body>{body}</body></message>")


@pytest.mark.parametrize("service", [THEIR_ROOMS, ROOMS])
def test_a_room_across_domains(verona, service):
    """Rooms at theirs and at a chat node alias of ours: both join, both speak, one leaves."""
    room = f"hall@{service}"
    join(verona.juliet, JULIET, f"{room}/juliet")
    join(verona.svc, PORTER, f"{room}/porter")
    in_room(verona.juliet, f"{room}/porter")
    in_room(verona.svc, f"{room}/juliet")
    for talker, source, nick in ((verona.juliet, JULIET, "juliet"), (verona.svc, PORTER, "porter")):
        say(talker, source, room, f"{nick} speaks at {service}")
        for listener in (verona.juliet, verona.svc):
            heard(listener, f"{room}/{nick}", f"{nick} speaks at {service}")
    verona.svc.send(f"<presence from='{PORTER}' to='{room}/porter' type='unavailable'/>")
    verona.juliet.wait("porter has left", lambda s: s.name == "presence" and s["type"] == "unavailable"
                       and s["from"].full == f"{room}/porter")
    assert verona.dns.asked(f"{'_xmpps' if verona.way.direct else '_xmpp'}-server._tcp.{service}"), "rooms are found as a domain of their own"
