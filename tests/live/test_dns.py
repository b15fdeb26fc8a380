# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A zoo of DNS: domains that cannot be found, each with its cause, and domains behind dead, silent and odd records.

One Prosody serves all that can be reached. Whoever waits for a silent address to run out of time fails here: its time is
longer than that of the test.
"""
import re
import socket

import pytest

from peers import Unbound

SVC, ZONE, PATIENCE_MS = "svc.corp.example", "zoo.example", 110000

AUTH_ZONE = """auth-zone:
  name: "{zone}."
  zonefile: "{where}/zone"
  for-downstream: yes
  for-upstream: no
  fallback-enabled: no
"""
SERVER_ROWS = """  do-not-query-localhost: no
  local-zone: "{zone}." transparent
  local-zone: "broken.example." transparent
  local-zone: "silent.{zone}." always_deny
  local-zone: "_xmpps-server._tcp.halfsilent.{zone}." always_deny
  local-zone: "_xmpp-server._tcp.refusing.{zone}." always_refuse
"""
DEAD_FORWARD = """forward-zone:
  name: "broken.example."
  forward-addr: 127.0.0.1@{port}
"""

# What stands in the zone for a domain "@"; {good}, {direct}, {dead}, {mute}, {hole}: ports.
FOUND = {
    "plain": "_xmpp-server._tcp.@ SRV 0 0 {good} xmpp",
    "alias": "_xmpp-server._tcp.@ CNAME _xmpp-server._tcp.plain",
    "aliashost": "_xmpp-server._tcp.@ SRV 0 0 {good} hostalias",
    "deadfirst": "_xmpp-server._tcp.@ SRV 0 0 {dead} xmpp\n_xmpp-server._tcp.@ SRV 1 0 {good} xmpp",
    "nohostfirst": "_xmpp-server._tcp.@ SRV 0 0 {good} nohost\n_xmpp-server._tcp.@ SRV 1 0 {good} xmpp",
    "mutefirst": "_xmpp-server._tcp.@ SRV 0 0 {mute} mute\n_xmpp-server._tcp.@ SRV 1 0 {good} xmpp",
    "muteequal": "".join(f"_xmpp-server._tcp.@ SRV 0 100 {{mute}} mute{i}\n" for i in range(3))
                 + "_xmpp-server._tcp.@ SRV 0 1 {good} xmpp",
    "holefirst": "_xmpp-server._tcp.@ SRV 0 0 {hole} hole\n_xmpp-server._tcp.@ SRV 1 0 {good} xmpp",
    "holefamily": "_xmpp-server._tcp.@ SRV 0 0 {good} both",
    "mutetls": "_xmpps-server._tcp.@ SRV 0 0 {mute} mute\n_xmpp-server._tcp.@ SRV 1 0 {good} xmpp",
    "onlytls": "_xmpps-server._tcp.@ SRV 0 0 {direct} xmpp",
    "tlsbetter": "_xmpps-server._tcp.@ SRV 0 0 {direct} xmpp\n_xmpp-server._tcp.@ SRV 1 0 {good} xmpp",
    "tlsworse": "_xmpps-server._tcp.@ SRV 1 0 {direct} xmpp\n_xmpp-server._tcp.@ SRV 0 0 {good} xmpp",
    "notls": "_xmpps-server._tcp.@ SRV 0 0 0 .\n_xmpp-server._tcp.@ SRV 0 0 {good} xmpp",
    "noplain": "_xmpp-server._tcp.@ SRV 0 0 0 .\n_xmpps-server._tcp.@ SRV 0 0 {direct} xmpp",
    "halfsilent": "_xmpp-server._tcp.@ SRV 0 0 {good} xmpp",
}
DIRECT = {"onlytls", "tlsbetter", "noplain"}
OUTRUN = {"mutefirst", "holefirst", "mutetls"}
LOST = {
    "absent": ("", "dns-not-found"),
    "nohost": ("_xmpp-server._tcp.@ SRV 0 0 5269 nohost", "dns-not-found"),
    "dot": ("_xmpp-server._tcp.@ SRV 0 0 0 .\n@ A 127.0.0.30", "dns-no-service"),
    "dots": ("_xmpp-server._tcp.@ SRV 0 0 0 .\n_xmpps-server._tcp.@ SRV 0 0 0 .", "dns-no-service"),
    "tlsdot": ("_xmpps-server._tcp.@ SRV 0 0 0 .\n@ A 127.0.0.30", "dns-no-service"),
    "loop": ("_xmpp-server._tcp.@ CNAME _xmpp-server._tcp.pool\n_xmpp-server._tcp.pool CNAME _xmpp-server._tcp.@",
             "dns-not-found"),
    "silent": ("", "dns-failed"),
    "refusing": ("@ A 127.0.0.30", "dns-failed"),
    "dead": ("_xmpp-server._tcp.@ SRV 0 0 {dead} xmpp\n_xmpps-server._tcp.@ SRV 0 0 {dead} xmpp", "connect-failed"),
    "notxmpp": ("_xmpps-server._tcp.@ SRV 0 0 {good} xmpp", "tls-failed"),
}


class Zoo(Unbound):
    """Our zone in a file, so that aliases are followed; below it a server that fails."""

    def __init__(self, where):
        super().__init__(where, "127.0.0.54")
        self.lines, self.broken_port = [], 1

    def settings(self):
        with open(f"{self.where}/zone", "w") as f:
            f.write("\n".join(self.lines) + "\n")
        text = super().settings().replace("  do-not-query-localhost: no\n", SERVER_ROWS.format(zone=ZONE))
        return text + AUTH_ZONE.format(zone=ZONE, where=self.where) + DEAD_FORWARD.format(port=self.broken_port)


def listener(family, address, port=0):
    """Connections end in its queue; nobody will ever take them."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind((address, port))
    sock.listen(0)
    return sock


