# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The key log of TLS (`tls_keylog_file`): with it tshark reads what dumpcap took from the wire of a real stream, without it
nobody does. It is announced wherever an operator looks. Needs the right to capture on the loopback interface."""
import os
import subprocess

import pytest
from peers import need
from process import Process

SVC, PARTNER, JULIET = "svc.corp.example", "partner.example", "juliet@partner.example/test"
PLAIN, TOLD = "a-secret-of-verona", "not-a-secret-any-more"


@pytest.fixture
def verona(world):
    """Prosody with juliet, fedwayd with the component svc, and all that goes over the port of Prosody in a file."""
    world.partner = world.prosody(PARTNER, "127.0.0.2")
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=[PARTNER])
    world.fedway.link(SVC)
    world.keys, world.packets = f"{world.where}/tls.keys", f"{world.where}/wire.pcapng"
    wire = Process("dumpcap", [need("dumpcap", "wireshark-common"), "-q", "-i", "lo", "-w", world.packets,
                               "-f", f"host {world.partner.ip} and tcp port {world.partner.s2s_port}"],
                   f"{world.where}/dumpcap.log")
    for process in (world.dns, wire, world.partner, world.fedway):
        world.start(process)
    world.until(lambda: f"the capture; {wire.tail()}", lambda: "File: " in wire.text() or not wire.alive())
    assert wire.alive(), wire.tail()
    world.juliet = world.client(world.partner, "juliet")
    world.svc = world.component(SVC, world.fedway)
    return world


def tshark(verona, what, *fields):
    """The chosen fields of the packets that are `what`, by the key log if there is one."""
    done = subprocess.run(["tshark", "-r", verona.packets, "-o", f"tls.keylog_file:{verona.keys}",
                           "-d", f"tcp.port=={verona.partner.s2s_port},xmpp", "-Y", what, "-T", "fields",
                           *[word for field in fields for word in ("-e", field)]],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
    return done.stdout.split()


def warnings(verona):
    return [row["warning"] for row in verona.fedway.ctl("status")["warnings"] if "TLS" in row["warning"]]


def secrets_of(verona):
    with open(verona.keys) as file:
        return [line.split() for line in file]


def talk(verona, words):
    verona.svc.message(JULIET, words)
    verona.juliet.wait_body(words)


def randoms_on_the_wire(verona):
    return tshark(verona, "tls.handshake.type == 1", "tls.handshake.random")


def test_only_the_key_log_opens_what_was_captured(verona):
    talk(verona, PLAIN)
    verona.until("the first handshake in the capture", lambda: randoms_on_the_wire(verona))
    first = randoms_on_the_wire(verona)
    assert not os.path.exists(verona.keys)
    assert not warnings(verona) and not verona.fedway.story("SECRETS")
    verona.fedway.options["s2s"]["tls_keylog_file"] = verona.keys
    verona.fedway.reload()
    assert any(verona.keys in words for words in warnings(verona)), warnings(verona)
    assert verona.fedway.story("THE SECRETS OF ALL TLS CONNECTIONS ARE WRITTEN")
    verona.partner.stop()
    verona.until("the end of the stream", lambda: not verona.fedway.streams(remote=PARTNER))
    verona.partner.start()
    verona.juliet = verona.client(verona.partner, "juliet")
    talk(verona, TOLD)
    assert os.stat(verona.keys).st_mode & 0o777 == 0o600
    read = verona.until("the message in the capture", lambda: tshark(
        verona, "tls && xmpp.message", "xmpp.from", "xmpp.to", "xmpp.message.body"))
    assert any(word.startswith(SVC) for word in read) and JULIET in read, read
    with open(verona.packets, "rb") as file:
        captured = file.read()
    assert TOLD.encode() not in captured and PLAIN.encode() not in captured
    labels = {row[0] for row in secrets_of(verona)}
    logged = {row[1] for row in secrets_of(verona)}
    assert labels & {"CLIENT_RANDOM", "CLIENT_TRAFFIC_SECRET_0"}, labels
    assert logged & set(randoms_on_the_wire(verona)) and not logged & set(first), (logged, first)
    verona.fedway.settled()


def test_it_ends_with_the_option(verona):
    verona.fedway.options["s2s"]["tls_keylog_file"] = verona.keys
    verona.fedway.reload()
    del verona.fedway.options["s2s"]["tls_keylog_file"]
    verona.fedway.reload()
    assert not warnings(verona)
    talk(verona, PLAIN)
    assert os.path.getsize(verona.keys) == 0
