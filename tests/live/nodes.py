# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of config/samples/three-nodes on machines of their own (netns.py), at the addresses that the samples name.

Everything here is prepared, not started; the tests say what runs. Between the machines only the ports of PORTS are open, in
the direction that is listed: what is more is dropped and counted.
"""
from netns import Net
from peers import Prosody, Unbound

CORP, LAB, PARTNER = "corp.example", "lab.example", "partner.example"
MACHINES = {
    "dns": ["198.51.100.53"],
    "partner": ["198.51.100.20"],
    "edge-1": ["192.0.2.7", "10.9.1.2"],  # towards the world, and inwards
    "edge-2": ["192.0.2.8", "10.9.1.3"],
    "core": ["10.9.2.2"],
    "im": ["10.9.2.3"],
    "inner": ["10.9.2.4"],
}
GROUPS = {"edges": ["edge-1", "edge-2"], "inside": ["core", "im", "inner"], "all": list(MACHINES)}
PORTS = [
    ("all", "dns", "udp", 53), ("all", "dns", "tcp", 53),
    ("partner", "edges", "tcp", 5269), ("edges", "partner", "tcp", 5269),  # S2S
    ("core", "edges", "tcp", 7400), ("core", "edges", "tcp", 2222),  # links and tunnel: dialled from inside
    ("core", "im", "tcp", 7400), ("core", "im", "tcp", 8443),  # links and AXL
    ("core", "inner", "tcp", 5347), ("inner", "core", "tcp", 5269),  # config/samples/inner-component-prosody
]


class Nodes:
    """The machines of one world. `space` names a machine; what is made by place() runs there."""

    def __init__(self, world):
        self.world, self.where = world, world.where
        self.net = Net(MACHINES, GROUPS, PORTS, inwards=[("edges", "inside")])
        world.dns = self.dns = self.place("dns", lambda: Unbound(f"{self.where}/dns", MACHINES["dns"][0]))
        self.dns.port = 53

    def place(self, machine, make):
        """Makes a process of a machine: its addresses exist only there."""
        with self.net.spaces[machine]:
            process = make()
        process.space = self.net.spaces[machine]
        return process

    def partner(self):
        """The Prosody of somebody else, with juliet."""
        ip = MACHINES["partner"][0]
        prosody = self.place("partner", lambda: Prosody(f"{self.where}/partner", PARTNER, self.dns, ip, publish=False))
        prosody.s2s_port = 5269
        self.dns.add_xmpp(PARTNER, ip, 5269)
        prosody.add_user("juliet")
        return prosody

    def quiet(self):
        """Nobody has tried what the filter forbids."""
        assert self.net.dropped("inwards") == 0, "an edge has dialled inwards"
        assert self.net.dropped("others") == 0, self.net.router.run("nft", "list", "ruleset")

    def close(self):
        self.net.close()
