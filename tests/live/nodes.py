# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of config/samples/three-nodes on machines of their own (netns.py), at the addresses that the samples name.

Everything here is prepared, not started; the tests say what runs. Between the machines only the ports of PORTS are open, in
the direction that is listed: what is more is dropped and counted.
"""
import contextlib
import os
import random
import re
import shutil

from certificates import Authority
from fedway import Fedway, SECRET, libconfig
from netns import Net
from peers import Prosody, Unbound
from process import wait_until
from samples import SampleProsody, SampleUnbound, sample

FOLDER = "three-nodes"
S2S = "cm-2_s2scp-1"  # without its realm
CORP, ROOMS, PARTNER = "corp.example", "rooms.corp.example", "partner.example"
JULIET, PORTER = f"juliet@{PARTNER}/test", f"porter@{CORP}"  # at the partner, and our component
LAB, LAB_ROOMS = "lab.example", "conference.lab.example"  # of the Prosody inside
# Which secret each file of a sample holds: what two nodes share has one name.
SECRETS = {
    "edge.conf": {"core-1.secret": "core and edges", "dialback.secret": "dialback"},
    "core.conf": {"edge-1.secret": "core and edges", "edge-2.secret": "core and edges", "im-1.secret": "core and im", "prosody.secret": "core and prosody",
                  "dialback.secret": "dialback of the core", "axl.password": "axl"},
    "im.conf": {"core-1.secret": "core and im", "service.secret": SECRET, "axl.password": "axl"},
    "all-in-one.conf": {"service.secret": SECRET, "dialback.secret": "dialback"},
}
# Which certificates: of the inner authority, for these names.
CERTIFICATES = {
    "edge.conf": {"edge-1.pem": ["edge-1"]},
    "core.conf": {"core-1.pem": ["core-1"]},
    "im.conf": {"im-1.pem": ["im-1"], "im-axl.pem": ["imp1.corp.internal"]},
}
MACHINES = {
    "dns": ["198.51.100.53"],
    "partner": ["198.51.100.20"],
    "edge-1": ["192.0.2.7", "10.9.1.2"],  # towards the world, and inwards
    "edge-2": ["192.0.2.8", "10.9.1.3"],
    "core": ["10.9.2.2"],
    "im": ["10.9.2.3"],
    "inner": ["10.9.2.4"],
}
HERE = "127.0.0.1"  # where a machine reaches itself
GROUPS = {"edges": ["edge-1", "edge-2"], "inside": ["core", "im", "inner"], "all": list(MACHINES)}
PORTS = [
    ("all", "dns", "udp", 53), ("all", "dns", "tcp", 53),
    ("partner", "edges", "tcp", 5269), ("edges", "partner", "tcp", 5269),  # S2S
    ("core", "edges", "tcp", 7400), ("core", "edges", "tcp", 2222),  # links and tunnel: dialled from inside
    ("core", "im", "tcp", 7400), ("core", "im", "tcp", 8443),  # links and AXL
    ("core", "inner", "tcp", 5347), ("inner", "core", "tcp", 5269),  # config/samples/inner-component-prosody
]


# A second edge is the first one with other names.
EDGE_2 = {"edge-1": "edge-2", "192.0.2.7": "192.0.2.8", "10.9.1.2": "10.9.1.3"}
EDGE_ROWS = [
    '{ realm = "edge-1"; host = "10.9.1.2"; secret_file = "edge-1.secret"; outside = true; default_route = true; weight = 10; }',
    '{ realm = "edge-1"; host = "10.9.1.2"; port = 2222; host_key_file = "edge-1.hostkey.pub"; }',
]


def renamed(text):
    for old, new in EDGE_2.items():
        text = text.replace(old, new)
    return text


def on_postgresql(database):
    """The IM node's table in a Postgres."""
    return {'storage = "sqlite";': f'storage = "postgresql"; connection = "{database.connection}";',
            'database_file = "/var/lib/fedway/axl.db";': ""}


