# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The real peers of the live tests and of the demo: unbound as DNS server, Prosody as XMPP server.

Each runs in a folder of its own, on 127.0.0.0/8, with ports that were free. A missing peer is an error, never
a reason to skip. Nothing here starts Fedway; that is fedway.py.
"""
import os
import shutil
import socket
import subprocess

from process import Process, free_port


def need(program, package):
    """Path of a peer's program; says which Debian package brings it."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{program} is missing: install the Debian package {package}")
    return path


def make_certificate(folder, name):
    """A key and a self-signed certificate for a domain; returns their paths."""
    os.makedirs(folder, exist_ok=True)
    key, certificate = f"{folder}/{name}.key", f"{folder}/{name}.crt"
    subprocess.run([need("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate],
                   check=True, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o600)
    return certificate, key


UNBOUND_CONF = """server:
  interface: {ip}@{port}
  username: ""
  chroot: ""
  directory: "{where}"
  pidfile: "{where}/unbound.pid"
  use-syslog: no
  logfile: ""
  log-queries: yes
  do-daemonize: no
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "." static
{data}
remote-control:
  control-enable: no
"""


class Unbound(Process):
    """An authoritative server for what it is told and for nothing else; it asks nobody."""

    def __init__(self, where, ip="127.0.0.53"):
        os.makedirs(where, exist_ok=True)
        self.where, self.ip, self.records = where, ip, []
        self.port = free_port(ip, socket.SOCK_DGRAM)
        super().__init__("unbound", [need("unbound", "unbound"), "-d", "-c", f"{where}/unbound.conf"],
                         f"{where}/unbound.log")

    def add(self, record):
        self.records.append(record)

    def add_xmpp(self, domain, ip, port):
        """SRV and A, as a domain's owner would publish them."""
        self.add(f"_xmpp-server._tcp.{domain}. 60 IN SRV 0 0 {port} xmpp.{domain}.")
        self.add(f"xmpp.{domain}. 60 IN A {ip}")

    def start(self):
        data = "\n".join(f'  local-data: "{r}"' for r in self.records)
        with open(f"{self.where}/unbound.conf", "w") as f:
            f.write(UNBOUND_CONF.format(ip=self.ip, port=self.port, where=self.where, data=data))
        super().start()
        self.wait_port(self.ip, self.port)
        return self

    def asked(self, name):
        """How often a name was looked up; unbound logs each query with the name's final dot."""
        return self.text().count(f" {name}. ")


PROSODY_CONF = """-- written for a test
{root}
daemonize = false
pidfile = "{where}/prosody.pid"
data_path = "{where}/data"
certificates = "{where}/certs"
plugin_paths = {{}}
log = {{ {{ levels = {{ min = "debug" }}, to = "console" }} }}
network_backend = "epoll"
use_ipv6 = false
modules_enabled = {{ "roster"; "saslauth"; "tls"; "dialback"; "disco"; "ping"; "presence"; "message"; "iq"; }}
modules_disabled = {{ "s2s_bidi"; "offline" }}
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = {require_tls}
s2s_secure_auth = false
c2s_interfaces = {{ "{ip}" }}
c2s_ports = {{ {c2s_port} }}
s2s_interfaces = {{ "{ip}" }}
s2s_ports = {{ {s2s_port} }}
component_interfaces = {{ "{ip}" }}
component_ports = {{ {component_port} }}
c2s_direct_tls_ports = {{}}
s2s_direct_tls_ports = {{}}
unbound = {{ resolvconf = false; hoststxt = false; forward = {{ "{dns_ip}@{dns_port}" }} }}
VirtualHost "{domain}"
{more}
"""


class Prosody(Process):
    """Prosody of this system with one host, found through `dns`, an Unbound."""

    def __init__(self, where, domain, dns, ip="127.0.0.2", require_tls=True, more="",
                 publish=True):
        self.where, self.domain, self.dns, self.ip, self.more = where, domain, dns, ip, more
        self.require_tls = require_tls
        self.c2s_port, self.s2s_port, self.component_port = (free_port(ip) for _ in range(3))
        os.makedirs(f"{where}/data", exist_ok=True)
        make_certificate(f"{where}/certs", domain)
        if publish:
            dns.add_xmpp(domain, ip, self.s2s_port)
        super().__init__(f"Prosody {domain}",
                         [need("prosody", "prosody"), "-F", "--config", f"{where}/prosody.cfg.lua"],
                         f"{where}/prosody.log")

    def add_user(self, name, password="pass"):
        """Writes the account as Prosody's internal storage keeps it."""
        host = self.domain.replace(".", "%2e").replace("-", "%2d")
        accounts = f"{self.where}/data/{host}/accounts"
        os.makedirs(accounts, exist_ok=True)
        with open(f"{accounts}/{name}.dat", "w") as f:
            f.write(f'return {{ ["password"] = "{password}" }};\n')
        return f"{name}@{self.domain}"

    def start(self):
        root = "run_as_root = true" if os.geteuid() == 0 else ""
        with open(f"{self.where}/prosody.cfg.lua", "w") as f:
            f.write(PROSODY_CONF.format(
                root=root, where=self.where, ip=self.ip, domain=self.domain, more=self.more,
                require_tls="true" if self.require_tls else "false", c2s_port=self.c2s_port,
                s2s_port=self.s2s_port, component_port=self.component_port, dns_ip=self.dns.ip,
                dns_port=self.dns.port))
        super().start()
        self.wait_port(self.ip, self.c2s_port)
        self.wait_port(self.ip, self.s2s_port)
        return self

    def restart(self, pause=None):
        """Stops it as an operator would and starts it again on the same ports."""
        self.stop()
        if pause:
            pause()
        return self.start()
