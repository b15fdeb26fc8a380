# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Attach dialect 3 between fedwayd as a core and routers that were written from sdk/PROTOCOL.md (link3.py): an edge and an
inner node. corp.example is listed everywhere."""
import pytest

import talk
from fedway import SECRET
from link2 import Refused
from link3 import Router
from process import wait_until
from routers import ADDRESSES, Node

CORP, ROOMS = "corp.example", "rooms.corp.example"


class Peer:
    """A row's other end."""

    def __init__(self, realm, port=0):
        self.realm, self.ip, self.link_port = realm, ADDRESSES[realm], port


class House:
    """One fedwayd, core-1; edge-1 may be the way out, im-1 holds names inside."""

    def __init__(self, world, dial=False):
        self.world, self.core = world, Node(world.where, "core-1")
        self.core.config.update(link_resume_window_s=30, routes_expire_s=3)
        self.edge, self.im = (Router(n, self.core.ip, self.core.link_port, "core-1") for n in ("edge-1", "im-1"))
        self.core.config["domains"].append({"name": ROOMS, "federation": True})
        port = self.edge.listen(ADDRESSES["edge-1"]) if dial else 0
        self.core.row(Peer("edge-1", port), dial=dial, outside=True, default_route=True)
        self.core.row(Peer("im-1"))
        self.core.link(CORP)
        self.core.link(ROOMS)
        world.start(self.core)

    def corp(self, name=CORP):
        talker = talk.component(name, self.core.ip, self.core.link_port, SECRET)
        self.world.talkers.append(talker)
        return talker

    def way_out(self):
        """The edge with the default route."""
        self.edge.attach(SECRET, self.edge.ours("*"))
        self.core.wait_route("*")
        return self.edge

    def inside(self, *names):
        self.im.attach(SECRET, self.im.ours(*names))
        self.core.wait_route("*.im-1")
        return self.im


    def leave(self):
        """A core that stops waits for what its neighbours acknowledge; these read no more."""
        for router in (self.edge, self.im):
            router.cut()


@pytest.fixture
def make_house(world):
    made = []

    def make(dial=False):
        made.append(House(world, dial))
        return made[0]
    yield make
    for house in made:
        house.leave()


@pytest.fixture
def house(make_house):
    return make_house()


def known(core):
    return sorted((r["domain"], r.get("component", ""), r.get("cost", 0)) for r in core.ctl("routes")["routes"])


def bodies(talker):
    return [s["body"] for s in list(talker.came) if s.name == "message" and s["type"] != "error"]


# ---- announcements ----


def test_what_is_told(house):
    """Realms, listed names that are held, what others told with its path and cost; nothing back to who told it."""
    house.corp()
    edge = house.way_out()
    edge.until("corp is told", lambda: CORP in edge.told)
    im = house.inside(ROOMS)
    im.until("the way out is told", lambda: "*" in im.told)
    edge.until("the rooms are told", lambda: ROOMS in edge.told)
    assert {n: (r["cost"], r["path"]) for n, r in edge.told.items()} == {
        "core-1": ("0", "core-1"), "*.core-1": ("0", "core-1"), CORP: ("0", "core-1"),
        "im-1": ("10", "im-1 core-1"), "*.im-1": ("10", "im-1 core-1"), ROOMS: ("10", "im-1 core-1")}
    assert {n: (r["cost"], r["path"]) for n, r in im.told.items()} == {
        "core-1": ("0", "core-1"), "*.core-1": ("0", "core-1"), CORP: ("0", "core-1"),
        "edge-1": ("10", "edge-1 core-1"), "*.edge-1": ("10", "edge-1 core-1"), "*": ("10", "edge-1 core-1")}
    edge.wait_learned(1)


@pytest.mark.parametrize("how", ["gone", "left out", "expired", "footer"])
def test_what_is_taken_back(house, how):
    im = house.inside(ROOMS)
    house.core.wait_route(ROOMS)
    edge = house.way_out()
    edge.until("it is told on", lambda: ROOMS in edge.told)
    if how == "gone":
        im.wait_learned(im.announce([ROOMS, "never.said"]))
    elif how == "left out":
        im.wait_learned(im.announce(im.ours(), full=True))
    elif how == "expired":
        im.announce([{"name": ROOMS}], expires=1)
    else:
        im.close()
    house.core.wait_route(ROOMS, 0)
    edge.until("it is taken back there too", lambda: ROOMS not in edge.told)


