# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Several pairs of domains on one stream to a real Prosody and a real ejabberd (XEP-0220 §2.6).

Both take two domains of ours on one stream. Another domain of theirs rides along only where the server says that it
answers dialback with errors: ejabberd does, Prosody does not, and gets a second stream.
"""
import pytest

SVC, CHAT = "svc.corp.example", "chat.corp.example"
PARTNER, ROOMS = "partner.example", "rooms.partner.example"
JULIET = f"juliet@{PARTNER}/test"


@pytest.fixture(params=["prosody", "ejabberd"])
def verona(request, world):
    world.errors = request.param == "ejabberd"
    world.partner = getattr(world, request.param)(PARTNER, "127.0.0.2", muc=ROOMS,
                                                  certificate=world.authority.issue(PARTNER, ROOMS))
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC, CHAT], allow=[PARTNER, ROOMS])
    world.fedway.options["s2s"]["bidi"] = "off"  # else a stream of theirs may carry it all
    for name in (SVC, CHAT):
        world.fedway.link(name)
    for process in (world.dns, world.partner, world.fedway):
        world.start(process)
    world.juliet = world.client(world.partner, "juliet")
    world.svc, world.chat = (world.component(name, world.fedway) for name in (SVC, CHAT))
    yield world
    world.fedway.settled()


def outgoing(verona):
    """Per stream of ours that is up: the pairs that send over it."""
    rows = {row["session"]: row for row in verona.fedway.streams(direction="out", state="up")}
    return [{(pair["local"], pair["remote"]) for pair in row["pairs"] if pair["direction"] == "out"}
            for row in rows.values()]


def test_pairs_share_a_stream(verona):
    verona.svc.message(JULIET, "one")
    verona.juliet.wait_body("one")
    verona.chat.message(JULIET, "two")
    verona.juliet.wait_body("two")
    pairs = {(SVC, PARTNER), (CHAT, PARTNER)}
    assert outgoing(verona) == [pairs]

    verona.svc.iq_ping(ROOMS)  # any answer: the question was taken
    if verona.errors:
        assert outgoing(verona) == [pairs | {(SVC, ROOMS)}]
    else:
        assert sorted(map(len, outgoing(verona))) == [1, 2]

    verona.chat.message(JULIET, "three")  # nobody was disturbed
    verona.juliet.wait_body("three")


def test_order_holds_for_each_pair(verona):
    """Two senders at once: what each says arrives in its order, and nothing is lost."""
    talkers = {verona.svc: SVC, verona.chat: CHAT}
    for talker, name in talkers.items():
        talker.send_many(f"<message from='p@{name}' to='{JULIET}' type='chat'><body>{name} {n}</body></message>"
                         for n in range(100))
    for name in talkers.values():
        verona.juliet.wait_body(f"{name} 99")
        said = [m["body"] for m in verona.juliet.messages() if m["body"].startswith(name)]
        assert said == [f"{name} {n}" for n in range(100)]
    assert len(outgoing(verona)) == 1
