# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in real life: a peer restarts, the policy changes, a secret is wrong, a domain is denied."""
from peers import Unbound

SVC, JULIET = "svc.corp.example", "juliet@partner.example/test"


def federate(world, partners, allow=None):
    """Prosodys with one user each, fedwayd with the component svc; all online."""
    world.partners = {}
    for number, (domain, user) in enumerate(partners.items()):
        prosody = world.prosody(domain, f"127.0.0.{10 + number}")
        prosody.add_user(user)
        world.partners[domain] = prosody
    world.fedway = world.prepare_fedway([SVC], allow=partners if allow is None else allow)
    world.fedway.link(SVC)
    for process in (world.dns, *world.partners.values(), world.fedway):
        world.start(process)
    world.users = {d: world.client(world.partners[d], u) for d, u in partners.items()}
    world.svc = world.component(SVC, world.fedway)


def say(world, name, to=JULIET):
    world.svc.message(to, name, name)


def test_a_partner_restarts_in_the_middle(world):
    """Each message arrives, or comes back with a reason; only what the dying stream took may be unknown."""
    federate(world, {"partner.example": "juliet"})
    partner, first = world.partners["partner.example"], world.users["partner.example"]
    names = [f"m{i}" for i in range(600)]
    for name in names[:200]:
        say(world, name)
    first.wait_body(names[199])

    partner.stop()
    for name in names[200:400]:
        say(world, name)
    world.svc.wait_error(names[399])
    partner.start()
    second = world.client(partner, "juliet")
    probes = iter(range(10000))

    def through():
        """Asks until one comes through: the back-off decides when."""
        probe = f"probe{next(probes)}"
        say(world, probe)
        answer = world.svc.wait(probe, lambda s: s["id"] == probe and s["type"] == "error"
                                or any(m["body"] == probe for m in second.messages()))
        return answer

    world.until("the partner is reached again",
                lambda: through() and any(m["body"].startswith("probe") for m in second.messages()))
    for name in names[400:]:
        say(world, name)
    second.wait_body(names[599])

    arrived = [m["body"] for m in first.messages() + second.messages() if m["body"] in set(names)]
    bounced = [m["id"] for m in world.svc.messages("error") if m["id"] in set(names)]
    assert arrived == sorted(arrived, key=names.index), "out of order"
    assert not set(arrived) & set(bounced), "both delivered and bounced"
    unknown = [n for n in names if n not in set(arrived) | set(bounced)]
    at = [names.index(n) for n in unknown]
    assert at == list(range(200, 200 + len(at))), f"lost silently: {unknown}"
    ledger = world.fedway.settled()
    assert ledger["total"]["bounced"] >= len([n for n in bounced if n not in unknown]) > 0


def test_a_policy_change_closes_only_the_forbidden_stream(world):
    federate(world, {"partner.example": "juliet", "other.example": "romeo"})
    for domain, user in world.users.items():
        say(world, f"before {domain}", user.name)
        user.wait_body(f"before {domain}")
        user.message(f"porter@{SVC}", f"from {domain}")
        world.svc.wait_body(f"from {domain}")
    kept = {r["session"] for r in world.fedway.streams(remote="other.example")}
    assert kept and world.fedway.streams(remote="partner.example")

    world.fedway.options["policy"]["allow"] = ["other.example"]
    world.fedway.reload()
    world.fedway.wait_log("cause=policy-closed")
    world.until("the forbidden streams are gone",
                lambda: not [r for r in world.fedway.streams(remote="partner.example")
                             if r["state"] == "up"])
    assert kept == {r["session"] for r in world.fedway.streams(remote="other.example")}

    say(world, "after", world.users["other.example"].name)
    world.users["other.example"].wait_body("after")
    say(world, "refused")
    error = world.svc.wait_error("refused")
    assert "urn:fedway:cause:1" in str(error)
    world.users["partner.example"].send(f"<message to='porter@{SVC}' id='back' type='chat'><body>x</body></message>")
    world.users["partner.example"].wait_error("back")
    assert not any(m["id"] == "back" for m in world.svc.messages())
    world.fedway.settled()


def test_a_denied_domain_is_refused_before_any_lookup(world):
    federate(world, {"partner.example": "juliet", "other.example": "romeo"}, allow=["partner.example"])
    say(world, "denied", "romeo@other.example")
    error = world.svc.wait_error("denied")
    assert "policy-" in str(error), "the sender is told why"
    asked_by_us = [line for line in world.dns.text().splitlines() if "other.example" in line]
    assert asked_by_us == []
    romeo = world.users["other.example"]
    romeo.send(f"<message to='porter@{SVC}' id='in' type='chat'><body>x</body></message>")
    romeo.wait_error("in")
    assert [line for line in world.dns.text().splitlines() if "other.example" in line] == []
    assert not world.svc.messages("chat")
    world.fedway.settled()


def test_our_key_is_refused_when_another_server_is_authoritative(world):
    """The partner asks a Fedway that has another secret: our stream ends with dialback-invalid."""
    partner = world.prosody("partner.example", "127.0.0.10")
    partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=["partner.example"], publish=False)
    world.fedway.link(SVC)
    impostor = world.prepare_fedway([SVC], ip="127.0.0.6", name="elsewhere", allow=["partner.example"],
                                    secret="another-secret")
    for process in (world.dns, partner, impostor, world.fedway):
        world.start(process)
    world.svc = world.component(SVC, world.fedway)
    say(world, "who am I")
    assert "dialback-invalid" in str(world.svc.wait_error("who am I"))
    world.fedway.wait_log("cause=dialback-invalid")
    impostor.wait_log("db:verify")
    world.fedway.settled()
    impostor.settled()


def test_a_peer_whose_key_is_not_confirmed_is_turned_away(world):
    """Our DNS says that partner.example is another server, which knows nothing of the key."""
    false_dns = Unbound(f"{world.where}/false-dns", "127.0.0.54")
    partner = world.prosody("partner.example", "127.0.0.10")
    partner.add_user("juliet")
    other = world.prosody("partner.example", "127.0.0.11", name="the-real-one", publish=False)
    false_dns.add_xmpp("partner.example", other.ip, other.s2s_port)
    world.fedway = world.prepare_fedway([SVC], allow=["partner.example"], ask=false_dns)
    world.fedway.link(SVC)
    for process in (world.dns, false_dns, partner, other, world.fedway):
        world.start(process)
    world.svc = world.component(SVC, world.fedway)
    juliet = world.client(partner, "juliet")
    juliet.send(f"<message to='porter@{SVC}' id='false' type='chat'><body>let me in</body></message>")
    juliet.wait_error("false")
    assert world.fedway.wait_log(r"sending.*db:result.*type='invalid'")
    assert not world.svc.messages("chat")
    world.fedway.settled()
