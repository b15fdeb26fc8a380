# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The real peers of the live tests and of the demo: unbound as DNS server, Prosody as XMPP server.

Each runs in a folder of its own, on 127.0.0.0/8, with ports that were free. A missing peer is an error, never
a reason to skip. Nothing here starts Fedway; that is fedway.py.
"""
import os
import shutil
import socket

from certificates import self_signed
from process import Process, free_port


def need(program, package):
    """Path of a peer's program; says which Debian package brings it."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{program} is missing: install the Debian package {package}")
    return path


UNBOUND_CONF = """server:
  interface: {ip}@{port}
  access-control: 0.0.0.0/0 allow
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

    def add_xmpp(self, domain, ip, port, direct_port=None):
        """SRV and A, as a domain's owner would publish them; no port: not offered in this way."""
        for service, number in (("_xmpp-server", port), ("_xmpps-server", direct_port)):
            if number:
                self.add(f"{service}._tcp.{domain}. 60 IN SRV 0 0 {number} xmpp.{domain}.")
        self.add(f"xmpp.{domain}. 60 IN A {ip}")

    def addresses(self):
        """Names and addresses of all A records."""
        return [(row[0].rstrip("."), row[4]) for row in map(str.split, self.records) if row[3] == "A"]

    def settings(self):
        data = "\n".join(f'  local-data: "{r}"' for r in self.records)
        return UNBOUND_CONF.format(ip=self.ip, port=self.port, where=self.where, data=data)

    def start(self):
        with open(f"{self.where}/unbound.conf", "w") as f:
            f.write(self.settings())
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
plugin_paths = {{ {plugins} }}
log = {{ {{ levels = {{ min = "debug" }}, to = "console" }} }}
network_backend = "epoll"
use_ipv6 = false
modules_enabled = {{ "roster"; "saslauth"; "tls"; "disco"; "ping"; "presence"; "message"; "iq"; {modules} }}
modules_disabled = {{ "offline"; {without} }}
authentication = "internal_plain"
storage = "internal"
ssl = {{ certificate = "{certificate}"; key = "{key}"; {trusts} }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = {require_tls}
s2s_secure_auth = {secure_auth}
c2s_interfaces = {{ "{ip}" }}
c2s_ports = {{ {c2s_port} }}
s2s_interfaces = {{ "{ip}" }}
s2s_ports = {{ {s2s_port} }}
component_interfaces = {{ "{ip}" }}
component_ports = {{ {component_port} }}
c2s_direct_tls_ports = {{}}
s2s_direct_tls_interfaces = {{ "{ip}" }}
s2s_direct_tls_ports = {{ {direct_port} }}
unbound = {{ resolvconf = false; hoststxt = false; forward = {{ "{dns_ip}@{dns_port}" }} }}
VirtualHost "{domain}"
{muc}
{more}
"""
ROOMS = """Component "{name}" "muc"
  muc_room_locking = false"""


class Prosody(Process):
    """Prosody of this system with one host, found through `dns`, an Unbound.

    `dialback=False` leaves SASL EXTERNAL alone; `authority` is whom it trusts; `direct_tls` gives a second port,
    and only that is published, under _xmpps-server; `muc` is the name of a service for rooms; `modules` are more of them,
    and `plugins` a folder with some of ours.
    """

    def __init__(self, where, domain, dns, ip="127.0.0.2", require_tls=True, more="", publish=True, certificate=None,
                 authority=None, dialback=True, direct_tls=False, bidi=False, muc=None, modules=(), plugins=None):
        self.where, self.domain, self.dns, self.ip, self.more, self.plugins = where, domain, dns, ip, more, plugins
        self.require_tls, self.authority, self.dialback, self.muc = require_tls, authority, dialback, muc
        self.modules = [*modules, *(["dialback"] if dialback else []), *(["s2s_bidi"] if bidi else [])]
        self.c2s_port, self.s2s_port, self.component_port = (free_port(ip) for _ in range(3))
        self.direct_port = free_port(ip) if direct_tls else None
        self.hosts = [domain] + ([muc] if muc else [])
        os.makedirs(f"{where}/data", exist_ok=True)
        self.certificate = certificate or self_signed(f"{where}/certs", *self.hosts)
        for name in self.hosts if publish else ():
            dns.add_xmpp(name, ip, None if direct_tls else self.s2s_port, self.direct_port)
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

    def settings(self):
        def names(words):
            return "".join(f'"{word}"; ' for word in words)
        certificate, key = self.certificate.files
        return PROSODY_CONF.format(
            root="run_as_root = true" if os.geteuid() == 0 else "", where=self.where, ip=self.ip, domain=self.domain,
            more=self.more, modules=names(self.modules), plugins=names([self.plugins] if self.plugins else []),
            without=names(word for word in ("dialback", "s2s_bidi") if word not in self.modules),
            certificate=certificate, key=key, trusts=f'cafile = "{self.authority.file}"' if self.authority else "",
            require_tls="true" if self.require_tls else "false", secure_auth="false" if self.dialback else "true",
            muc=ROOMS.format(name=self.muc) if self.muc else "", c2s_port=self.c2s_port, s2s_port=self.s2s_port,
            component_port=self.component_port, direct_port=self.direct_port or "", dns_ip=self.dns.ip,
            dns_port=self.dns.port)

    def start(self):
        with open(f"{self.where}/prosody.cfg.lua", "w") as f:
            f.write(self.settings())
        super().start()
        self.wait_port(self.ip, self.c2s_port)
        if self.s2s_port:
            self.wait_port(self.ip, self.s2s_port)
        return self

    def restart(self, pause=None):
        """Stops it as an operator would and starts it again on the same ports."""
        self.stop()
        if pause:
            pause()
        return self.start()