def black_hole(port=0):
    """An address of IPv6 that answers no connection: the queue of its listener is full."""
    ear = listener(socket.AF_INET6, "::1", port)
    fillers = [ear]
    for _ in range(4):
        filler = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex(ear.getsockname())
        fillers.append(filler)
    return ear.getsockname()[1], fillers


def prepare(world):
    dns = world.dns = Zoo(f"{world.where}/zoo")
    domains = [f"{name}.{ZONE}" for name in FOUND]
    hosts = "\n".join(f'VirtualHost "{domain}"' for domain in domains)
    partner = world.prosody(f"home.{ZONE}", "127.0.0.30", publish=False, direct_tls=True, more=hosts,
                            certificate=world.authority.issue(f"*.{ZONE}"))
    mute = listener(socket.AF_INET, "127.0.0.31")
    with socket.socket() as probe:
        probe.bind(("127.0.0.30", 0))
        dead = probe.getsockname()[1]
    hole, keep = black_hole()
    world.keep = [mute, *keep, *black_hole(partner.s2s_port)[1]]
    ports = {"good": partner.s2s_port, "direct": partner.direct_port, "dead": dead, "hole": hole,
             "mute": mute.getsockname()[1]}
    dns.lines = [f"$ORIGIN {ZONE}.", "$TTL 60", "@ SOA ns hostmaster 1 3600 600 86400 5", "@ NS ns", "ns A 127.0.0.54",
                 "xmpp A 127.0.0.30", "hostalias CNAME xmpp", "mute A 127.0.0.31", "hole AAAA ::1",
                 "both AAAA ::1", "both A 127.0.0.30", *(f"mute{i} A 127.0.0.31" for i in range(3))]
    for name, text in [*FOUND.items(), *((name, row[0]) for name, row in LOST.items())]:
        dns.lines += re.sub("@", name, text.format(**ports)).splitlines()
    lost = [f"{name}.{ZONE}" for name in LOST]
    world.fedway = world.prepare_fedway([SVC], allow=[*domains, *lost, "servfail.broken.example"],
                                        authority=world.authority)
    world.fedway.link(SVC)
    patient = {"connect_timeout_ms": PATIENCE_MS, "stream_timeout_ms": PATIENCE_MS, "tls_timeout_ms": PATIENCE_MS}
    world.fedway.options["s2s"].update(patient, multiplex="none")
    world.fedway.options["dialback"].update(patient)
    world.fedway.options["resolver"].update(timeout_ms=300)
    for process in (dns, partner, world.fedway):
        world.start(process)
    world.svc = world.component(SVC, world.fedway)
    return world


@pytest.fixture(scope="module")
def zoo(shared_world):
    made = prepare(shared_world)
    yield made
    made.fedway.settled()
    for sock in made.keep:
        sock.close()


def story(zoo, name, since):
    """What fedwayd did to reach the domain with a stream for stanzas."""
    return [line for line in zoo.fedway.text(since).splitlines() if f"{SVC}:{name}.{ZONE}, OUT" in line]


def entries(zoo, domain):
    """What the resolver remembers of the domain."""
    shown = zoo.fedway.ctl("dns", "show", f"domain={domain}")
    return [entry for part in shown["components"] for entry in part["entries"]]


@pytest.mark.parametrize("name", FOUND)
def test_a_domain_that_can_be_reached(zoo, name):
    """The message arrives: the other server says that nobody of this name lives there."""
    since = zoo.fedway.mark()
    zoo.svc.message(f"nobody@{name}.{ZONE}", "hello", f"hello-{name}")
    error = str(zoo.svc.wait_error(f"hello-{name}"))
    assert "service-unavailable" in error and "urn:fedway:cause:1" not in error, error
    told = "\n".join(story(zoo, name, since))
    assert ("DIRECTTLS->SECURED" in told) == (name in DIRECT), told
    assert ("STARTTLS->SECURED" in told) == (name not in DIRECT), told
    assert ("cause=outrun" in told) >= (name in OUTRUN), told
    zoo.fedway.settled()


@pytest.mark.parametrize("name", LOST)
def test_a_domain_that_cannot_be_reached(zoo, name):
    zoo.svc.message(f"nobody@{name}.{ZONE}", "hello", f"hello-{name}")
    error = str(zoo.svc.wait_error(f"hello-{name}"))
    assert f'name="{LOST[name][1]}"' in error, error
    zoo.fedway.settled()


def test_a_server_of_names_that_fails(zoo):
    """SERVFAIL: nobody knows, and nothing is remembered of it."""
    zoo.svc.message("nobody@servfail.broken.example", "hello", "hello-servfail")
    assert 'name="dns-failed"' in str(zoo.svc.wait_error("hello-servfail"))
    assert entries(zoo, "servfail.broken.example") == []


def test_what_is_remembered_can_be_seen_and_forgotten(zoo):
    for name, result in (("plain", "found"), ("dot", "dns-no-service")):
        zoo.svc.message(f"nobody@{name}.{ZONE}", "hello", f"again-{name}")
        zoo.svc.wait_error(f"again-{name}")
        assert [(e["source"], e["result"]) for e in entries(zoo, f"{name}.{ZONE}")] == [("srv", result)]
    zoo.fedway.ctl("dns", "flush", f"domain=dot.{ZONE}")
    assert entries(zoo, f"dot.{ZONE}") == [] != entries(zoo, f"plain.{ZONE}")
    zoo.fedway.ctl("dns", "flush")
    assert entries(zoo, f"plain.{ZONE}") == []
