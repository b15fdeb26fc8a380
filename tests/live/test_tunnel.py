# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The tunnel between an edge and a core, with the sshd and ssh of the machine: what goes through it, what does not, and what
happens when a part of it dies."""
import os
import signal
import socket
import subprocess
import time

import pytest

from process import free_port
from tunnel import CORE, EDGE, Node, Pair, processes


@pytest.fixture
def pair(world):
    yield Pair(world)


@pytest.fixture(scope="module")
def joined(shared_world):
    """A pair whose tunnel stands, for tests that leave it so."""
    yield Pair(shared_world).start().introduce()


def ssh(pair, *words, key=None, options=()):
    """What somebody with a key can do; the end of it, and all that was said."""
    known = f"{pair.world.where}/known"
    with open(known, "w") as f:
        f.write(f"{EDGE} {pair.edge.key('host key', EDGE)}\n")
    done = subprocess.run(["ssh", "-F", "none", "-i", key or f"{pair.core.directory}/id_ed25519", "-p", str(pair.port),
                           "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
                           "-o", f"UserKnownHostsFile={known}", "-o", f"HostKeyAlias={EDGE}", "-o", "ConnectTimeout=10",
                           *options, "127.0.0.7", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30)
    return done.returncode, done.stdout


def test_what_each_must_know_arrives_and_follows(pair):
    pair.core.options.update(allow=["partner.example"],
                             static_routes=[{"domain": "partner.example", "host": "192.0.2.7", "port": 5270}])
    pair.core.config["domains"][0]["chat_node_aliases"] = ["rooms.corp.example"]
    pair.edge.installed.install_echo()  # it takes what goes to the outside, as s2s would
    pair.edge.config["components"].append({"module": "echo", "id": "cm-2_s2scp-1", "options": {"domain": "*"}})
    pair.start().introduce()
    pair.core.peer(federation="off", components=1)
    pair.world.until("the edges in the core's state", lambda: "cm-2_s2scp-1.edge-1" in pair.core.state())
    pair.world.until("the domains in the edge's state", lambda: "rooms.corp.example" in pair.edge.state())
    names = [row["name"] for row in pair.edge.told("domains")]
    assert names == ["corp.example", "rooms.corp.example"], names
    assert pair.edge.told("allow") == ["partner.example"]
    assert pair.edge.told("static_routes") == [{"domain": "partner.example", "host": "192.0.2.7", "port": 5270}]
    pair.edge.ctl("federation", "on")
    pair.core.peer(federation="on", seconds=1)
    del pair.edge.config["components"][1]
    pair.edge.reload()
    pair.core.peer(components=0, seconds=1)
    pair.core.config["domains"].append({"name": "new.example", "federation": True})
    pair.core.options["deny"] = ["*.evil.example"]
    del pair.core.options["static_routes"]
    pair.core.reload()
    pair.world.until(lambda: f"the new domain: {pair.edge.told('domains')}",
                     lambda: pair.edge.told("domains")[-1]["name"] == "new.example", 1)
    pair.world.until(lambda: "the new lists",
                     lambda: pair.edge.told("deny") == ["*.evil.example"] and pair.edge.told("static_routes") is None, 1)
    row = pair.core.peer(state="connected")
    assert row["serial_told"] == row["serial_acknowledged"] > 0 and abs(row["skew_ms"]) < 2000, row


def test_an_edge_comes_and_goes_by_reload(pair):
    pair.start().introduce()
    row = pair.core.options["edges"].pop()
    pair.core.reload()
    pair.edge.peer(state="away")
    assert not processes(f"{pair.core.directory}/known_hosts.{EDGE}")
    pair.core.options["edges"].append(row)
    pair.core.reload()
    pair.core.peer(state="connected")


def test_each_way_to_fail_has_a_sentence_and_a_remedy(pair, tmp_path):
    pair.start()

    def why(text, remedy):
        row = pair.world.until(
            lambda: f"'{text}' in {pair.core.show()['edges']}",
            lambda: next((r for r in pair.core.show()["edges"] if text in r["last_error"]), None))
        assert remedy in row["remedy"], row

    why("this core has no key yet", "tunnel keygen")
    pair.core.ctl("tunnel", "keygen")
    why("is not pinned", "tunnel pin")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{tmp_path}/other"], check=True)
    with open(f"{tmp_path}/other.pub") as f:
        other = f.read()
    pair.core.ctl("tunnel", "pin", EDGE, other)
    why("the host key of the edge is not the one that is pinned", "somebody else")
    pair.core.ctl("tunnel", "pin", EDGE, pair.edge.key("host key", EDGE))
    why("the edge does not take the key of this core", "tunnel authorize")
    pair.edge.ctl("tunnel", "authorize", pair.core.key("own key", CORE), "core-7")
    why("the other side ends it: the other side is realm core-1, not core-7", "")
    assert pair.edge.ctl("tunnel", "authorize", pair.core.key("own key", CORE))["components"][0]["result"] == "authorized"
    pair.core.peer(state="connected")
    again = pair.edge.ctl("tunnel", "authorize", pair.core.key("own key", CORE))["components"][0]
    assert again["result"] == "already authorized", again
    pair.edge.stop()
    why("the edge refuses the connection", "is fedwayd running there")
    assert pair.core.told("federation") is not None, "what is known stays"
    with pytest.raises(AssertionError, match="no public key"):
        pair.core.ctl("tunnel", "pin", EDGE, "ssh-ed25519 AAAAnotakeyatall")
    pair.core.options["edges"][0]["host"] = "no-such-host.invalid"
    pair.core.reload()
    why("the name of the edge is not known", "DNS")


def test_a_port_in_use_is_told_until_it_is_free(world):
    first, second = Pair(world), Pair(world)
    second.edge = Node(f"{world.where}/second", EDGE, role="listen", address="127.0.0.7", port=first.port)
    first.start()
    world.start(second.edge)
    second.edge.wait_log("the port of the tunnel is in use")
    assert "the port of the tunnel is in use" in second.edge.show()["last_error"]
    first.edge.stop()
    second.edge.wait_log("the tunnel listens")


def test_a_missing_program_is_told(world):
    node = Node(f"{world.where}/edge", EDGE, role="listen", address="127.0.0.7", port=free_port("127.0.0.7"))
    node.options["sshd_program"] = "/nowhere/sshd"
    world.start(node)
    node.wait_log("cannot run /nowhere/sshd: No such file or directory.*install OpenSSH")
    del node.options["sshd_program"]
    node.reload()
    node.wait_log("the tunnel listens")


@pytest.mark.parametrize("words, options", [
    (["id"], []),
    ([], []),  # a shell
    ([], ["-tt"]),
    (["-s", "sftp"], []),
    (["fedway-tunnel; id"], []),
    ([], ["-N", "-L", "127.0.0.7:0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes"]),
    ([], ["-W", "127.0.0.1:22"]),
    ([], ["-N", "-R", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes"]),
    ([], ["-N", "-w", "0:0", "-o", "ExitOnForwardFailure=yes"]),
], ids=["command", "shell", "terminal", "sftp", "more-words", "local", "stdio", "remote", "device"])
def test_a_key_that_is_let_in_can_do_nothing_else(joined, words, options):
    if "-L" in options:  # sshd learns of it only when somebody connects
        port = free_port("127.0.0.8")
        options = ["-o", "SessionType=default", "-L", f"127.0.0.8:{port}:127.0.0.7:{joined.port}"]
        status, said = ssh(joined, "id", options=options)
    else:
        status, said = ssh(joined, *words, options=options)
    assert status != 0 and "uid=" not in said, said
    refused = ("only the subsystem fedway-tunnel is here", "subsystem request failed", "forwarding failed",
               "administratively prohibited", "PTY allocation request failed", "Tunnel device open failed", "remote port forwarding failed")
    assert any(text in said for text in refused), said
    joined.core.peer(state="connected", seconds=10)


def test_local_forwarding_is_refused_when_it_is_used(joined):
    port = free_port("127.0.0.8")
    known = f"{joined.world.where}/known-l"
    with open(known, "w") as f:
        f.write(f"{EDGE} {joined.edge.key('host key', EDGE)}\n")
    client = subprocess.Popen(["ssh", "-F", "none", "-i", f"{joined.core.directory}/id_ed25519", "-p", str(joined.port), "-N",
                               "-o", f"UserKnownHostsFile={known}", "-o", f"HostKeyAlias={EDGE}", "-o", "BatchMode=yes",
                               "-L", f"127.0.0.8:{port}:127.0.0.7:{joined.port}", "-D", f"127.0.0.8:{free_port('127.0.0.8')}", "127.0.0.7"],
                              stderr=subprocess.PIPE, text=True)
    try:
        def through():
            try:
                return socket.create_connection(("127.0.0.8", port), 1)
            except OSError:
                return None
        link = joined.world.until("the forwarded port", through)
        link.settimeout(10)
        assert link.recv(100) == b"", "bytes came through"
        link.close()
    finally:
        client.kill()
    assert "administratively prohibited" in client.stderr.read()


def test_a_strange_key_is_refused(joined, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{tmp_path}/strange"], check=True)
    status, said = ssh(joined, "-s", "fedway-tunnel", key=f"{tmp_path}/strange")
    assert status == 255 and "Permission denied (publickey)" in said, said


def test_a_crowd_of_strangers_keeps_the_core_in(pair):
    """One address opens more connections than sshd keeps, and says nothing on them: the core comes back at once."""
    pair.start().introduce()
    crowd = []
    for _ in range(60):
        one = socket.socket()
        one.bind(("127.0.0.66", 0))
        one.connect(("127.0.0.7", pair.port))
        crowd.append(one)
    kept = 0
    for one in crowd:  # sshd says its version to those that it keeps
        one.settimeout(10)
        try:
            kept += one.recv(4) == b"SSH-"
        except ConnectionError:
            pass
    mark = pair.core.mark()
    os.kill(pair.core.program(), signal.SIGKILL)
    pair.core.wait_log("edge disconnected", mark)
    pair.core.peer(state="connected", seconds=10)
    assert kept <= 5, kept
    for one in crowd:
        one.close()


def test_each_part_may_be_killed(pair):
    pair.start().introduce()
    listener = pair.edge.program()
    os.kill(listener, signal.SIGKILL)
    pair.world.until("a new sshd", lambda: pair.edge.program() not in (None, listener))
    pair.core.peer(state="connected")  # the session does not need the listener

    mark = pair.core.mark()
    os.kill(pair.core.program(), signal.SIGKILL)
    pair.core.wait_log("edge disconnected", mark)
    pair.edge.ctl("federation", "on")  # while there is no tunnel, or just when there is one again
    pair.core.peer(state="connected", federation="on")

    pair.core.stop(signal.SIGKILL)
    pair.edge.peer(state="away", seconds=10)
    pair.world.until("no ssh without its fedwayd", lambda: not processes(pair.core.directory), 5)
    pair.core.start()
    pair.core.peer(state="connected", federation="on")

    pair.edge.stop(signal.SIGKILL)
    pair.world.until("no sshd without its fedwayd", lambda: not processes(pair.edge.directory), 10)
    assert pair.core.peer(state="waiting", federation="on"), "what is known stays"
    pair.edge.start()
    pair.core.peer(state="connected")
    pair.core.stop()
    pair.edge.stop()
    pair.gone()


def test_a_hung_edge_is_known_within_ten_seconds(pair):
    pair.start().introduce()
    mark, began = pair.core.mark(), time.monotonic()
    pair.edge.kill(signal.SIGSTOP)
    try:
        pair.core.wait_log("edge disconnected: the other side is silent", mark, 12)
        assert time.monotonic() - began < 10
    finally:
        pair.edge.kill(signal.SIGCONT)
    pair.core.peer(state="connected")


def test_a_revoked_core_is_out_at_once(pair):
    pair.start().introduce()
    pair.edge.ctl("tunnel", "revoke", CORE)
    assert pair.edge.show()["cores"] == []
    pair.world.until("the refusal", lambda: "does not take the key" in pair.core.show()["edges"][0]["last_error"])


class Ordinary(Node):
    """An edge whose fedwayd runs as a user that is not root, with a login shell, as the package makes it."""
    USER, NUMBER = "fedway-tunnel-test", 64321

    def start(self):
        with open("/etc/passwd") as f, open(f"{self.where}/passwd", "w") as out:
            out.write(f.read() + f"{self.USER}:x:{self.NUMBER}:{self.NUMBER}::{self.where}:/bin/sh\n")
        os.chown(self.where, self.NUMBER, self.NUMBER)
        above = self.where
        while above != "/":
            above = os.path.dirname(above)
            os.chmod(above, os.stat(above).st_mode | 0o011)
        self.command = ["unshare", "--mount", "sh", "-c",
                        f"mount --bind {self.where}/passwd /etc/passwd && exec setpriv --reuid {self.NUMBER} "
                        f"--regid {self.NUMBER} --clear-groups --no-new-privs \"$@\"", "sh",
                        f"{self.installed.prefix}/sbin/fedwayd", "--config", f"{self.where}/fedway.conf"]
        return super().start()


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests show it then")
def test_an_ordinary_user_runs_the_edge(world):
    pair = Pair(world, Ordinary, user=Ordinary.USER).start().introduce()
    assert pair.edge.show()["user"] == Ordinary.USER
    owners = {os.stat(f"/proc/{p}").st_uid for p in processes(pair.edge.directory)}
    assert owners == {Ordinary.NUMBER}, owners
