# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The recipes for an unmodified server inside, by the shipped samples of both sides: juliet at a Prosody outside talks
with nurse at the server inside, through fedwayd at the border."""
import pytest

from certificates import self_signed
from fedway import SECRET
from process import free_port
from samples import SampleEjabberd, SampleFedway, SampleProsody, SampleUnbound

CORP, PARTNER, OTHER, BOT = "corp.example", "partner.example", "partner.other", "bot.partner.other"
ROOMS, INNER_IP = "conference.corp.example", "127.0.0.4"
NURSE, JULIET = f"nurse@{CORP}", f"juliet@{PARTNER}"


def component_ejabberd(world):
    """One component connection carries the listed partners both ways."""
    folder, port = "inner-component-ejabberd", free_port(INNER_IP)
    there = {"10.0.5.20": INNER_IP, "5347": port}
    world.inner = SampleEjabberd(f"{world.where}/inner", world.dns, folder, CORP, {**there, "SECRET": SECRET}, ip=INNER_IP)
    world.fedway = SampleFedway(f"{world.where}/fedway", world.dns, folder, [CORP, ROOMS], there)
    return [world.inner, world.fedway]


def prepare_inner_side(world, folder):
    """The edge's inner side, and the DNS server that says that everybody is there."""
    world.edge_ip, world.edge_port = "127.0.0.5", free_port("127.0.0.5")
    world.inner_dns = SampleUnbound(f"{world.where}/inner-dns", folder, world.edge_ip, world.edge_port)
    # On loopback everybody comes from 127.0.0.1.
    return {'address = "10.0.5.7"; port = 5269': f'address = "{world.edge_ip}"; port = {world.edge_port}',
            'addresses = ( "10.0.5.2': 'addresses = ( "127.0.0.0/30", "10.0.5.2'}


def split_fedway(world, there):
    there = {'host = "10.0.5.20";\n\t\t\t\t\tport = 5269;': f'host = "{INNER_IP}"; port = {world.inner.s2s_port};',
             '#addresses': 'addresses', **there}
    return SampleFedway(f"{world.where}/fedway", world.dns, "inner-split-s2s", [CORP, ROOMS], there)


def prosody(world, folder, ports, **options):
    there = {"10.0.5.20": INNER_IP, "127.0.0.1@5353": f"{world.inner_dns.ip}@{world.inner_dns.port}", **ports}
    return SampleProsody(f"{world.where}/inner", world.inner_dns, folder, CORP, there, ip=INNER_IP, **options)


def split_prosody(world, **options):
    """Ordinary S2S, in which the edge is everybody."""
    there, port = prepare_inner_side(world, "inner-split-s2s"), free_port(INNER_IP)
    world.inner = prosody(world, "inner-split-s2s", {"s2s_ports = { 5269 }": f"s2s_ports = {{ {port} }}"}, **options)
    world.inner.s2s_port = port
    world.fedway = split_fedway(world, there)
    return [world.inner_dns, world.inner, world.fedway]


def split_prosody_bidi(world):
    """The same over streams that carry stanzas both ways (XEP-0288)."""
    processes = split_prosody(world, bidi=True)
    world.inner.changes['"dialback" }'] = '"dialback"; "s2s_bidi" }'
    return processes


def split_ejabberd(world):
    there, port = prepare_inner_side(world, "inner-split-s2s"), free_port(INNER_IP)
    world.inner = SampleEjabberd(f"{world.where}/inner", world.inner_dns, "inner-split-s2s", CORP, {
        "10.0.5.20": INNER_IP, "5269": port}, ip=INNER_IP)
    world.inner.s2s_port = port
    world.fedway = split_fedway(world, there)
    return [world.inner_dns, world.inner, world.fedway]


def component_prosody(world, ports=None, dialled=None):
    """Inwards over a component connection, outwards by S2S."""
    folder, port = "inner-component-prosody", free_port(INNER_IP)
    there = prepare_inner_side(world, folder)
    world.inner = prosody(world, folder, {"{ 5347 }": f"{{ {port} }}", "SECRET": SECRET, **(ports or {})})
    world.inner.s2s_port = None
    world.fedway = SampleFedway(f"{world.where}/fedway", world.dns, folder, [CORP, ROOMS], {
        **there, **(dialled or {}), "10.0.5.20": INNER_IP, "port = 5347": f"port = {port}"})
    return [world.inner_dns, world.inner, world.fedway]


