# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The shipped unit, users and folders under a systemd that has booted, with the samples of three nodes as they are shipped: not a
byte of them is changed. What is done here is what README.md tells an operator to do."""
import hashlib
import json
import os
import re
import socket
import subprocess

import pytest

from booted import Booted
from fedway import SECRET
from nodes import CORP, PARTNER, Node, Nodes
from process import wait_until

JULIET, PORTER = f"juliet@{PARTNER}/test", f"porter@{CORP}"


def read_until(peer, word):
    text = ""
    while word not in text or not text.endswith(">"):
        more = peer.recv(4096).decode()
        assert more, text
        text += more
    return text


class Unit(Node):
    """fedwayd on a machine of its own that boots, run by its unit."""

    def __init__(self, where, dns, file, *rest, **more):
        super().__init__(where, dns, file, *rest, **more)
        self.sample, self.machine, self.journal = file, None, ""

    def start(self):
        stage = self.installed.stage
        assert stage, "FEDWAY_STAGE is not set: make check-live and scripts/check set it"
        self.machine = Booted(self.where, self.realm, self.space)
        self.machine.start()
        subprocess.run(["cp", "-a", f"{stage}/.", self.machine.root], check=True)
        self.run("ldconfig")
        self.run("systemd-sysusers")
        self.run("systemd-tmpfiles", "--create", "fedway.conf")
        self.file = re.search(r"--config (\S+)", self.run("systemctl", "cat", "fedway"))[1]
        samples = os.path.join(self.installed.prefix[len(stage):], "share", "doc", "fedway", "samples", "three-nodes")
        self.run("cp", f"{samples}/{self.sample}", self.file)
        filters = f"{samples}/{self.sample.replace('.conf', '.nft')}"
        if os.path.exists(self.machine.root + filters):
            self.run("nft", "-f", filters)
        for name in os.listdir(self.where):
            if re.search(r"\.(secret|password|pem|pub)$", name):
                self.give(name)
        self.put("/etc/resolv.conf", f"nameserver {self.dns.ip}\n")
        assert "configuration is good" in self.run("fedwayd", "--check", user="fedway")
        self.run("systemctl", "enable", "--now", "fedway")
        return self

    def run(self, *words, **more):
        return self.machine.run(*words, **more)

    def put(self, path, text):
        """As root does with an editor: a new file is everybody's to read, one that is there stays as it is."""
        self.run("sh", "-c", f"umask 022; cat >'{path}'", given=text)

    def give(self, name):
        """A file that the sample names; what is secret in it is for root and the group of its folder."""
        with open(f"{self.where}/{name}") as f:
            text = f.read()
        path = os.path.join(os.path.dirname(self.file), name)
        self.put(path, text)
        if "PRIVATE" in text or not name.endswith((".pem", ".pub")):
            self.run("chmod", "o=", path)

    def edit(self, old, new):
        text = self.machine.read(self.file)
        assert old in text
        self.put(self.file, text.replace(old, new))

    def drop_in(self, text):
        """As `systemctl edit`."""
        self.run("mkdir", "-p", "/etc/systemd/system/fedway.service.d")
        self.put("/etc/systemd/system/fedway.service.d/override.conf", text)
        self.run("systemctl", "daemon-reload")

    def show(self, what):
        return self.run("systemctl", "show", "--value", "-p", what, "fedway").strip()

    def alive(self):
        return self.machine is not None and self.machine.alive()

    def text(self, since=0):
        """The journal of the unit; what it was at the end, when the machine is gone."""
        if self.alive():
            self.journal = self.machine.journal("fedway")
        return self.journal[since:]

    def mark(self):
        return len(self.text())

    def ctl(self, *words):
        return json.loads(self.run("fedwayctl", "--json", *words))["result"]

    def ctl_text(self, *words):
        return self.machine.run_all("fedwayctl", *words)

    def stop(self, *_):
        try:
            if self.alive():
                self.run("systemctl", "stop", "fedway")
                self.text()
                assert self.show("Result") == "success", self.tail()
        finally:
            if self.machine is not None:
                self.machine.stop()

    def answers(self, ip, port):
        """Somebody listens there."""
        with self.space, socket.socket() as s:
            return s.connect_ex((ip, port)) == 0

    def silent_component(self):
        """Attaches by XEP-0114 and says no more, not even a farewell."""
        with self.space:
            peer = socket.create_connection(("127.0.0.1", 7400), 10)
        peer.sendall(f"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{CORP}'>".encode())
        number = re.search(r"id=['\"]([^'\"]+)", read_until(peer, "id="))[1]
        proof = hashlib.sha1((number + SECRET).encode()).hexdigest()
        peer.sendall(f"<handshake>{proof}</handshake>".encode())
        read_until(peer, "<handshake")
        return peer

    def pid(self):
        return int(self.show("MainPID"))

    def again(self, pid):
        """Waits until it runs as another process than that."""
        wait_until(lambda: f"another process than {pid} of {self.tail()}",
                   lambda: self.show("SubState") == "running" and self.pid() != pid)