class Node(Fedway):
    """fedwayd with a file of config/samples/three-nodes. `changes` are what an operator would edit; `more`, what he would add."""

    def __init__(self, where, dns, file, realm, ip, changes=None, **more):
        super().__init__(where, dns, [CORP], ip, publish=False)
        self.name, self.file, self.realm, self.changes, self.more = f"fedwayd {realm}", file, realm, dict(changes or {}), more
        self.link_port, self.s2s_port, self.moved = 7400, 5269, {}
        for name, text in SECRETS[file].items():
            self.secret(name, text)

    def write(self):
        ours = {key: self.config[key] for key in ("module_path", "control_socket", "log_level")}
        text = sample(f"{FOLDER}/{self.file}", {
            '{ module = "resolver"; }': f'{{ module = "resolver"; options = {libconfig(self.options["resolver"])}; }}',
            **self.changes} if self.file != "im.conf" else self.changes)
        text = text.replace('/fedway/tunnel";', f'/fedway/tunnel"; bridge_program = "{self.installed.prefix}/libexec/'
                            'fedway/fedway-tunnel"; backoff_min_ms = 100; backoff_max_ms = 1000;')
        for old, new in {"/var/lib/fedway/": f"{self.where}/", **self.moved}.items():
            text = text.replace(old, new)
        with open(f"{self.where}/fedway.conf", "w") as f:
            f.write(text + "".join(f"{key} = {libconfig(value)};\n" for key, value in {**ours, **self.more}.items()))

    def start(self):
        self.write()
        return self.launch()


def talk_both_ways(world):
    """Juliet and the porter get through to each other."""
    world.juliet.message(PORTER, "open the gate")
    assert world.porter.wait_body("open the gate")["from"].full == JULIET
    world.porter.message(JULIET, "it is open", source=PORTER)
    assert world.juliet.wait_body("it is open")["from"].full == PORTER


class Loopback:
    """The same machines without root: addresses of 127.0.0.0/8 that are this run's own, and no filter between them."""

    def __init__(self):
        self.spaces = dict.fromkeys(MACHINES)
        net = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        every = [address for addresses in MACHINES.values() for address in addresses]
        self.moved = {address: f"{net}.{number}" for number, address in enumerate([*every, HERE], 1)}

    def close(self):
        pass


