# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The federation switch on one node, with a real Prosody: off under load, on again, and what a node remembers when it is killed."""
import signal

import pytest

SVC, JULIET = "svc.corp.example", "juliet@partner.example/test"
PORTER = f"porter@{SVC}"


@pytest.fixture
def verona(world):
    """Prosody with juliet, fedwayd with the component svc and a state file."""
    world.partner = world.prosody("partner.example", "127.0.0.2")
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=["partner.example"])
    world.fedway.config["state_file"] = f"{world.fedway.where}/state.conf"
    world.fedway.link(SVC)
    world.meet(SVC)
    return world


def talk_both_ways(verona, word):
    """Both sides get through, with what the other side's server has to be reminded of."""
    verona.svc.message(JULIET, f"{word} out", f"{word}-out", source=PORTER)
    verona.juliet.wait_body(f"{word} out")
    verona.juliet.message(PORTER, f"{word} in", f"{word}-in")
    verona.svc.wait_body(f"{word} in")


def line_of(fedway):
    """What `fedwayctl status` says of federation."""
    return next(l for l in fedway.status().splitlines() if l.startswith("XMPP Federation"))


def test_off_under_load_then_on(verona):
    """Each of five thousand numbered messages arrives once or comes back once, with the cause; nothing waits for a restart."""
    fedway = verona.fedway
    talk_both_ways(verona, "before")
    assert line_of(fedway) == "XMPP Federation: Active, through s2s-1.edge-corp-example"
    names = [f"n{i}" for i in range(5000)]

    def send(some):
        verona.svc.send_many([f"<message from='{PORTER}' to='{JULIET}' type='chat' id='{n}'><body>{n}</body></message>"
                              for n in some])
    send(names[:4900])
    told = fedway.ctl("federation", "off")
    assert told["changed"] and told["kept"] and not told["active"]
    send(names[4900:])
    got = lambda: {s["id"] for s in verona.juliet.messages() if s["id"] in set(names)}
    back = lambda: {s["id"] for s in verona.svc.messages("error") if s["id"] in set(names)}
    verona.until(lambda: f"all: {len(got())} arrived, {len(back())} came back",
                 lambda: len(got() | back()) == len(names))
    arrived, returned = got(), back()
    assert not arrived & returned and returned >= set(names[4900:])
    assert sum(s["id"] in returned for s in verona.svc.messages("error")) == len(returned)
    ledger = fedway.settled()
    print(f"{len(arrived)} arrived, {len(returned)} came back")
    assert ledger["total"]["bounced"] == len(returned)  # some for a full queue, before the switch
    assert ledger["total"]["causes"]["federation-off"] >= 100
    verona.until("the end of all streams", lambda: not fedway.streams(remote="partner.example"))
    assert line_of(fedway).startswith("XMPP Federation: Inactive: switched off here by ")
    assert fedway.story("is_federation_enabled - changed from: 1 to: 0")

    # the other side is told so, in words, on the port that stays open
    verona.juliet.message(PORTER, "anybody?", "refused")
    verona.juliet.wait_error("refused")
    assert "federation with other domains is switched off here" in verona.partner.text()

    assert fedway.ctl("federation", "on")["active"]
    assert fedway.story("xconfiguration xcpConfiguration is_federation_enabled - changed from: 0 to: 1")
    talk_both_ways(verona, "after")
    fedway.settled()


def test_a_killed_node_remembers(verona):
    """The command is on the disk before it is answered; a configuration that says something new is the last word."""
    fedway = verona.fedway
    fedway.ctl("federation", "off")
    fedway.ctl("allow", "add", "later.example")
    for number in (signal.SIGKILL, signal.SIGTERM):
        fedway.stop(number)
        fedway.start()
        assert line_of(fedway).startswith("XMPP Federation: Inactive: switched off here by ")
        assert "later.example" in [r["domain"] for r in fedway.ctl("allow", "list")["components"][0]["entries"]]
    fedway.reload()
    assert line_of(fedway).startswith("XMPP Federation: Inactive")
    fedway.config["federation"] = False
    fedway.reload()
    fedway.config["federation"] = True
    fedway.reload()
    assert line_of(fedway).startswith("XMPP Federation: Active")


def test_a_damaged_state_file_is_no_switch(verona):
    """A node that cannot read what it has learned does not start, and says what to do; it overwrites nothing."""
    fedway = verona.fedway
    fedway.ctl("federation", "off")
    fedway.stop()
    path = f"{fedway.where}/state.conf"
    with open(path) as file:
        whole = file.read()
    with open(path, "w") as file:
        file.write(whole[:whole.index("on = ") + 4])
    with pytest.raises(Exception):
        fedway.start()
    assert f"state_file {path} cannot be used" in fedway.text()
    fedway.wait_end(78)  # a service manager need not try again
    with open(path) as file:
        assert file.read() == whole[:whole.index("on = ") + 4]
    with open(path, "w") as file:
        file.write(whole)
    fedway.start()
    assert line_of(fedway).startswith("XMPP Federation: Inactive")
