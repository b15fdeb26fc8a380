# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A real Prosody with mod_smacks: what it acknowledges, and what becomes of stanzas when it does not any more.

Over dialback Prosody offers acknowledgements with a module of ours (prosody/), since it has no features after that. The
last test loses every packet; it runs itself again in a network name space of its own, for which it must be root.
"""
import os
import shutil
import signal
import subprocess
import sys

import pytest

SVC, PARTNER = "svc.corp.example", "partner.example"
JULIET = f"juliet@{PARTNER}/test"
PLUGINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prosody")
ALONE = "FEDWAY_LIVE_OWN_NETWORK"


def begin(world, ours=None, **theirs):
    """Prosody with juliet, fedwayd with the component svc; fedwayd asks soon."""
    world.partner = world.prosody(PARTNER, "127.0.0.2", **theirs)
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=[PARTNER], **(ours or {}))
    world.fedway.link(SVC)
    world.s2s = world.fedway.options["s2s"]
    world.s2s.update(ack_request_ms=50)
    world.meet(SVC)
    return world


@pytest.fixture
def ended(world):
    """However a test ends, Prosody goes on, fedwayd lives, and its ledger balances."""
    yield world
    world.partner.kill(signal.SIGCONT)
    assert world.fedway.alive()
    world.fedway.settled()


@pytest.fixture
def verona(ended):
    """Acknowledgements over dialback, offered by the module."""
    return begin(ended, modules=("smacks", "sm_before_dialback"), plugins=PLUGINS)


@pytest.fixture
def vouched(ended):
    """Acknowledgements after SASL EXTERNAL, as Prosody does it."""
    return begin(ended, {"authority": ended.authority, "certificate": ended.authority.issue(SVC)}, modules=("smacks",),
                 dialback=False, authority=ended.authority, certificate=ended.authority.issue(PARTNER))


@pytest.fixture
def plain(ended):
    """No acknowledgements: only pings tell."""
    return begin(ended)


def say(verona, *names):
    verona.svc.send_many(f"<message from='porter@{SVC}' to='{JULIET}' id='{name}' type='chat'><body>{name}</body>"
                         "</message>" for name in names)


def acknowledged(verona):
    return verona.fedway.ledger()["total"]["acknowledged"]


def counter(verona, name):
    return next(c["value"] for c in verona.fedway.ctl("counters")["counters"]
                if c["component"].startswith("s2s-") and c["counter"] == name)


def bounced(verona, name):
    """Its sender got it back, and knows that it may have arrived."""
    error = str(verona.svc.wait_error(name))
    assert '<cause xmlns="urn:fedway:cause:1" name="not-acknowledged"' in error, error


def test_prosody_acknowledges_what_it_has(verona):
    names = [f"m{i}" for i in range(500)]
    say(verona, *names)
    verona.juliet.wait_body(names[-1])
    verona.fedway.wait_log(r"received:: <enabled xmlns='urn:xmpp:sm:3'/>")
    verona.until(lambda: f"all acknowledged; {verona.fedway.ledger()['total']}", lambda: acknowledged(verona) == 500)
    assert [m["body"] for m in verona.juliet.messages()] == names
    assert counter(verona, "stanzas_unacknowledged") == 0


def test_a_peer_that_closes_in_good_order_loses_nothing(verona):
    """What Prosody says at its end is no last count: only what it had acknowledged before is known to be there."""
    say(verona, "m1")
    verona.until("it was acknowledged", lambda: acknowledged(verona) == 1)
    verona.partner.stop()
    verona.fedway.wait_log(r"OUT\).*stream ended cause=peer-")
    assert counter(verona, "stanzas_unacknowledged") == 0


def test_a_peer_that_stands_still_is_dead(verona):
    """Its system still takes every byte: only the missing acknowledgement tells."""
    verona.s2s.update(probe_timeout_ms=1000)
    verona.fedway.reload()
    say(verona, "m1")
    verona.until("it was acknowledged", lambda: acknowledged(verona) == 1)
    verona.partner.kill(signal.SIGSTOP)
    say(verona, "m2", "m3")
    verona.fedway.wait_log(r"OUT\).*stream ended cause=ping-timeout")
    for name in ("m2", "m3"):
        bounced(verona, name)
    assert counter(verona, "stanzas_unacknowledged") == 2
    assert not [m for m in verona.svc.messages("error") if m["id"] == "m1"]


def test_a_peer_that_was_killed_gets_again_what_it_had_not_acknowledged(verona):
    verona.s2s.update(resend_unacknowledged=True)
    verona.fedway.reload()
    say(verona, "m1")
    verona.until("it was acknowledged", lambda: acknowledged(verona) == 1)
    verona.partner.kill(signal.SIGSTOP)
    say(verona, "m2", "m3")
    verona.until("they are out", lambda: counter(verona, "stanzas_out") == 3)
    verona.partner.stop(signal.SIGKILL)
    verona.fedway.wait_log(r"OUT\).*stream ended cause=peer-lost")
    verona.until("they are to be sent again", lambda: counter(verona, "stanzas_unacknowledged") == 2)
    for name in ("m2", "m3"):  # nobody listens: they come back after all, with the reason of the second attempt
        assert "not-acknowledged" not in str(verona.svc.wait_error(name))


def test_each_side_acknowledges_after_external(vouched):
    """Prosody asks on the stream that it opened, we on ours: each direction counts on its own."""
    since = vouched.fedway.mark()
    vouched.juliet.message(f"porter@{SVC}", "what waited for the stream goes before <enable/> and is not counted")
    vouched.fedway.wait_log(r"IN\).*sending:: <enabled xmlns='urn:xmpp:sm:3'/>", since)
    for i in range(50):
        vouched.juliet.message(f"porter@{SVC}", f"j{i}")
    vouched.svc.wait_body("j49")
    vouched.fedway.wait_log(r"stream.acks.*IN\).*SEND:: <a xmlns='urn:xmpp:sm:3' h='50'/>", since)
    say(vouched, *(f"m{i}" for i in range(50)))
    vouched.juliet.wait_body("m49")
    vouched.fedway.wait_log(r"OUT\).*received:: <enabled xmlns='urn:xmpp:sm:3'/>", since)
    vouched.until("all is acknowledged", lambda: acknowledged(vouched) == 50)
    assert vouched.fedway.streams(direction="out")[0]["unacknowledged"] == 0


def test_a_peer_that_answers_pings_and_stops_is_dead(plain):
    """Without acknowledgements: it has answered a ping on its own stream, and then stands still."""
    plain.s2s.update(probe_idle_ms=100, probe_timeout_ms=1000)
    plain.fedway.reload()
    plain.juliet.message(f"porter@{SVC}", "hello")
    plain.svc.wait_body("hello")
    say(plain, "m1")
    plain.fedway.wait_log("ping answered")
    plain.partner.kill(signal.SIGSTOP)
    say(plain, "m2")
    plain.fedway.wait_log(r"OUT\).*stream ended cause=ping-timeout")
    assert not plain.svc.messages("error"), "written, and nobody can know more"


def lose_all_packets(ip):
    """Drops what goes to this address and what comes from it."""
    nft = shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert nft, "nft is missing: install the Debian package nftables"
    rules = f"add table inet lost\nadd chain inet lost out {{ type filter hook output priority 0; }}\n" \
            f"add rule inet lost out ip daddr {ip} drop\nadd rule inet lost out ip saddr {ip} drop\n"
    subprocess.run([nft, "-f", "-"], input=rules, text=True, check=True)


def in_its_own_network(verona):
    """No byte is acknowledged: TCP tells, long before its own 15 minutes."""
    verona.s2s.update(tcp_timeout_ms=2000)
    verona.fedway.reload()
    say(verona, "m0")
    verona.until("it was acknowledged", lambda: acknowledged(verona) == 1)
    lose_all_packets(verona.partner.ip)
    say(verona, "m1", "m2")
    verona.fedway.wait_log(r"OUT\).*stream ended cause=ping-timeout")
    assert verona.fedway.story(r"OUT\).*stream ended cause=ping-timeout.*TCP gave up")
    for name in ("m1", "m2"):
        bounced(verona, name)


def in_a_new_network():
    assert os.geteuid() == 0, "a network name space needs root"
    done = subprocess.run(["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-m",
                           "pytest", "-q", "-p", "no:cacheprovider", "-k", "packets_are_lost", __file__],
                          env={**os.environ, ALONE: "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout[-8000:]


test_a_peer_whose_packets_are_lost_is_dead = in_its_own_network if ALONE in os.environ else in_a_new_network