@pytest.fixture(scope="module")
def one(new_world):
    """all-in-one.conf, alone on its machine."""
    world = new_world("unit")
    world.nodes = nodes = Nodes(world)
    try:
        world.edge = world.start(nodes.node("edge-1", "all-in-one.conf", "edge-1", kind=Unit))
        yield world.edge
    finally:
        world.stop()
        nodes.close()


def test_it_is_ready_when_start_returns(one):
    assert one.show("ActiveState") == "active" and one.show("StatusText").startswith("running realm edge-1")
    assert one.answers("192.0.2.7", 5269) and one.answers("127.0.0.1", 7400)
    assert "health           green" in one.ctl_text("status")[1], one.ctl_text("notifications")[1]
    assert one.show("NRestarts") == "0"
    loud = one.machine.journal("fedway", "-p", "notice", "_COMM=fedwayd").splitlines()
    assert loud and all(re.match(r'20\S+ \S+: Level="NOTE ', line) for line in loud), loud


def test_who_may_do_what(one):
    """The daemon has no rights; its files are its own; a member of the group may command it, and nobody else."""
    with open(f"{one.machine.root}/proc/{one.pid()}/status") as f:
        status = dict(line.split(":", 1) for line in f)
    rights = {key: status[key].strip() for key in ("NoNewPrivs", "Seccomp", "CapBnd", "CapEff")}
    assert rights == {"NoNewPrivs": "1", "Seccomp": "2", "CapBnd": "0" * 16, "CapEff": "0" * 16}
    assert one.run("stat", "-c", "%a %U %G", os.path.dirname(one.file), "/run/fedway", "/run/fedway/control.sock", "/var/lib/fedway",
                   "/var/lib/fedway/state.conf", "/var/log/fedway").splitlines() == [
                       "2750 root fedway", "750 fedway fedway", "660 fedway fedway", "750 fedway fedway", "600 fedway fedway",
                       "750 fedway fedway"]
    assert one.run("passwd", "--status", "fedway").split()[1] == "L"
    for user, groups in (("operator1", "fedway"), ("stranger", "users")):
        one.run("useradd", "--groups", groups, user)
    assert "XMPP Federation" in one.run("fedwayctl", "status", user="operator1")
    status, text = one.machine.run_all("fedwayctl", "status", user="stranger")
    assert status == 3 and "join the group" in text
    one.run("systemd-analyze", "security", "--threshold=16", "fedway")
    assert one.run("systemd-analyze", "verify", "fedway.service") == ""


def test_the_switch_is_kept(one):
    one.ctl("federation", "on")
    one.run("systemctl", "restart", "fedway")
    assert "XMPP Federation: Active" in one.ctl_text("status")[1]


def test_reload_tells_whether_it_was_taken(one):
    pid = one.pid()
    one.edit("partner.example", "other.example")
    one.run("systemctl", "reload", "fedway")
    one.edit('realm = "edge-1";', 'realm = "edge-1"; no_such_key = 1;')
    status, _ = one.machine.run_all("systemctl", "reload", "fedway")
    assert status != 0 and "unknown key 'no_such_key'" in one.text()
    assert one.show("StatusText").startswith("running with the old configuration")
    assert one.show("ActiveState") == "active" and one.pid() == pid
    # what cannot be read now cannot be read in a second either: no other try
    one.machine.run_all("systemctl", "restart", "fedway")
    assert (one.show("ActiveState"), one.show("ExecMainStatus"), one.show("NRestarts")) == ("failed", "78", "0")
    one.edit(" no_such_key = 1;", "")
    one.run("systemctl", "start", "fedway")


