# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The sample configurations as shipped, run as they stand: only addresses, ports and names of files are put in.

A change names the text that it replaces, which must be there: a sample that has changed is a test that fails. What a
sample leaves to the operator (accounts, keys, folders) comes from the classes of fedway.py, peers.py and ejabberd.py.
"""
import os
import shutil

import yaml

from ejabberd import Ejabberd
from fedway import Fedway, SECRET, libconfig
from peers import Prosody, Unbound

FOLDER = os.path.join(os.environ.get("FEDWAY_SOURCE") or os.path.join(os.path.dirname(__file__), "..", ".."),
                      "config", "samples")


def sample(path, changes):
    """The text of a shipped file, with what an operator has to put in."""
    with open(os.path.join(FOLDER, path)) as f:
        text = f.read()
    for old, new in changes.items():
        assert old in text, f"{path}: there is no '{old}' to be replaced"
        text = text.replace(old, str(new))
    return text


def merge(ours, shipped):
    """Both as one: groups by their keys, lists one after the other, and else what is shipped."""
    if isinstance(ours, dict):
        return {key: merge(ours[key], shipped[key]) if key in ours and key in shipped else
                shipped.get(key, ours.get(key)) for key in [*ours, *shipped]}
    if isinstance(ours, list):
        return ours + [item for item in shipped if item not in ours]
    return shipped


class SampleFedway(Fedway):
    """fedwayd with the fedway.conf of a sample."""

    def __init__(self, where, dns, folder, domains, changes, **options):
        super().__init__(where, dns, domains, **options)
        self.folder, self.changes = folder, changes
        s2s = self.options["s2s"]
        shutil.copy(s2s["certificate_file"], f"{where}/certificate.pem")
        shutil.copy(s2s["key_file"], f"{where}/key.pem")
        shutil.copy(f"{where}/link.secret", f"{where}/im.secret")

    def write(self):
        ours = {key: self.config[key] for key in ("module_path", "control_socket", "log_level", "listen", "links")
                if self.config[key]}
        text = sample(f"{self.folder}/fedway.conf", {
            'address = "192.0.2.7"; port = 5269': f'address = "{self.ip}"; port = {self.s2s_port}',
            'module = "resolver";': f'module = "resolver"; options = {libconfig(self.options["resolver"])};',
            **self.changes})
        with open(f"{self.where}/fedway.conf", "w") as f:
            f.write(text + "".join(f"{key} = {libconfig(value)};\n" for key, value in ours.items()))


class SampleEjabberd(Ejabberd):
    """ejabberd with files of a sample: its ejabberd.yml beside the settings of the tests, and its inetrc if it has one."""

    def __init__(self, where, dns, folder, domain, changes, **options):
        super().__init__(where, domain, dns, publish=False, **options)
        self.folder = folder
        ours = yaml.safe_load(self.settings)
        ours["listen"] = [row for row in ours["listen"] if row["module"] != "ejabberd_s2s_in"]
        ours["modules"].pop("mod_s2s_dialback")
        shipped = yaml.safe_load(sample(f"{folder}/ejabberd.yml", changes))
        self.settings = yaml.safe_dump(merge(ours, shipped))

    def inetrc(self):
        if not os.path.exists(f"{FOLDER}/{self.folder}/inetrc"):
            return super().inetrc()
        # The file of hosts is the C library's, which reads that of the tests.
        return sample(f"{self.folder}/inetrc", {
            "{127,0,0,1},5353": "{" + self.dns.ip.replace(".", ",") + "}," + str(self.dns.port),
            '"/etc/hosts"': f'"{self.where}/hosts"'})


class SampleProsody(Prosody):
    """Prosody with the prosody.cfg.lua of a sample behind the settings of the tests, which name no host."""

    def __init__(self, where, dns, folder, domain, changes, **options):
        super().__init__(where, domain, dns, publish=False, **options)
        self.folder, self.changes = folder, changes

    def settings(self):
        shipped = sample(f"{self.folder}/prosody.cfg.lua", self.changes)
        given = {line.split(" = ")[0] for line in shipped.splitlines() if " = " in line}
        ours = super().settings()
        ours = ours[:ours.index("VirtualHost")].splitlines()
        return "\n".join([line for line in ours if line.split(" = ")[0] not in given] + [shipped])


class SampleUnbound(Unbound):
    """The DNS server of the server inside, with the unbound.conf of a sample: everybody is the edge at `port`."""

    def __init__(self, where, folder, edge_ip, edge_port):
        super().__init__(where, "127.0.0.54")
        self.folder, self.edge_ip, self.edge_port = folder, edge_ip, edge_port

    def addresses(self):
        return [("edge.corp.internal", self.edge_ip)]

    def settings(self):
        ours = super().settings().replace("interface:", "#").replace("local-zone:", "#")
        return ours + sample(f"{self.folder}/unbound.conf", {
            "interface: 127.0.0.1": f"interface: {self.ip}", "port: 5353": f"port: {self.port}",
            "5269 edge": f"{self.edge_port} edge", "A 10.0.5.7": f"A {self.edge_ip}"})
