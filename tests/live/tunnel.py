# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Two nodes with nothing but a tunnel between them: an edge with a real sshd, a core with a real ssh, on loopback addresses."""
import glob
import json
import time

from fedway import Daemon
from process import free_port, wait_until

EDGE, CORE = "edge-1", "core-1"


class Node(Daemon):
    """fedwayd with the component tunnel."""

    def __init__(self, where, realm, **options):
        super().__init__(where, realm)
        self.directory, self.options = f"{where}/tunnel", options
        options.update(directory="tunnel", backoff_min_ms=100, backoff_max_ms=500,
                       bridge_program=f"{self.installed.prefix}/libexec/fedway/fedway-tunnel")
        self.config.update({"state_file": "state.conf", "federation": False, "listen": [], "domains": [],
                            "components": [{"module": "tunnel", "options": options}]})

    def start(self):
        self.write()
        return self.launch()

    def program(self):
        """Number of the one program that it runs: sshd or ssh."""
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children") as f:
            return (list(map(int, f.read().split())) or [None])[0]

    def show(self):
        return self.ctl("tunnel", "show")["components"][0]

    def key(self, what, name):
        return next((row["key"] for row in self.show()["keys"] if (row["what"], row["name"]) == (what, name)), None)

    def peer(self, seconds=None, **wanted):
        """Waits until the one peer's row is as wanted, and returns it."""
        def row():
            rows = self.show()["edges" if self.realm == CORE else "cores"]
            return next((r for r in rows if all(r.get(k) == v for k, v in wanted.items())), None)
        return wait_until(lambda: f"{self.realm}: a peer with {wanted}: {self.show()}", row, seconds)

    def state(self):
        """The text of its state file; empty when there is none yet."""
        try:
            with open(f"{self.where}/state.conf") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def told(self, key):
        """What the peer has told of a key, as it is kept."""
        with open(f"{self.directory}/learned.json") as f:
            peers = json.load(f)["peers"]
        return json.loads(peers[0]["values"].get(key, "null")) if peers else None


def processes(*words):
    """Numbers of processes whose command line has all the words."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if line and all(word in line for word in words):
            found.append(int(path.split("/")[2]))
    return found


class Pair:
    """An edge and its core."""

    def __init__(self, world, edge_node=Node, **edge):
        self.world, ip = world, "127.0.0.7"
        self.port = free_port(ip)
        self.edge = edge_node(f"{world.where}/edge", EDGE, role="listen", address=ip, port=self.port)
        self.core = Node(f"{world.where}/core", CORE, role="connect",
                         edges=[{"realm": EDGE, "host": ip, "port": self.port, **edge}])
        self.core.config["domains"] = [{"name": "corp.example", "federation": True, "im_and_presence": True}]

    def start(self):
        for node in (self.edge, self.core):
            self.world.start(node)
        self.edge.wait_log("the tunnel listens")
        return self

    def introduce(self):
        """Each gets the other's key, by the commands of the operator."""
        key = self.core.ctl("tunnel", "keygen")["components"][0]["public_key"]
        self.edge.ctl("tunnel", "authorize", key)
        self.core.ctl("tunnel", "pin", EDGE, self.edge.key("host key", EDGE))
        self.core.peer(state="connected")
        self.edge.peer(state="connected")
        return self

    def children(self):
        """sshd, ssh and what they have started."""
        return processes(self.edge.directory) + processes(self.core.directory)

    def gone(self, seconds=10):
        """Waits until none of them is left, and returns how long it took."""
        began = time.monotonic()
        wait_until(lambda: f"the end of {self.children()}", lambda: not self.children(), seconds)
        return time.monotonic() - began