def test_a_full_list_in_pieces_takes_back_at_its_end(house):
    im = house.inside(ROOMS, CORP)
    house.core.wait_route(CORP)
    im.wait_learned(im.announce(im.ours(), full=True, more=True))
    assert house.core.routes(ROOMS) and house.core.routes(CORP)
    im.wait_learned(im.announce([{"name": ROOMS}]))
    assert house.core.routes(ROOMS) and not house.core.routes(CORP)


def test_a_list_that_we_are_told_in_pieces(house):
    """300 names attach: more than one element holds, when the list is said anew."""
    names = [f"n{n}.corp.example" for n in range(300)]
    house.core.config["domains"] += [{"name": n, "federation": True} for n in names]
    house.core.reload()
    im = house.inside(*names)
    edge = house.edge.attach(SECRET, house.edge.ours())
    edge.until("all are told", lambda: set(names) <= set(edge.told))
    assert edge.pieces > 3
    edge.cut()
    edge.told["stale.example"] = {}
    edge.connect()
    edge.scram(SECRET)
    edge.resume()
    edge.announce(edge.ours(), full=True)
    edge.until("the list is whole again", lambda: "stale.example" not in edge.told)
    assert set(names) <= set(edge.told)
    im.close()


def test_old_serials_are_confirmed_and_not_taken(house):
    im = house.inside(ROOMS)
    last = (1 << 64) - 1
    im.wait_learned(im.announce([{"name": ROOMS, "cost": 7}], serial=last))
    for serial in (1, last - 1, last):
        im.confirmed.clear()
        im.announce([ROOMS], serial=serial)
        im.wait_learned(last)
    assert house.core.routes(ROOMS)[0]["cost"] == 17


@pytest.mark.parametrize("routes, why", [
    ([{"name": "partner.example"}], "not listed"), ([{"name": "core-1"}], "ours"), ([{"name": "*.core-1"}], "ours"),
    ([{"name": "*"}], "no right"), ([{"name": ROOMS, "path": "x core-1 im-1"}], "a loop"),
    ([{"name": ROOMS, "path": "a b c d e f g h im-1"}], "too far")])
def test_what_is_not_taken_is_confirmed(house, routes, why):
    im = house.inside()
    before = known(house.core)
    im.wait_learned(im.announce(routes))
    assert known(house.core) == before, why


@pytest.mark.parametrize("attributes", [
    {"seq": 0}, {"seq": 1 << 64}, {"expires": 0}, {"expires": -1}, {"expires": 86401}, {"cost": 65536}, {"cost": -1},
    {"weight": 0}, {"weight": 65536}, {"path": "im-1 other"}, {"path": ""}, {"name": "no domain"}, {"name": ""}], ids=str)
def test_what_ends_the_stream(house, attributes):
    im = house.inside()
    outer = {k: attributes.pop(k) for k in ("seq", "expires") if k in attributes}
    im.announce([{"name": ROOMS, **attributes}], serial=outer.get("seq"), expires=outer.get("expires", 60))
    ended(im, "bad-format")
    house.core.wait_route("*.im-1", 0)


def ended(router, condition):
    with pytest.raises(Refused, match=condition):
        router.next("nothing")


# ---- stanzas ----


def test_stanzas_both_ways(house):
    corp, edge, im = house.corp(), house.way_out(), house.inside(ROOMS)
    im.message(f"hall@{ROOMS}", "you@partner.example", "out")
    edge.until("it came", lambda: edge.passed)
    hop = edge.passed[0][0]
    assert (int(hop["id"], 16), hop["path"]) == (im.number, "im-1 core-1")
    edge.message("you@partner.example", f"a@{CORP}", "in")
    corp.wait_body("in")
    edge.message("you@partner.example", f"hall@{ROOMS}", "further in")
    im.until("it came", lambda: im.passed)
    hop = im.passed[0][0]
    assert (int(hop["id"], 16), hop["path"]) == (edge.number, "edge-1 core-1")
    for router in (edge, im):
        router.until("all is acknowledged", lambda r=router: not r.sent)
    house.core.settled()


