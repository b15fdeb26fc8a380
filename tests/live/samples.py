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

    def __init__(self, where, dns, path, domains, changes, **options):
        super().__init__(where, dns, domains, **options)
        self.path, self.changes = path, changes
        s2s = self.options["s2s"]
        shutil.copy(s2s["certificate_file"], f"{where}/certificate.pem")
        shutil.copy(s2s["key_file"], f"{where}/key.pem")
        shutil.copy(f"{where}/link.secret", f"{where}/im.secret")

    def write(self):
        ours = {key: self.config[key] for key in ("module_path", "control_socket", "log_level", "listen")}
        text = sample(self.path, {
            'address = "192.0.2.7"; port = 5269': f'address = "{self.ip}"; port = {self.s2s_port}',
            'module = "resolver";': f'module = "resolver"; options = {libconfig(self.options["resolver"])};',
            **self.changes})
        with open(f"{self.where}/fedway.conf", "w") as f:
            f.write(text + "".join(f"{key} = {libconfig(value)};\n" for key, value in ours.items()))


class SampleEjabberd(Ejabberd):
    """ejabberd with the ejabberd.yml of a sample beside the settings of the tests; it listens for servers by the sample."""

    def __init__(self, where, dns, path, domain, changes, **options):
        super().__init__(where, domain, dns, publish=False, **options)
        ours = yaml.safe_load(self.settings)
        ours["listen"] = [row for row in ours["listen"] if row["module"] != "ejabberd_s2s_in"]
        shipped = yaml.safe_load(sample(path, {"SECRET": SECRET, **changes}))
        self.settings = yaml.safe_dump(merge(ours, shipped))


class SampleProsody(Prosody):
    """Prosody with the prosody.cfg.lua of a sample after the settings of the tests; the hosts are those of the sample."""

    def __init__(self, where, dns, path, domain, changes, **options):
        super().__init__(where, domain, dns, publish=False, **options)
        self.path, self.changes = path, changes

    def settings(self):
        ours = super().settings()
        ours = "".join(line + "\n" for line in ours[:ours.index("VirtualHost")].splitlines()
                       if not line.startswith("unbound"))
        return ours + sample(self.path, {**self.changes})


class SampleUnbound(Unbound):
    """The DNS server that only the internal server asks, with the unbound.conf of a sample."""

    def __init__(self, where, path, changes):
        super().__init__(where, "127.0.0.54")
        self.path, self.changes = path, changes

    def settings(self):
        return super().settings() + sample(self.path, {"port: 5353": f"port: {self.port}", **self.changes})