RECIPES = {"split-prosody": split_prosody, "split-prosody-bidi": split_prosody_bidi, "split-ejabberd": split_ejabberd,
           "component-ejabberd": component_ejabberd, "component-prosody": component_prosody}


def begin(world, recipe, **options):
    """Everything of one recipe, with both users and the partner's bot online."""
    world.partner = world.prosody(PARTNER, "127.0.0.2", muc=OTHER,
                                  more=f'Component "{BOT}"\n  component_secret = "{SECRET}"',
                                  certificate=self_signed(f"{world.where}/partner", PARTNER, OTHER, BOT))
    world.dns.add_xmpp(BOT, world.partner.ip, world.partner.s2s_port)
    world.partner.link_port = world.partner.component_port
    world.partner.add_user("juliet")
    processes = recipe(world, **options)
    world.inner.add_user("nurse")
    for process in (world.dns, world.partner, *processes):
        world.start(process)
    world.juliet = world.client(world.partner, "juliet")
    world.nurse = world.client(world.inner, "nurse")
    world.bot = world.component(BOT, world.partner)


@pytest.fixture(scope="module", params=RECIPES)
def inner(request, new_world):
    """One recipe for all its tests."""
    world = new_world(request.param)
    try:
        begin(world, RECIPES[request.param])
        world.until("the uplinks are up", lambda: all(c["state"] == "up" for c in uplinks(world)))
        yield world
    finally:
        world.stop()


def only(*recipes):
    return pytest.mark.parametrize("inner", recipes, indirect=True)


@pytest.fixture(autouse=True)
def balanced(request):
    """Every test ends with a ledger that balances."""
    world = request.getfixturevalue("inner" if "inner" in request.fixturenames else "world")
    yield
    world.fedway.settled()


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


@only("split-prosody", "split-prosody-bidi", "split-ejabberd", "component-prosody")
def test_two_domains_outside_get_their_own_answers(inner):
    """What the edge plays for the server inside: the answer for one domain does not go to the other."""
    for _ in range(2):
        for talker in (inner.juliet, inner.bot):
            assert talker.iq_ping(CORP)["type"] == "result"
    assert not inner.fedway.story("cause=(host-unknown|invalid-from|peer-error)")


def test_nobody_of_that_name(inner):
    inner.juliet.message(f"nobody@{CORP}", "hello?", "nobody-in")
    assert inner.juliet.wait_error("nobody-in")["from"].bare == f"nobody@{CORP}"
    inner.nurse.message(f"nobody@{PARTNER}", "hello?", "nobody-out")
    assert inner.nurse.wait_error("nobody-out")["from"].bare == f"nobody@{PARTNER}"


@pytest.mark.parametrize("service", [ROOMS, OTHER], ids=["inside", "outside"])
def test_a_room_is_joined_across_the_border(inner, service):
    """A chat service has a domain of its own (a chat node alias), which travels the same way."""
    hall = f"hall@{service}"
    host, guest = (inner.nurse, inner.juliet) if service == ROOMS else (inner.juliet, inner.nurse)

    def join(talker, nick):
        talker.send(f"<presence to='{hall}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        return talker.wait(f"{nick} in the room", lambda s: s.name == "presence" and s["type"] != "error"
                           and s["from"].full == f"{hall}/{nick}")
    join(host, "host")
    host.send(f"<iq type='set' to='{hall}' id='open'><query xmlns='http://jabber.org/protocol/muc#owner'>"
              "<x xmlns='jabber:x:data' type='submit'/></query></iq>")
    join(guest, "guest")
    for sender, receiver, nick, words in ((guest, host, "guest", f"who is yonder gentleman at {service}?"),
                                          (host, guest, "host", f"the son of old Tiberio of {service}")):
        sender.message(hall, words, kind="groupchat")
        assert receiver.wait_body(words)["from"].full == f"{hall}/{nick}"


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