def test_it_comes_back(one):
    """Killed, hung, or started before its address is there."""
    pid = one.pid()
    one.run("kill", "-KILL", str(pid))
    one.again(pid)
    one.drop_in("[Service]\nWatchdogSec=1\n")
    one.run("systemctl", "restart", "fedway")
    pid = one.pid()
    one.run("kill", "-STOP", str(pid))
    one.again(pid)
    assert "Watchdog timeout" in one.text()
    one.drop_in("[Service]\nRestartSec=100ms\n")
    one.run("ip", "addr", "del", "192.0.2.7/32", "dev", "eth0")
    one.machine.run_all("systemctl", "restart", "fedway")
    # systemd gives up after five starts unless it is told otherwise
    wait_until(lambda: f"the seventh start of {one.tail()}", lambda: int(one.show("NRestarts")) > 6)
    one.run("ip", "addr", "add", "192.0.2.7/32", "dev", "eth0")
    wait_until(lambda: f"the start of {one.tail()}", lambda: one.show("SubState") == "running")


def test_a_drain_is_not_cut_short(one):
    """Whoever attached and does not close in good order is waited for, longer than systemd would wait by itself."""
    one.drop_in("[Service]\nTimeoutStopSec=500ms\n")
    one.edit('realm = "edge-1";', 'realm = "edge-1"; drain_timeout_ms = 2000;')
    one.run("systemctl", "reload", "fedway")
    silent = one.silent_component()
    one.run("systemctl", "stop", "fedway")
    assert one.show("Result") == "success" and "drain_timeout_ms is over" in one.text()
    silent.close()
    one.run("systemctl", "start", "fedway")


@pytest.fixture
def three(world):
    """Edge, core and IM node, each a machine that boots, and a partner."""
    nodes = world.nodes = Nodes(world)
    try:
        world.partner = nodes.partner()
        world.edge, world.core, world.im = nodes.edge(kind=Unit), nodes.core(kind=Unit), nodes.im(kind=Unit)
        nodes.publish("edge-1")
        for process in (nodes.dns, world.partner, world.im, world.edge):
            world.start(process)
        yield world
        for node in (world.edge, world.core, world.im):
            node.settled()
        nodes.quiet()
        world.stop()
    finally:
        nodes.close()


def keys(node):
    """The public keys that `fedwayctl tunnel show` prints, by what they are."""
    return {row["what"]: row["key"] for row in node.ctl("tunnel", "show")["components"][0]["keys"]}


def test_three_nodes(three):
    """From three installations to a conversation, by the steps of config/samples/three-nodes/README.md and with its packet filters;
    and again after each unit was restarted."""
    edge, core, im, nodes = three.edge, three.core, three.im, three.nodes
    edge.wait_log("the tunnel listens")
    with open(f"{core.where}/edge-1.hostkey.pub", "w") as f:
        f.write(keys(edge)["host key"] + "\n")
    three.start(core)
    core.ctl("tunnel", "keygen")
    edge.ctl("tunnel", "authorize", keys(core)["own key"])
    nodes.joined(core, edge)
    edge.ctl("federation", "on")
    nodes.federated(core, im, edge)
    three.juliet = three.client(three.partner, "juliet")
    talk_both_ways(three, "first")
    for node in (edge, core, im):
        node.run("systemctl", "restart", "fedway")
        nodes.joined(core, edge)
        nodes.federated(core, im, edge)
        talk_both_ways(three, node.realm)
        assert node.show("NRestarts") == "0"
    # the tunnel's programs live until the drains are over
    assert not [line for node in (edge, core) for line in node.story("CodeLocation=.Tunnel.* Detail=.program ended")]
    assert "verdict: ok" in core.run("fedwayctl", "troubleshoot")
    # the filter of the edge itself, not the one between the machines: nodes.quiet() sees that nothing has left it
    assert not edge.answers(nodes.address("core"), 5269) and not edge.answers(nodes.address("im"), 7400)


def talk_both_ways(three, text):
    """The component first: with its domain known beyond the core, it can be answered."""
    porter = three.component(CORP, three.im)
    porter.message(JULIET, text, source=PORTER)
    three.juliet.wait_body(text)
    three.juliet.message(PORTER, f"{text}, too")
    assert porter.wait_body(f"{text}, too")["from"].full == JULIET
    porter.close()
