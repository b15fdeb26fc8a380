# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Several domains of ours with several of a real Prosody and a real ejabberd, with the default options (XEP-0220 §2.6).

ejabberd advertises dialback with errors: all pairs go over one stream. Prosody does not, and takes a second domain of
ours on a stream all the same, but sends its answers to the first: each pair has a stream of its own.
"""
import pytest

SVC, CHAT = "svc.corp.example", "chat.corp.example"
PARTNER, ROOMS = "partner.example", "rooms.partner.example"
JULIET = f"juliet@{PARTNER}/test"


def federate(world, peer, method="dialback", also=(), **more):
    """Two domains of ours; two of the peer's, and those that it has also."""
    vouched = {"authority": world.authority} if method == "external" else {}
    world.shares, world.method = peer == "ejabberd", method
    world.partner = getattr(world, peer)(PARTNER, "127.0.0.2", muc=ROOMS, **vouched, **more,
                                         certificate=world.authority.issue(PARTNER, ROOMS, *also))
    world.partner.add_user("juliet")
    for name in also:
        world.dns.add_xmpp(name, world.partner.ip, world.partner.s2s_port)
    world.fedway = world.prepare_fedway([SVC, CHAT], allow=[PARTNER, ROOMS, *also], **vouched,
                                        certificate=world.authority.issue(SVC, CHAT))
    for name in (SVC, CHAT):
        world.fedway.link(name)
    world.meet(SVC)
    world.chat = world.component(CHAT, world.fedway)


PEERS = [(peer, method) for peer in ("prosody", "ejabberd") for method in ("dialback", "external")]


@pytest.fixture(params=PEERS, ids=[f"{peer}-{method}" for peer, method in PEERS])
def verona(request, world):
    federate(world, *request.param)
    yield world
    world.fedway.settled()


def outgoing(verona):
    """Per stream of ours that is up: the pairs that send over it."""
    rows = {row["session"]: row for row in verona.fedway.streams(direction="out", state="up")}
    return [{(pair["local"], pair["remote"]) for pair in row["pairs"] if pair["direction"] == "out"}
            for row in rows.values()]


def streams_for(verona, *pairs):
    """Those pairs have all that goes out: on one stream where the peer can share, on one each where it cannot."""
    found = outgoing(verona)
    wanted = [set(pairs)] if verona.shares else [{pair} for pair in pairs]
    assert sorted(map(sorted, found)) == sorted(map(sorted, wanted)), found


def test_a_stream_is_shared_where_the_peer_can(verona):
    verona.svc.message(JULIET, "one")
    verona.juliet.wait_body("one")
    verona.chat.message(JULIET, "two")
    verona.juliet.wait_body("two")
    streams_for(verona, (SVC, PARTNER), (CHAT, PARTNER))
    verona.svc.iq_ping(ROOMS)  # any answer: the question was taken
    streams_for(verona, (SVC, PARTNER), (CHAT, PARTNER), (SVC, ROOMS))
    verona.chat.message(JULIET, "three")  # nobody was disturbed
    verona.juliet.wait_body("three")


@pytest.mark.parametrize("first", ["we", "they"])
def test_everybody_gets_an_answer(verona, first):
    """Answers take the way back to the domain that asked, and no stream ends for it, whoever began."""
    def we():
        for asker in (verona.svc, verona.chat):
            for domain in (PARTNER, ROOMS):
                asker.iq_ping(domain)  # a result, or ejabberd's and Prosody's rooms: an error

    def they():
        for domain in (SVC, CHAT):
            assert verona.juliet.iq_ping(domain)["type"] == "result"
    for begin in {"we": (we, they, we), "they": (they, we, they)}[first]:
        begin()
    assert not verona.fedway.story("cause=(host-unknown|invalid-from|peer-error)")
    streams_for(verona, *[(local, remote) for local in (SVC, CHAT) for remote in (PARTNER, ROOMS)])
    methods = {row["method"] for row in verona.fedway.streams(state="up", local=SVC, remote=PARTNER)}
    assert methods == {verona.method}


def test_a_stream_of_the_peer_carries_the_way_back_alone(world):
    """Prosody opens a stream with both directions (XEP-0288) for one domain of ours. Asked on it to take another, it
    would end it: it was not asked whether it can."""
    federate(world, "prosody", bidi=True)
    assert world.juliet.iq_ping(SVC)["type"] == "result"
    world.chat.message(JULIET, "one")
    world.juliet.wait_body("one")
    assert world.chat.iq_ping(PARTNER)["type"] == "result"
    assert world.svc.iq_ping(PARTNER)["type"] == "result"
    carrying = [{pair["local"] for pair in row["pairs"] if pair["direction"] == "out"}
                for row in {row["session"]: row for row in world.fedway.streams(state="up")}.values() if "pairs" in row]
    assert sorted(filter(None, carrying), key=sorted) == [{CHAT}, {SVC}], carrying
    assert not world.fedway.story("cause=(host-unknown|invalid-from|peer-error)")
    world.fedway.settled()


@pytest.mark.parametrize("method", ["dialback", "external"])
def test_a_server_with_many_domains(world, method):
    """All of them answer at once, each over a stream of its own, all from one address: none is taken for a crowd."""
    many = [f"p{number}.{PARTNER}" for number in range(40)]
    federate(world, "prosody", method, also=many, more="".join(f'VirtualHost "{name}"\n' for name in many))
    talkers = {world.svc: SVC, world.chat: CHAT}
    for talker, name in talkers.items():
        talker.send_many(f"<message from='p@{name}' to='nobody@{domain}' type='chat' id='{domain}'><body>hi</body>"
                         "</message>" for domain in many)
    for talker in talkers:
        for domain in many:
            assert "service-unavailable" in str(talker.wait_error(domain)), domain  # their answer, not one of ours
    assert not world.fedway.story("connection refused")
    world.fedway.settled()


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
    streams_for(verona, (SVC, PARTNER), (CHAT, PARTNER))