@pytest.mark.parametrize("path, cause", [("core-1 im-1", "loop"), ("CORE-1 im-1", "loop"),
                                         ("a b c d e f g h im-1", "too-many-hops")])
def test_circles_are_returned_and_the_link_stays(house, path, cause):
    house.corp()
    im = house.inside(ROOMS)
    im.message(f"hall@{ROOMS}", f"a@{CORP}", "round and round", path)
    im.until("the answer came", lambda: im.passed)
    hop, answer = im.passed[0]
    assert answer.get("type") == "error" and hop["path"] == "core-1"
    assert any(e.get("name") == cause for e in answer.iter())
    im.until("it was acknowledged", lambda: not im.sent)


@pytest.mark.parametrize("text, condition", [
    ("{message}", "bad-format"), ("{hop}{hop}{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='0' path='im-1'/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='11112222333344445' path='im-1'/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' path='im-1'/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='1'/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='1' path='edge-1'/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='1' path='im-1 '/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='1' path='im-1' to='a/b'/>{message}", "bad-format"),
    ("<hop xmlns='urn:fedway:link:1' id='1' path='" + "a " * 16 + "im-1'/>{message}", "resource-constraint"),
    ("<router xmlns='urn:fedway:link:1' realm='im-1'/>", "policy-violation"),
    ("<learned xmlns='urn:fedway:link:1' seq='18446744073709551615'/>", "bad-format"),
    ("<a xmlns='urn:xmpp:sm:3' h='1'/>", "undefined-condition"),
    ("<left xmlns='urn:fedway:link:1' h='0' s='1'/>", ""),
])
def test_headers_that_end_the_stream(house, text, condition):
    im = house.inside(ROOMS)
    im.write(text.format(hop="<hop xmlns='urn:fedway:link:1' id='1' path='im-1'/>",
                         message=f"<message from='hall@{ROOMS}' to='a@{CORP}'/>"))
    ended(im, condition)


def test_a_header_may_stand_apart_from_its_stanza(house):
    corp, im = house.corp(), house.inside(ROOMS)
    im.write("<hop xmlns='urn:fedway:link:1' id='1' path='im-1'/><r xmlns='urn:xmpp:sm:3'/><new xmlns='urn:fedway:link:1'/>"
             f"<message from='hall@{ROOMS}' to='a@{CORP}'><body>apart</body></message>")
    corp.wait_body("apart")


def test_a_chosen_component(house):
    """The wish counts where the component is and has the name; else the domain decides."""
    corp, edge = house.corp(), house.way_out()
    im = house.inside(ROOMS)
    for n, chosen in enumerate((f"link-{CORP}.core-1", "cm-9.nowhere", "cm-9.core-1")):
        edge.message("you@partner.example", f"a@{CORP}", f"wish {n}", chosen=chosen)
        corp.wait_body(f"wish {n}")
    im.message(f"hall@{ROOMS}", "you@partner.example", "out", chosen="cm-2.edge-1")
    edge.until("it came", lambda: edge.passed)
    assert edge.passed[0][0]["to"] == "cm-2.edge-1"


@pytest.mark.parametrize("who, sender", [("edge", f"a@{CORP}"), ("edge", f"a@{ROOMS}"), ("edge", "x.core-1"), ("edge", "x.im-1"),
                                         ("im", "x@partner.example"), ("im", "core-1"), ("im", "s2s.edge-1")])
def test_a_router_speaks_for_nobody_else(house, who, sender):
    corp, edge = house.corp(), house.way_out()
    liar = {"edge": edge, "im": house.inside(ROOMS)}[who]
    liar.message(sender, f"b@{CORP}", "a lie")
    liar.until("it was acknowledged", lambda: not liar.sent)
    house.core.settled()
    edge.message("x@partner.example", f"b@{CORP}", "the truth")
    corp.wait_body("the truth")
    assert bodies(corp) == ["the truth"]


def test_an_edge_does_not_take_in_what_is_for_others(house):
    """It calls itself a way to the inner router, and top-level domains realms of its own."""
    corp, im = house.corp(), house.inside()
    edge = house.way_out()
    claims = [{"name": n, "path": f"{n.removeprefix('*.')} edge-1"} for n in ("im-1", "*.im-1", "*.org", "*.example")]
    edge.wait_learned(edge.announce(claims))
    for n in range(20):
        corp.send(f"<message from='a{n}@{CORP}' to='x{n}@control.im-1'/><message from='a{n}@{CORP}' to='x{n}@{ROOMS}' id='r{n}'/>")
    im.until("all came", lambda: len(im.passed) == 20)
    corp.wait_error("r19")
    assert not edge.passed
    assert {r["name"]: r["verdict"] for r in house.core.router("edge-1")["routes"]}["*.org"] != "taken"


