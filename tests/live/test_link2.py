# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Attach dialect 2 between fedwayd and a component that was written from sdk/PROTOCOL.md (link2.py)."""
import ssl

import pytest

import fedway
from certificates import Authority, context
from link2 import LINK, Link, Refused

REALM = "edge-corp-example"
MANY, ONE, OLD = "many.corp.example", "one.corp.example", "old.corp.example"


@pytest.fixture(scope="module")
def house(shared_world):
    """fedwayd with a certificate for its realm, three rows, and a component of XEP-0114."""
    world = shared_world
    world.fedway = world.prepare_fedway(["corp.example"])
    own = world.authority.issue(REALM)
    world.fedway.config.update(link_certificate_file=own.certificate, link_key_file=own.key,
                               link_ca_file=world.authority.file)
    world.fedway.link(MANY, domains=[ONE, "*.rooms.corp.example"])
    world.fedway.config["links"].append({"name": "cert.corp.example", "domains": ["two.corp.example"]})
    world.fedway.link("late.corp.example", certificate_name="other.corp.example")
    world.fedway.link(OLD)
    for process in (world.dns, world.fedway):
        world.start(process)
    world.old = world.component(OLD, world.fedway)
    yield world
    world.fedway.settled()


def link(house, name):
    return Link(name, house.fedway.ip, house.fedway.link_port, REALM)


def trusting(house, pair=None):
    """TLS that believes the lab's authority only, and wants the router's name in its certificate."""
    made = ssl.create_default_context(cafile=house.authority.file)
    if pair is not None:
        made.load_cert_chain(*pair.files)
    return made


def attached(house, name=MANY):
    made = link(house, name)
    made.connect(trusting(house))
    return made.scram(fedway.SECRET)


def stream_of(house, name):
    rows = house.fedway.ctl("streams")["components"]
    return [s for c in rows if c["id"] == f"link-{name}.{REALM}" for s in c["streams"]]


def test_a_secret_under_tls_and_stanzas_both_ways(house):
    many = attached(house)
    many.bind(ONE)
    many.bind("hall.rooms.corp.example")
    house.old.message(f"x@{ONE}", "to one", "s1")
    house.old.message("y@hall.rooms.corp.example", "to the hall", "s2")
    many.until("both came", lambda: {"to one", "to the hall"} <= set(many.bodies()))
    many.message(f"x@{ONE}", f"me@{OLD}", "from one")
    many.message("y@hall.rooms.corp.example", f"me@{OLD}", "from the hall")
    house.old.wait_body("from one")
    house.old.wait_body("from the hall")
    facts = stream_of(house, MANY)[0]
    assert (facts["dialect"], facts["method"], facts["bound"]) == ("link", "SCRAM-SHA-256", 2)
    assert facts["tls"].startswith("TLSv1.3")
    many.unbind(ONE)
    house.old.message(f"x@{ONE}", "nobody there", "s3")
    house.old.wait_error("s3")
    many.close()


def test_certificates_on_both_sides(house):
    pair = house.authority.issue("cert.corp.example")
    for direct in (False, True):
        cert = link(house, "cert.corp.example")
        cert.connect(trusting(house, pair), direct)
        cert.external()
        cert.bind("two.corp.example")
        house.old.message("x@two.corp.example", f"direct {direct}", "c1")
        cert.until("it came", lambda c=cert, d=direct: f"direct {d}" in c.bodies())
        assert stream_of(house, "cert.corp.example")[0]["method"] == "EXTERNAL"
        cert.close()
        house.until("it has gone", lambda: not stream_of(house, "cert.corp.example"))


def test_the_row_may_name_another_certificate(house):
    late = link(house, "late.corp.example")
    late.connect(trusting(house, house.authority.issue("other.corp.example")))
    late.external()
    late.bind("late.corp.example")
    late.close()


@pytest.mark.parametrize("what", ["wrong secret", "no such name", "no secret in the row"])
def test_wrong_secrets_are_refused_alike(house, what):
    name = {"no such name": "nobody.corp.example", "no secret in the row": "cert.corp.example"}.get(what, MANY)
    made = link(house, name)
    made.connect(trusting(house))
    with pytest.raises(Refused, match="not-authorized"):
        made.scram("wrong")
    made.cut()


