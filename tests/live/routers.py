# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Routers without modules on addresses of this machine, for tests of what they do with each other: edges, a core, an inner
node. No DNS, no real peers, no root.
"""
import talk
from fedway import SECRET, Daemon
from process import free_port, wait_until

ADDRESSES = {"edge-1": "127.0.9.1", "edge-2": "127.0.9.2", "core-1": "127.0.9.3", "im-1": "127.0.9.4"}


class Node(Daemon):
    """A router without modules; `routers` are dictionaries of rows."""

    def __init__(self, where, realm):
        super().__init__(f"{where}/{realm}", realm)
        self.ip = ADDRESSES[realm]
        self.link_port = free_port(self.ip)
        self.link_secret = self.secret("link.secret", SECRET)
        self.config.update({
            "state_file": "", "link_reroute_after_s": 1, "link_resume_window_s": 3,
            "listen": [{"address": self.ip, "port": self.link_port}],
            "domains": [{"name": "corp.example", "federation": True}], "routers": [], "links": [],
        })

    def row(self, other, dial=False, secret=True, **more):
        """A row for another router; `more` goes before what is usual."""
        where = {"host": other.ip, "port": other.link_port} if dial else {}
        if secret:
            where["secret_file"] = self.link_secret
        self.config["routers"].append({"realm": other.realm, "retry_min_ms": 50, "retry_max_ms": 500, **where, **more})

    def certify(self, authority, pair):
        """Links are secured with this certificate, and those of others are judged by this authority."""
        self.config.update(link_certificate_file=pair.certificate, link_key_file=pair.key, link_ca_file=authority.file,
                           link_crl_file=authority.crl)

    def wires(self, other):
        """What is reported of the connections to another router."""
        rows = self.ctl("streams")["components"]
        return [s for c in rows if c["id"] == f"router-{other.realm}.{self.realm}" for s in c["streams"]]

    def start(self):
        self.write()
        self.launch()
        self.wait_port(self.ip, self.link_port)
        return self

    def routes(self, domain):
        return [r for r in self.ctl("routes")["routes"] if r["domain"] == domain and "component" in r]

    def router(self, realm):
        return next(r for r in self.ctl("routers")["routers"] if r["realm"] == realm)

    def wait_route(self, domain, count=1, seconds=None):
        return wait_until(lambda: f"{count} × {domain} at {self.realm}: {self.ctl('routes')}",
                          lambda: len([r for r in self.routes(domain) if r["state"] == "up"]) == count, seconds)


class Nodes:
    """Edges, core and inner node, with the components at both ends."""

    def __init__(self, world, edges=1):
        self.world = world
        self.edges = [Node(world.where, f"edge-{n + 1}") for n in range(edges)]
        self.core, self.im = Node(world.where, "core-1"), Node(world.where, "im-1")
        for edge in self.edges:
            edge.row(self.core)
            edge.link("gw.edge", domains=["*"])
            self.core.row(edge, dial=True, outside=True, default_route=True)
        self.core.row(self.im, dial=True)
        self.im.row(self.core, outside=True, default_route=True, realms=[edge.realm for edge in self.edges])
        self.im.link("corp.example")

    def start(self):
        for node in [*self.edges, self.im, self.core]:
            self.world.start(node)
        self.corp = self.component("corp.example", self.im)
        self.gates = [self.component("gw.edge", edge) for edge in self.edges]
        self.im.wait_route("*")
        self.core.wait_route("*", len(self.edges))
        for edge in self.edges:
            edge.wait_route("corp.example")
        return self

    def component(self, name, node):
        talker = talk.component(name, node.ip, node.link_port, SECRET)
        self.world.talkers.append(talker)
        return talker

    def send_out(self, count, first=0):
        self.corp.send_many([f"<message type='chat' from='a@corp.example/x' to='b@p{n}.example' id='{n}'>"
                             f"<body>out {n}</body></message>" for n in range(first, first + count)])

    def bodies(self, gate):
        return [s["body"] for s in gate.messages() if s["type"] != "error"]

    def arrived(self):
        return [b for gate in self.gates for b in self.bodies(gate)]

    def answers(self):
        return [s["id"] for s in self.corp.messages("error")]
