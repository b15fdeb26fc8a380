# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""ejabberd of this system as a peer of the live tests, with the same words as Prosody in peers.py.

It runs without its ejabberdctl and as no Erlang node: one `erl` in a folder of its own, which opens no port but those
of XMPP and asks no epmd. Nothing here starts Fedway.
"""
import os

from certificates import self_signed
from peers import need
from process import Process, free_port, wait_until

EJABBERD_CONF = """hosts: [ "{domain}" ]
loglevel: debug
certfiles: [ "{certificate}" ]
{trusts}
auth_method: internal
auth_password_format: plain
negotiation_timeout: 30s
s2s_use_starttls: {starttls}
s2s_timeout: 10m
s2s_max_retry_delay: 1s
outgoing_s2s_families: [ ipv4 ]
outgoing_s2s_timeout: 10s
shaper: {{}}
listen:
  - {{ port: {c2s_port}, ip: "{ip}", module: ejabberd_c2s }}
  - {{ port: {s2s_port}, ip: "{ip}", module: ejabberd_s2s_in }}
{direct}
{listen}
modules:
  mod_roster: {{}}
  mod_disco: {{}}
  mod_ping: {{}}
{dialback}
{modules}
"""
# SRV records come from unbound alone: an empty resolv_conf, or the system's resolver would be asked first. Addresses of
# their targets ejabberd takes from the C library, for which nss_wrapper reads a file of ours.
INETRC = """{{lookup,[file,dns]}}.
{{resolv_conf,""}}.
{{hosts_file,""}}.
{{edns,0}}.
{{nameserver,{dns_ip},{dns_port}}}.
"""


def library():
    """The folder where Debian keeps the Erlang applications of ejabberd."""
    with open(need("ejabberdctl", "ejabberd")) as f:
        return next(line.split("=")[1].strip().strip("'") for line in f if line.startswith("ERL_LIBS="))


class Ejabberd(Process):
    """ejabberd with one host, found through `dns`, an Unbound.

    `dialback=False` leaves SASL EXTERNAL alone; `authority` is whom it trusts; `direct_tls` gives a second port,
    and only that is published, under _xmpps-server; `muc` is the name of a service for rooms.
    """

    def __init__(self, where, domain, dns, ip="127.0.0.2", certificate=None, authority=None, dialback=True,
                 starttls="required", direct_tls=False, muc=None, listen="", modules="", publish=True):
        os.makedirs(f"{where}/spool", exist_ok=True)
        self.where, self.domain, self.dns, self.ip, self.users = where, domain, dns, ip, []
        self.c2s_port, self.s2s_port = free_port(ip), free_port(ip)
        self.direct_port = free_port(ip) if direct_tls else None
        self.ready = f"{where}/ready"
        self.hosts = [domain] + ([muc] if muc else [])
        certificate = certificate or self_signed(f"{where}/certs", *self.hosts)
        direct = f'  - {{ port: {self.direct_port}, ip: "{ip}", module: ejabberd_s2s_in, tls: true }}'
        rooms = f'  mod_muc: {{ host: "{muc}" }}\n' if muc else ""
        self.settings = EJABBERD_CONF.format(
            domain=domain, certificate=certificate.both, trusts=f'ca_file: "{authority.file}"' if authority else "",
            starttls=starttls, c2s_port=self.c2s_port, s2s_port=self.s2s_port, ip=ip,
            direct=direct if direct_tls else "", listen=listen,
            dialback="  mod_s2s_dialback: {}" if dialback else "", modules=rooms + modules)
        for name in self.hosts if publish else ():
            dns.add_xmpp(name, ip, None if direct_tls else self.s2s_port, self.direct_port)
        super().__init__(f"ejabberd {domain}", None, f"{where}/ejabberd.log")

    def add_user(self, name, password="pass"):
        """The account is made when ejabberd starts."""
        self.users.append((name, password))
        return f"{name}@{self.domain}"

    def _command(self):
        accounts = "".join(f'ok = ejabberd_auth:try_register(<<"{name}">>, <<"{self.domain}">>, <<"{password}">>), '
                           for name, password in self.users)
        return [need("erl", "erlang-base"), "+S", "1:1", "+sbwt", "none", "-noinput",
                "-mnesia", "dir", f'"{self.where}/spool"', "-ejabberd", "log_rotate_count", "0",
                "-s", "ejabberd", "-eval", accounts + f'ok = file:write_file("{self.ready}", <<>>), ' + self._reloader()]

    def _reloader(self):
        """A process inside that reads the configuration again when there is a file `reload`, which it takes away."""
        return (f'spawn(fun F() -> receive after 50 -> ok end, case filelib:is_file("{self.where}/reload") of '
                f'true -> ok = ejabberd_admin:reload_config(), ok = file:delete("{self.where}/reload"); '
                'false -> ok end, F() end).')

    def reload(self):
        """As `ejabberdctl reload_config`, which needs a node with a name."""
        with open(f"{self.where}/ejabberd.yml", "w") as f:
            f.write(self.settings)
        open(f"{self.where}/reload", "w").close()
        wait_until(lambda: f"{self.name} to reload\n{self.tail()}", lambda: not os.path.exists(f"{self.where}/reload"))

    def inetrc(self):
        return INETRC.format(dns_ip="{" + self.dns.ip.replace(".", ",") + "}", dns_port=self.dns.port)

    def start(self):
        with open(f"{self.where}/ejabberd.yml", "w") as f:
            f.write(self.settings)
        with open(f"{self.where}/inetrc", "w") as f:
            f.write(self.inetrc())
        if os.path.exists(self.ready):
            os.remove(self.ready)
        with open(f"{self.where}/hosts", "w") as f:
            f.writelines(f"{address} {name}\n" for name, address in self.dns.addresses())
        self.command = self._command()
        self.env = {"ERL_LIBS": library(), "EJABBERD_CONFIG_PATH": f"{self.where}/ejabberd.yml",
                    "EJABBERD_LOG_PATH": f"{self.where}/log", "ERL_CRASH_DUMP": "/dev/null",
                    "ERL_INETRC": f"{self.where}/inetrc", "HOME": self.where,
                    "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": f"{self.where}/hosts"}
        super().start()

        def ready():
            if not self.alive():
                raise AssertionError(f"{self.name} ended at start:\n{self.tail()}")
            return os.path.exists(self.ready)
        wait_until(lambda: f"{self.name}\n{self.tail()}", ready)
        return self