def test_a_partner_more_at_ejabberd(world):
    """The list may grow while all runs: a reload there, and the edge attaches anew."""
    begin(world, component_ejabberd)
    world.until("the uplink is up", lambda: uplinks(world)[0]["state"] == "up")
    shipped = world.inner.settings
    assert "partner.other" in shipped
    world.inner.settings = shipped.replace("partner.other", "not.yet")
    world.inner.reload()
    world.fedway.ctl("reattach", "edge.corp.internal")
    world.fedway.wait_log("uplink down .*configuration-changed")
    world.until("the uplink is up again", lambda: uplinks(world)[0]["state"] == "up")
    world.nurse.message(f"nobody@{OTHER}", "hello?", "before")
    assert world.nurse.wait_error("before")["error"]["condition"] == "forbidden"
    since = world.fedway.mark()
    world.inner.settings = shipped
    world.inner.reload()
    assert world.fedway.ctl("reattach")["uplinks"] == ["edge.corp.internal"]
    world.fedway.wait_log("uplink up", since)
    world.nurse.message(f"nobody@{OTHER}", "hello?", "after")
    assert world.nurse.wait_error("after")["error"]["condition"] == "item-not-found"


@only("split-prosody", "split-ejabberd", "component-prosody")
def test_a_partner_that_is_not_allowed(inner):
    """The edge says no at the first question, and says why; nothing is looked up in the world."""
    inner.nurse.message("romeo@stranger.example", "come", "stranger")
    assert inner.nurse.wait_error("stranger")["from"].bare == "romeo@stranger.example"
    assert inner.fedway.story("cause=policy-not-listed|<not-allowed")
    assert not inner.dns.asked("_xmpp-server._tcp.stranger.example")


@only("split-prosody", "split-ejabberd", "component-prosody")
def test_the_world_is_the_edge(inner):
    """Streams of the inner side: proved by address, under TLS, to domains that are not ours."""
    inner.nurse.message(JULIET, "where are you?")
    inner.juliet.wait_body("where are you?")
    rows = inner.fedway.streams(direction="in", local=PARTNER, remote=CORP)
    assert rows and rows[0]["method"] == "address" and rows[0]["security"]["tls"]


@only("split-prosody", "component-prosody")
def test_direct_tls_on_the_same_port(inner):
    """unbound.conf answers _xmpps-server for everybody too, and Prosody prefers it."""
    inner.nurse.message(JULIET, "are you there?")
    inner.juliet.wait_body("are you there?")
    assert inner.inner_dns.asked(f"_xmpps-server._tcp.{PARTNER}")
    assert not inner.inner_dns.asked(f"_xmpp-server._tcp.{PARTNER}")


@only("split-prosody", "split-ejabberd")
def test_a_component_of_the_edge_is_a_neighbour(inner):
    """What is attached to fedwayd on our side is reached like any other server, and no policy is asked."""
    name = f"porter.{CORP}"
    if not inner.fedway.config["links"]:
        inner.fedway.link(name)
        inner.fedway.reload()
    porter = inner.component(name, inner.fedway)
    inner.nurse.message(f"gate@{name}", "open the gate")
    assert porter.wait_body("open the gate")["from"].full == f"{NURSE}/test"
    porter.send(f"<message from='gate@{name}' to='{NURSE}/test' type='chat'><body>it is open</body></message>")
    assert inner.nurse.wait_body("it is open")["from"].full == f"gate@{name}"


@only("split-prosody")
def test_explain_tells_both_legs(inner):
    """One question, answered by both sides of the edge."""
    inner.nurse.message(JULIET, "what light?")
    inner.juliet.wait_body("what light?")
    told = inner.fedway.ctl("explain", NURSE, JULIET)
    assert told["verdict"] == "passes"
    assert [part["id"].split(".")[0] for part in told["components"]] == ["s2s-1", "s2s-inner"]
    assert "proved by address" in str(told["components"][1]["outgoing"])
    assert "from inner_servers" in str(inner.fedway.ctl("explain", JULIET, NURSE)["components"][1]["incoming"])


def test_by_s2s_while_the_component_connection_is_down(world):
    """The sample's commented host: the inner side has the same domains as the uplink, with a later priority."""
    port = free_port(INNER_IP)
    begin(world, component_prosody, ports={"s2s_ports = {}": f"s2s_ports = {{ {port} }}", SECRET: "another"},
          dialled={'#host = "10.0.5.20";': f'host = "{INNER_IP}"; port = {port};'})
    world.fedway.wait_log("uplink down .*not-authorized")
    world.juliet.message(NURSE, "by the back door")
    assert world.nurse.wait_body("by the back door")["from"].full == f"{JULIET}/test"