# ---- acknowledgement ----


def test_what_has_left_before_others(house):
    """Both ways: one stanza stays where it is, those behind it leave; when the session is lost only that one is routed again."""
    house.core.config["links"][0]["conflict"] = "share"
    house.core.reload()
    im = house.inside(ROOMS)
    im.holds = lambda stanza: stanza.get("id") == "s0"
    corp = house.corp()
    for n in range(4):
        corp.send(f"<message from='a@{CORP}' to='hall@{ROOMS}' id='s{n}'><body>{n}</body></message>")
    im.until("they came", lambda: im.arrived == 4)
    assert im.handled == 0 and im.here == [1]
    im.write("<r xmlns='urn:xmpp:sm:3'/>")
    im.until("it was heard", lambda: True)
    wait_until("the others have left", lambda: house.core.ledger()["total"]["in_flight"] == 1)
    im.close()
    corp.wait_error("s0")
    assert sorted(s["id"] for s in list(corp.came) if s["type"] == "error") == ["s0"]
    house.core.settled()


def test_acknowledged_is_what_has_left(house):
    """A stanza that waits in the core for its next router is not acknowledged; one behind it, that has left, is told."""
    corp, edge, im = house.corp(), house.way_out(), house.inside(ROOMS)
    edge.holds = lambda stanza: True
    im.message(f"hall@{ROOMS}", "you@partner.example", "stays at the edge")
    edge.until("it came", lambda: edge.arrived == 1)
    im.message(f"hall@{ROOMS}", f"a@{CORP}", "leaves")
    corp.wait_body("leaves")
    im.until("that was told", lambda: im.gone_ahead == {2})
    assert im.acked == 0
    edge.leave(1)
    edge.acknowledge()
    im.until("both were acknowledged", lambda: not im.sent)


@pytest.mark.parametrize("dial", [False, True], ids=["we dial", "we are dialled"])
def test_cut_and_resumed(make_house, dial):
    """Twenty times with stanzas under way in both directions: each comes once, in order."""
    house = make_house(dial)
    edge = house.edge
    if dial:
        edge.accept(SECRET).welcome(edge.ours("*"))
    else:
        edge.attach(SECRET, edge.ours("*"))
    house.core.wait_route("*")
    corp = house.corp()
    rounds, each = 20, 10
    for n in range(rounds):
        for i in range(each):
            edge.message("you@partner.example", f"a@{CORP}", f"in {n}.{i}")
            corp.send(f"<message from='a@{CORP}' to='you@partner.example' id='r{n}.{i}'><body>out {n}.{i}</body></message>")
        if n % 2:
            edge.read(0.05)
        edge.cut()
        if dial:
            edge.accept(SECRET).welcome(edge.ours("*"))
        else:
            edge.connect()
            edge.scram(SECRET)
            edge.resume()
            edge.announce(edge.ours("*"), full=True)
    wanted = [f"{n}.{i}" for n in range(rounds) for i in range(each)]
    edge.until("all came", lambda: len(edge.passed) >= len(wanted))
    wait_until("all arrived", lambda: len(bodies(corp)) >= len(wanted))
    assert edge.bodies() == [f"out {w}" for w in wanted]
    assert bodies(corp) == [f"in {w}" for w in wanted]
    edge.acknowledge()
    edge.until("all is acknowledged", lambda: not edge.sent)
    house.core.settled()


def test_a_drain_waits_until_the_way_out_is_taken_back(house):
    """core-1 has a gateway of its own here."""
    house.core.link("gw.core", domains=["*"])
    house.core.reload()
    house.corp("gw.core")
    im = house.inside()
    im.until("the way out is told", lambda: "*" in im.told)
    house.core.ctl("drain")
    im.until("it is taken back", lambda: "*" not in im.told)
    ended(im, "system-shutdown")
    im.write("</stream:stream>")
    house.core.wait_end()
