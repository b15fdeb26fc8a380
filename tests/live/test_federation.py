# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The main job: a user of a real Prosody talks with components of ours, in both directions."""
import pytest

SVC, ECHO, JULIET = "svc.corp.example", "echo.corp.example", "juliet@partner.example/test"


@pytest.fixture(scope="module")
def verona(shared_world):
    """Prosody with juliet, fedwayd with the component svc on its port and echo inside."""
    world = shared_world
    world.partner = world.prosody("partner.example", "127.0.0.2")
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC, ECHO], allow=["partner.example"])
    world.fedway.link(SVC)
    world.fedway.echo(ECHO)
    world.meet(SVC)
    yield world


@pytest.fixture(autouse=True)
def balanced(verona):
    """Every test ends with a ledger that balances."""
    yield
    verona.fedway.settled()


def test_message_to_a_component_on_7400_and_back(verona):
    verona.juliet.message(f"porter@{SVC}", "open the gate")
    assert verona.svc.wait_body("open the gate")["from"].full == JULIET
    verona.svc.send(f"<message from='porter@{SVC}' to='{JULIET}' type='chat'><body>it is open</body></message>")
    assert verona.juliet.wait_body("it is open")["from"].full == f"porter@{SVC}"


def test_echo_inside_the_process_answers(verona):
    verona.juliet.message(f"anyone@{ECHO}", "who is there?")
    answer = verona.juliet.wait("the echo", lambda s: s.name == "message" and s["from"].domain == ECHO)
    assert "who is there?" in answer["body"]


def test_presence_both_ways(verona):
    verona.juliet.send(f"<presence to='porter@{SVC}' type='subscribe'/>")
    asked = verona.svc.wait("a subscription", lambda s: s.name == "presence" and s["type"] == "subscribe")
    assert asked["from"].bare == "juliet@partner.example"
    verona.svc.send(f"<presence from='porter@{SVC}' to='juliet@partner.example' type='subscribed'/>")
    verona.svc.send(f"<presence from='porter@{SVC}/gate' to='{JULIET}'><show>dnd</show>"
                    "<status>at the gate</status></presence>")
    seen = verona.juliet.wait("porter's presence",
                              lambda s: s.name == "presence" and s["from"].full == f"porter@{SVC}/gate")
    assert seen["status"] == "at the gate"


def test_iq_both_ways(verona):
    assert verona.juliet.iq_ping(SVC)["type"] == "result"
    answer = verona.svc.iq_ping("partner.example")
    assert answer["type"] == "result" and answer["from"].domain == "partner.example"


def test_iq_to_echo_gets_an_answer(verona):
    """Whatever the plugin thinks of a ping, nobody waits for ever."""
    assert verona.juliet.iq_ping(ECHO)["type"] in ("result", "error")


def test_a_user_who_does_not_exist_is_said_so(verona):
    verona.svc.message("nobody@partner.example", "hello?", "nobody-1")
    assert verona.svc.wait_error("nobody-1")["from"].bare == "nobody@partner.example"


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_thousand_stanzas_in_order(verona, direction):
    sender, receiver = (verona.juliet, verona.svc) if direction == "in" else (verona.svc, verona.juliet)
    source, target = (JULIET, f"porter@{SVC}") if direction == "in" else (f"porter@{SVC}", JULIET)
    wanted = [f"{direction}-{i}" for i in range(1000)]
    sender.send_many([f"<message from='{source}' to='{target}' type='chat' id='{name}'>"
                      f"<body>{name} &lt;&#229;&gt;</body></message>" for name in wanted])
    receiver.wait(wanted[-1], lambda s: s["id"] == wanted[-1])
    came = [s["id"] for s in receiver.messages("chat") if s["id"].startswith(f"{direction}-")]
    assert came == wanted


def test_streams_say_how_they_were_proved(verona):
    for direction in ("in", "out"):
        verona.fedway.wait_log("db:result")
        rows = verona.fedway.streams(direction=direction, local=SVC, remote="partner.example")
        assert rows, f"no stream {direction}"
        assert rows[0]["method"] == "dialback" and rows[0]["security"]["tls"]


def test_the_log_tells_the_three_roles_of_dialback(verona):
    story = "\n".join(verona.fedway.story("db:"))
    for word in ("db:result", "db:verify"):
        for heading in ("sending", "received"):
            assert any(heading in line and word in line for line in story.splitlines()), (heading, word)
    assert "dialback-secret" not in verona.fedway.text()


def test_both_found_each_other_by_srv(verona):
    assert verona.dns.asked("_xmpp-server._tcp.partner.example") >= 1
    assert verona.dns.asked(f"_xmpp-server._tcp.{SVC}") >= 1