class Nodes:
    """The machines of one world, on a Net of their own or on Loopback."""

    def __init__(self, world, net=None):
        self.world, self.where = world, str(world.where)
        self.net = net or Net(MACHINES, GROUPS, PORTS, inwards=[("edges", "inside")])
        self.moved = getattr(self.net, "moved", {})
        world.dns = self.dns = self.place("dns", lambda: Unbound(f"{self.where}/dns", self.address("dns")))
        self.dns.port = 5353 if self.moved else 53
        self.inner_ca = Authority(f"{self.where}/inner-ca", "Inner CA")
        self.public = Authority(f"{self.where}/ca").issue(CORP, ROOMS, LAB, LAB_ROOMS, days=(-1, 365))

    def address(self, machine, which=0):
        address = MACHINES[machine][which]
        return self.moved.get(address, address)

    def place(self, machine, make):
        """Makes a process of a machine: its addresses exist only there."""
        space = self.net.spaces[machine]
        with space or contextlib.nullcontext():
            process = make()
        process.space = space
        return process

    def partner(self, **options):
        """The Prosody of somebody else, with juliet."""
        ip = self.address("partner")
        prosody = self.place("partner", lambda: Prosody(f"{self.where}/partner", PARTNER, self.dns, ip, publish=False, **options))
        prosody.s2s_port = 5269
        self.dns.add_xmpp(PARTNER, ip, 5269)
        prosody.add_user("juliet")
        return prosody

    def inner(self):
        """The Prosody of ours, with nurse, by the sample of inner-component-prosody; and its DNS, where the core is everybody."""
        folder, ip = "inner-component-prosody", self.address("inner")
        dns = self.place("inner", lambda: SampleUnbound(f"{self.where}/inner-dns", folder, self.address("core"), 5269))
        there = {"10.0.5.20": ip, "127.0.0.1@5353": f"{dns.ip}@{dns.port}", "SECRET": "core and prosody",
                 'corp.example"': f'{LAB}"'}
        prosody = self.place("inner", lambda: SampleProsody(f"{self.where}/inner", dns, folder, LAB, there, ip=ip))
        prosody.s2s_port = None
        prosody.add_user("nurse")
        return dns, prosody

    def publish(self, *edges):
        """Where the world finds our domains: at these edges, in turns."""
        for domain in (CORP, ROOMS, LAB, LAB_ROOMS):
            for machine in edges:
                self.dns.add(f"_xmpp-server._tcp.{domain}. 60 IN SRV 0 0 5269 {machine}.{CORP}.")
        for machine in edges:
            self.dns.add(f"{machine}.{CORP}. 60 IN A {self.address(machine)}")

    def node(self, machine, file, realm, changes=None, kind=Node, **more):
        """A node with the keys, certificates and secrets that its sample names."""
        node = self.place(machine, lambda: kind(f"{self.where}/{realm}", self.dns, file, realm, self.address(machine, -1),
                                                changes, **more))
        node.moved = self.moved
        node.ip = self.moved.get(HERE, HERE)  # components attach from the same machine
        for name, names in CERTIFICATES.get(file, {}).items():
            names = [realm if name == f"{n}.pem" else n for n in names]
            name = renamed(name) if realm == "edge-2" else name
            os.replace(self.inner_ca.issue(*names, days=(-1, 365)).both, f"{node.where}/{name}")
        shutil.copy(self.inner_ca.file, f"{node.where}/inner-ca.pem")
        for path, name in zip(self.public.files, ("certificate.pem", "key.pem")):
            shutil.copy(path, f"{node.where}/{name}")
        return node

    def edge(self, number=1, changes=None, **more):
        renamed = EDGE_2 if number == 2 else {}
        return self.node(f"edge-{number}", "edge.conf", f"edge-{number}", {**renamed, **(changes or {})}, **more)

    def core(self, edges=1, changes=None, **more):
        """With two edges, each row of the first stands a second time, with the other's names."""
        rows = {row: f"{row},\n{renamed(row)}" for row in EDGE_ROWS} if edges == 2 else {}
        return self.node("core", "core.conf", "core-1", {**rows, **(changes or {})}, **more)

    def im(self, changes=None, **more):
        return self.node("im", "im.conf", "im-1", changes, **more)

    def introduce(self, world, core, *edges):
        """Starts edges and core, and has both ends of each tunnel know each other's keys, as an operator would."""
        for edge in edges:
            world.start(edge)
            edge.wait_log("the tunnel listens")
            shutil.copy(f"{edge.where}/tunnel/host_ed25519.pub", f"{core.where}/{edge.realm}.hostkey.pub")
        world.start(core)
        key = core.ctl("tunnel", "keygen")["components"][0]["public_key"]
        for edge in edges:
            edge.ctl("tunnel", "authorize", key)
        self.joined(core, *edges)

    @staticmethod
    def joined(core, *edges):
        """Waits until the core has its tunnel to each edge."""
        def rows():
            return core.ctl("tunnel", "show")["components"][0]["edges"]
        wait_until(lambda: f"tunnels to {[edge.realm for edge in edges]}: {rows()}",
                   lambda: {edge.realm for edge in edges} == {row["realm"] for row in rows() if row["state"] == "connected"})

    def rows(self, im):
        """The component IDs in the IM node's table, as `fedwayctl sql` prints it."""
        status, text = im.ctl_text("sql", "select * from xmpps2snodes")
        assert status == 0, text
        return re.findall(r"\S*s2scp\S*", text)

    def federated(self, core, im, *edges):
        """Waits until every edge is in the table, and the core has its way to each."""
        wanted = sorted(f"{S2S}.{edge.realm}" for edge in edges)
        wait_until(lambda: f"rows {wanted}; there are {self.rows(im)}", lambda: sorted(self.rows(im)) == wanted)
        for node in (*edges, core, im):
            wait_until(lambda: f"federation at {node.realm}: {node.status()}", lambda: "Federation: Active" in node.status())

    def quiet(self):
        """Nobody has tried what the filter forbids."""
        assert self.net.dropped("inwards") == 0, "an edge has dialled inwards"
        assert self.net.dropped("others") == 0, self.net.router.run("nft", "list", "ruleset")

    def close(self):
        self.net.close()
