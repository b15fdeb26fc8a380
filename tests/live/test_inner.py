# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The recipes for an unmodified server inside, by the shipped samples of both sides: juliet at a Prosody outside talks
with nurse at the server inside, through fedwayd at the border."""
import pytest

from fedway import SECRET
from process import free_port
from samples import SampleEjabberd, SampleFedway, SampleProsody, SampleUnbound

CORP, PARTNER = "corp.example", "partner.example"
ROOMS, INNER_IP = "conference.corp.example", "127.0.0.4"
NURSE, JULIET = f"nurse@{CORP}", f"juliet@{PARTNER}"


def component_ejabberd(world):
    """One component connection carries the listed partners both ways."""
    folder, port = "inner-component-ejabberd", free_port(INNER_IP)
    there = {"10.0.5.20": INNER_IP, "5347": port}
    world.inner = SampleEjabberd(f"{world.where}/inner", world.dns, folder, CORP, {**there, "SECRET": SECRET}, ip=INNER_IP)
    world.fedway = SampleFedway(f"{world.where}/fedway", world.dns, folder, [CORP, ROOMS], there)
    return [world.inner, world.fedway]


def split(world):
    """Ordinary S2S, in which the edge is everybody: the way to the edge, and to the server inside."""
    world.edge_ip, world.edge_port = "127.0.0.5", free_port("127.0.0.5")
    world.inner_dns = SampleUnbound(f"{world.where}/inner-dns", "inner-split-s2s", world.edge_ip, world.edge_port)


def split_fedway(world, port):
    return SampleFedway(f"{world.where}/fedway", world.dns, "inner-split-s2s", [CORP, ROOMS], {
        'address = "10.0.5.7"; port = 5269': f'address = "{world.edge_ip}"; port = {world.edge_port}',
        'host = "10.0.5.20";\n\t\t\t\t\tport = 5269;': f'host = "{INNER_IP}"; port = {port};',
        # On loopback everybody comes from 127.0.0.1.
        '#addresses = ( "10.0.5.20", "10.0.6.0/28" )': f'addresses = ( "{INNER_IP}", "127.0.0.0/30" )'})


def split_prosody(world):
    split(world)
    port = free_port(INNER_IP)
    world.inner = SampleProsody(f"{world.where}/inner", world.inner_dns, "inner-split-s2s", CORP, {
        "10.0.5.20": INNER_IP, "s2s_ports = { 5269 }": f"s2s_ports = {{ {port} }}",
        "127.0.0.1@5353": f"{world.inner_dns.ip}@{world.inner_dns.port}"}, ip=INNER_IP)
    world.inner.s2s_port = port
    world.fedway = split_fedway(world, port)
    return [world.inner_dns, world.inner, world.fedway]


def split_ejabberd(world):
    split(world)
    port = free_port(INNER_IP)
    world.inner = SampleEjabberd(f"{world.where}/inner", world.inner_dns, "inner-split-s2s", CORP, {
        "10.0.5.20": INNER_IP, "5269": port}, ip=INNER_IP)
    world.fedway = split_fedway(world, port)
    return [world.inner_dns, world.inner, world.fedway]


RECIPES = {"split-prosody": split_prosody, "split-ejabberd": split_ejabberd, "component-ejabberd": component_ejabberd}


@pytest.fixture(scope="module", params=RECIPES)
def inner(request, new_world):
    """Everything of one recipe, up and with both users online."""
    world = new_world(request.param)
    world.recipe = request.param
    world.partner = world.prosody(PARTNER, "127.0.0.2")
    world.partner.add_user("juliet")
    processes = RECIPES[request.param](world)
    world.inner.add_user("nurse")
    try:
        for process in (world.dns, world.partner, *processes):
            world.start(process)
        world.until("the uplinks are up", lambda: all(c["state"] == "up" for c in uplinks(world)))
        world.juliet = world.client(world.partner, "juliet")
        world.nurse = world.client(world.inner, "nurse")
        yield world
    finally:
        world.stop()


def only(*recipes):
    return pytest.mark.parametrize("inner", recipes, indirect=True)


@pytest.fixture(autouse=True)
def balanced(inner):
    """Every test ends with a ledger that balances."""
    yield
    inner.fedway.settled()


def uplinks(world):
    return [c for c in world.fedway.ctl("components")["components"] if c["kind"] == "uplink"]


def test_messages(inner):
    inner.juliet.message(NURSE, "is my lady in?")
    assert inner.nurse.wait_body("is my lady in?")["from"].full == f"{JULIET}/test"
    inner.nurse.message(f"{JULIET}/test", "she is at her prayers")
    assert inner.juliet.wait_body("she is at her prayers")["from"].full == f"{NURSE}/test"


def test_presence(inner):
    inner.nurse.send(f"<presence to='{JULIET}' type='subscribe'/>")
    assert inner.juliet.wait("the question", lambda s: s.name == "presence" and s["type"] == "subscribe"
                             and s["from"].bare == NURSE)
    inner.juliet.send(f"<presence to='{NURSE}' type='subscribed'/>")
    seen = inner.nurse.wait("that juliet is here", lambda s: s.name == "presence" and s["from"].full == f"{JULIET}/test")
    assert seen["type"] == "available"


def test_pings(inner):
    for talker, target in ((inner.juliet, CORP), (inner.nurse, PARTNER), (inner.juliet, f"{NURSE}/test"),
                           (inner.nurse, f"{JULIET}/test")):
        answer = talker.iq_ping(target)
        assert answer["type"] == "result" and answer["from"].full == target


def test_nobody_of_that_name(inner):
    inner.juliet.message(f"nobody@{CORP}", "hello?", "nobody-in")
    assert inner.juliet.wait_error("nobody-in")["from"].bare == f"nobody@{CORP}"
    inner.nurse.message(f"nobody@{PARTNER}", "hello?", "nobody-out")
    assert inner.nurse.wait_error("nobody-out")["from"].bare == f"nobody@{PARTNER}"


def test_a_room_inside_is_joined_from_outside(inner):
    """The chat service has a domain of its own (a chat node alias), which travels the same way."""
    def join(talker, nick):
        talker.send(f"<presence to='hall@{ROOMS}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        return talker.wait(f"{nick} in the room", lambda s: s.name == "presence"
                           and s["from"].full == f"hall@{ROOMS}/{nick}" and s["type"] != "error")
    join(inner.nurse, "nurse")
    inner.nurse.send(f"<iq type='set' to='hall@{ROOMS}' id='open'><query xmlns='http://jabber.org/protocol/muc#owner'>"
                     "<x xmlns='jabber:x:data' type='submit'/></query></iq>")
    join(inner.juliet, "juliet")
    inner.juliet.message(f"hall@{ROOMS}", "who is yonder gentleman?", kind="groupchat")
    assert inner.nurse.wait_body("who is yonder gentleman?")["from"].full == f"hall@{ROOMS}/juliet"
    inner.nurse.message(f"hall@{ROOMS}", "the son of old Tiberio", kind="groupchat")
    assert inner.juliet.wait_body("the son of old Tiberio")["from"].full == f"hall@{ROOMS}/nurse"


def test_a_hundred_messages_in_order(inner):
    for sender, receiver, target in ((inner.nurse, inner.juliet, f"{JULIET}/test"),
                                     (inner.juliet, inner.nurse, f"{NURSE}/test")):
        wanted = [f"{target}-{i}" for i in range(100)]
        sender.send_many([f"<message to='{target}' type='chat' id='{name}'><body>{name} &lt;&#229;&gt;</body></message>"
                          for name in wanted])
        receiver.wait(wanted[-1], lambda s: s["id"] == wanted[-1])
        assert [s["id"] for s in receiver.messages("chat") if s["id"] in wanted] == wanted


@only("component-ejabberd")
def test_a_partner_that_ejabberd_does_not_list(inner):
    """Its own s2s is closed, so there is no way around the edge; nothing reaches fedwayd."""
    inner.nurse.message("romeo@stranger.example", "come", "stranger")
    assert inner.nurse.wait_error("stranger")["from"].bare == "romeo@stranger.example"
    assert not inner.fedway.story("stranger.example")


@only("component-ejabberd")
def test_a_listed_partner_that_cannot_be_found(inner):
    inner.nurse.message("romeo@partner.other", "come", "other")
    error = inner.nurse.wait_error("other")
    assert error["error"]["condition"] == "remote-server-not-found"