@pytest.mark.parametrize("what", ["somebody else's", "unknown authority", "none"])
def test_wrong_certificates_are_refused(house, what, tmp_path):
    pair = {"somebody else's": lambda: house.authority.issue("other.corp.example"),
            "unknown authority": lambda: Authority(f"{tmp_path}/ca", "Other CA").issue("cert.corp.example"),
            "none": lambda: None}[what]()
    made = link(house, "cert.corp.example")
    made.connect(trusting(house, pair))
    with pytest.raises(Refused, match="not-authorized" if what == "somebody else's" else "invalid-mechanism"):
        made.external()
    made.cut()


def test_a_router_with_a_wrong_certificate_is_not_talked_to(house):
    made = link(house, MANY)
    made.realm = "another-realm"
    with pytest.raises((ssl.SSLCertVerificationError, Refused)):
        made.connect(trusting(house))
    made.cut()


def test_rights_are_the_rows(house):
    many = attached(house)
    for name in (OLD, "two.corp.example", "rooms.corp.example", "*", REALM, "corp.example"):
        with pytest.raises(Refused, match="not-allowed cause.*bind-denied|not-allowed.*bind-denied"):
            many.bind(name)
    with pytest.raises(Refused, match="jid-malformed"):
        many.bind("no domain")
    many.bind("deep.hall.rooms.corp.example")
    many.message(f"x@{ONE}", f"me@{OLD}", "not bound")  # it has the right, but has not bound it
    many.until("the error came", lambda: any(s.get("type") == "error" for s in many.stanzas))
    many.close()


def test_credit_stalls_one_name_only(house):
    many = attached(house)
    many.bind(ONE, credit=2)
    many.bind("hall.rooms.corp.example")
    for n in range(5):
        house.old.message(f"x@{ONE}", f"slow {n}", f"k{n}")
    house.old.message("y@hall.rooms.corp.example", "quick", "k9")
    many.until("the quick one came", lambda: "quick" in many.bodies())
    assert [b for b in many.bodies() if b.startswith("slow")] == ["slow 0", "slow 1"]
    many.credit(ONE, 10)
    many.until("the rest came", lambda: "slow 4" in many.bodies())
    assert [b for b in many.bodies() if b.startswith("slow")] == [f"slow {n}" for n in range(5)]
    many.close()


def test_a_cut_connection_is_resumed_without_loss(house):
    """Cut many times with stanzas under way in both directions: each comes once, in order."""
    many = attached(house)
    many.enable()
    many.bind(ONE)
    rounds, each = 20, 10
    for n in range(rounds):
        for i in range(each):
            many.message(f"x@{ONE}", f"me@{OLD}", f"out {n}.{i}")
            house.old.message(f"x@{ONE}", f"in {n}.{i}", f"r{n}.{i}")
        if n % 2:
            many.read(0.05)
        many.cut()
        many.connect(trusting(house))
        many.scram(fedway.SECRET)
        many.resume()
    wanted = [f"{n}.{i}" for n in range(rounds) for i in range(each)]
    many.until("all came", lambda: len(many.bodies()) >= len(wanted))
    house.until("all arrived", lambda: sum(b.startswith("out ") for b in bodies_of(house.old)) >= len(wanted))
    assert many.bodies() == [f"in {w}" for w in wanted]
    assert [b for b in bodies_of(house.old) if b.startswith("out ")] == [f"out {w}" for w in wanted]
    many.write("<r xmlns='urn:xmpp:sm:3'/>")
    many.until("the router has acknowledged all", lambda: not many.sent)
    many.acknowledge()
    many.close()


def bodies_of(talker):
    return [s["body"] for s in list(talker.came) if s.name == "message"]


def test_xep_0114_in_clear_is_taken_on_loopback(house):
    assert house.old.online.is_set()


def test_plain_text_is_not_enough(house):
    made = link(house, MANY)
    features = made.connect()
    assert [child.tag.split("}")[1] for child in features] == ["starttls"]
    with pytest.raises(Refused, match="encryption-required"):
        made.scram(fedway.SECRET)
    made.cut()


def test_files_change_without_a_restart(house):
    old = open(house.fedway.config["link_certificate_file"]).read()
    fresh = house.authority.issue(REALM, "new-name.corp.example")
    for key in ("link_key_file", "link_certificate_file"):
        source = fresh.key if "key" in key else fresh.certificate
        with open(source) as f, open(house.fedway.config[key], "w") as out:
            out.write(f.read())
    house.fedway.ctl("reload")

    def names():
        made = link(house, MANY)
        made.connect(context(), direct=True)
        der = made.socket.getpeercert(binary_form=True)
        made.cut()
        return ssl.DER_cert_to_PEM_cert(der).strip() not in old
    house.until("the new certificate is shown", names)
    assert LINK
