# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What an operator asks of a running router beside a real Prosody: explain, check, connections, trace; tshark reads the trace."""
import subprocess

import pytest

SVC, PARTNER, JULIET = "svc.corp.example", "partner.example", "juliet@partner.example/test"


@pytest.fixture(scope="module")
def verona(shared_world):
    """Prosody with juliet, fedwayd with the component svc on its port."""
    world = shared_world
    world.partner = world.prosody(PARTNER, "127.0.0.2")
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=[PARTNER, "nowhere.example"])
    world.fedway.link(SVC)
    world.traces = f"{world.fedway.where}/traces"
    world.fedway.options["s2s"]["trace_dir"] = world.traces
    world.meet(SVC)
    yield world


def talk(verona, words):
    verona.svc.message(JULIET, words)
    verona.juliet.wait_body(words)


def steps(list_of_steps):
    """The verdicts by name; of several steps of one name the last."""
    return {step["step"]: step["verdict"] for step in list_of_steps}


def test_check_goes_both_ways(verona):
    result = verona.fedway.ctl("check", PARTNER)
    seen = steps(result["components"][0]["steps"])
    assert result["verdict"] == "passes", result
    assert seen["dialback"] == seen["target"] == seen["TLS"] == seen["policy"] == "ok", result
    assert verona.fedway.ledger()["balanced"]


def test_check_of_a_domain_that_is_not_there(verona):
    with pytest.raises(AssertionError, match="dns-not-found"):
        verona.fedway.ctl("check", "nowhere.example")


def test_explain_and_connections(verona):
    talk(verona, "good morrow")
    result = verona.fedway.ctl("explain", f"porter@{SVC}", JULIET)
    part = result["components"][0]
    assert result["verdict"] == "passes", result
    assert steps(part["outgoing"])["stream"] == "ok", part
    assert part["attempts"][-1]["outcome"] == "good" and part["attempts"][-1]["handshake"], part
    rows = verona.fedway.ctl("connections")["components"][0]["connections"]
    assert any(row["remote"] == PARTNER and row["direction"] == "out" and row["tls"].startswith("TLSv1.")
               and row["stanzas_out"] > 0 for row in rows), rows


def test_half_of_a_command_names_the_other_halves(verona):
    with pytest.raises(AssertionError, match="there are: trace add, trace list, trace remove; "):
        verona.fedway.ctl("trace")
    with pytest.raises(AssertionError, match="there are: dns show, dns flush; "):
        verona.fedway.ctl("dns")
    with pytest.raises(AssertionError, match='unknown command "tra"'):
        verona.fedway.ctl("tra")


def test_a_trace_is_read_by_tshark_and_holds_no_words(verona):
    verona.fedway.ctl("trace", "add", PARTNER, "format=pcapng", "file=talk.pcapng")
    verona.fedway.ctl("trace", "add", PARTNER, "file=talk.txt")
    talk(verona, "a-secret-of-verona")
    verona.juliet.message(f"porter@{SVC}", "another-secret")
    verona.svc.wait_body("another-secret")
    traces = verona.fedway.ctl("trace", "list")["components"][0]["traces"]
    for trace in traces:
        verona.fedway.ctl("trace", "remove", str(trace["trace"]))
    for name in ("talk.pcapng", "talk.txt"):
        with open(f"{verona.traces}/{name}", "rb") as file:
            content = file.read()
        assert b"secret" not in content and b"<body>*" in content, content
    read = subprocess.run(["tshark", "-r", f"{verona.traces}/talk.pcapng", "-Y", "xmpp.message", "-T", "fields",
                           "-e", "xmpp.from"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    senders = read.stdout.split()
    assert any(sender.startswith("juliet@") for sender in senders), senders
    assert any(SVC in sender for sender in senders), senders
