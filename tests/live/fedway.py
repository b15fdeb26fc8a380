# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""An installed fedwayd under test: its configuration as a dictionary, its process, and fedwayctl.

FEDWAY_PREFIX names the installation and FEDWAY_LIBDIR its libraries, below FEDWAY_STAGE if that is given (make's
DESTDIR); FEDWAY_SOURCE names the sources, whose plugin echo is built against that installation alone. Used by
the live tests and by the demo.
"""
import json
import os
import re
import signal
import socket
import subprocess

from certificates import self_signed
from process import Process, free_port, wait_until

SECRET = "component-secret"


class Installation:
    """Where `make install` put things."""

    def __init__(self):
        stage = os.environ.get("FEDWAY_STAGE", "")
        prefix = os.environ.get("FEDWAY_PREFIX", "")
        self.stage = stage
        self.prefix = stage + prefix
        self.libdir = stage + os.environ.get("FEDWAY_LIBDIR", f"{prefix}/lib")
        self.modules = f"{self.libdir}/fedway"
        self.env = {"LD_LIBRARY_PATH": self.libdir} if stage else {}
        if not os.path.exists(f"{self.prefix}/sbin/fedwayd"):
            raise AssertionError(f"FEDWAY_PREFIX={prefix or '(not set)'}: there is no sbin/fedwayd; "
                                 "`make check-live` and scripts/check set it")

    def install_echo(self):
        """Builds plugins/echo as a stranger would: with make, a compiler, pkg-config and the installed SDK."""
        source = os.environ.get("FEDWAY_SOURCE") or os.path.join(os.path.dirname(__file__), "..", "..")
        build = f"{self.prefix}/build-echo"
        os.makedirs(build, exist_ok=True)
        env = {**os.environ, "PKG_CONFIG_PATH": f"{self.libdir}/pkgconfig"}
        if self.stage:
            env.update(PKG_CONFIG_SYSROOT_DIR=self.stage, PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                       PKG_CONFIG_ALLOW_SYSTEM_LIBS="1")
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CFLAGS", "LDFLAGS", "srcdir", "builddir", "DESTDIR"):
            env.pop(name, None)
        subprocess.run(["make", "-s", "-C", os.path.join(source, "plugins", "echo"), f"builddir={build}",
                        f"moduledir={self.modules}", "install"], check=True, env=env)


def libconfig(value, indent=0):
    """Python data in the syntax of libconfig."""
    pad = "  " * indent
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, dict):
        lines = [f"{pad}  {k} = {libconfig(v, indent + 1)};" for k, v in value.items()]
        return "{\n" + "\n".join(lines) + f"\n{pad}}}"
    return "( " + ", ".join(libconfig(v, indent + 1) for v in value) + " )"


class Daemon(Process):
    """fedwayd with the `config` that its maker gives it; change that and call reload()."""

    judged = True

    def __init__(self, where, realm, name=None):
        self.installed = Installation()
        self.where, self.realm, self.socket = where, realm, f"{where}/control.sock"
        os.makedirs(where, exist_ok=True)
        self.config = {"realm": realm, "module_path": self.installed.modules, "control_socket": self.socket,
                       "log_level": "debug"}
        super().__init__(f"fedwayd {name or realm}",
                         [f"{self.installed.prefix}/sbin/fedwayd", "--config", f"{where}/fedway.conf"],
                         f"{where}/fedwayd.log", self.installed.env)

    def secret(self, file, text):
        """A file that only its owner reads; returns its path."""
        path = f"{self.where}/{file}"
        with open(path, "w") as f:
            f.write(text + "\n")
        os.chmod(path, 0o600)
        return path

    def link(self, name, **more):
        """A component may attach under this name."""
        self.config["links"].append({"name": name, "secret_file": f"{self.where}/link.secret", **more})

    def write(self):
        text = "".join(f"{k} = {libconfig(v)};\n" for k, v in self.config.items())
        with open(f"{self.where}/fedway.conf", "w") as f:
            f.write(text)

    def launch(self):
        """Starts the process alone, and waits until it can be asked. A socket left by one that was killed is no sign."""
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        Process.start(self)

        def listens():
            assert self.alive(), f"{self.name} ended at start with status {self.child.returncode}\n{self.tail()}"
            with socket.socket(socket.AF_UNIX) as s:
                return s.connect_ex(self.socket) == 0
        wait_until(lambda: f"the control socket of {self.name}\n{self.tail()}", listens)
        return self

    def stop(self, number=signal.SIGTERM, seconds=20):
        return super().stop(number, seconds)

    def ctl(self, *words):
        """Asks fedwayctl; returns its JSON, or raises with what it said."""
        done = subprocess.run([f"{self.installed.prefix}/sbin/fedwayctl", "--socket", self.socket, "--json",
                               *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=30, env={**os.environ, **self.installed.env})
        if done.returncode != 0:
            raise AssertionError(f"fedwayctl {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)["result"]

    def ctl_text(self, *words):
        """The same for people: exit status, and what is printed."""
        done = subprocess.run([f"{self.installed.prefix}/sbin/fedwayctl", "--socket", self.socket, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                              env={**os.environ, **self.installed.env})
        return done.returncode, done.stdout

    def status(self):
        """What `fedwayctl status` prints."""
        return self.ctl_text("status")[1]

    def reload(self):
        self.write()
        return self.ctl("reload")

    def ledger(self):
        return self.ctl("ledger")

    def settled(self):
        """Waits until nothing is in flight, and returns the ledger, which must balance."""
        def quiet():
            ledger = self.ledger()
            return ledger if ledger["total"]["in_flight"] == 0 else None
        ledger = wait_until(lambda: f"nothing in flight; ledger {self.ledger()['total']}", quiet)
        for account in [ledger["total"], ledger["bounces"], *ledger["components"]]:
            exits = sum(account[k] for k in ("delivered", "acknowledged", "answered", "bounced", "dropped"))
            assert account["balanced"] and account["in"] == exits + account["in_flight"], account
        assert ledger["balanced"]
        return ledger

    def story(self, pattern):
        """The log lines that match."""
        return [line for line in self.text().splitlines() if re.search(pattern, line)]

    def streams(self, **wanted):
        """S2S streams whose fields are as wanted; a pair of an inbound stream counts as its fields."""
        found = []
        for component in self.ctl("streams")["components"]:
            for row in component.get("streams", []):
                rows = [{**row, **{k: pair[k] for k in ("local", "remote")}}
                        for pair in row.get("pairs", [])] or [row]
                found += [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]
        return found


class Fedway(Daemon):
    """The same with s2s, dialback, policy and resolver, and what each was given in `options`."""

    def __init__(self, where, dns, domains, ip="127.0.0.3", allow=(), secret="dialback-secret",
                 ask=None, publish=True, certificate=None, authority=None, direct_tls=False):
        super().__init__(where, "edge-corp-example", domains[0])
        self.dns, self.ip = dns, ip
        self.s2s_port, self.link_port = free_port(ip), free_port(ip)
        certificate, key = (certificate or self_signed(f"{where}/certs", *domains)).files
        self.secret("link.secret", SECRET)
        for domain in domains if publish else ():
            ports = (None, self.s2s_port) if direct_tls else (self.s2s_port,)
            dns.add_xmpp(domain, ip, *ports)
        ask = ask or dns
        self.options = {
            "s2s": {"listen": [{"address": ip, "port": self.s2s_port}],
                    "certificate_file": certificate, "key_file": key,
                    "backoff_min_ms": 100, "backoff_max_ms": 1000},
            "dialback": {"secret_file": self.secret("dialback.secret", secret)},
            "policy": {"privacy_mode": "allow-list", "allow": list(allow)},
            "resolver": {"servers": [f"{ask.ip}:{ask.port}"]},
        }
        if authority is not None:
            self.options["s2s"]["ca_file"] = self.options["dialback"]["ca_file"] = authority.file
        self.config.update({
            "listen": [{"address": ip, "port": self.link_port}],
            "domains": [{"name": d, "federation": True} for d in domains],
            "links": [],
            "uplinks": [],
            "components": [{"module": m, "options": self.options[m]}
                           for m in ("resolver", "dialback", "policy", "s2s")],
        })

    def echo(self, domain):
        """The plugin answers for this domain, inside the process."""
        self.installed.install_echo()
        self.config["components"].append({"module": "echo", "options": {"domain": domain}})

    def start(self):
        self.write()
        self.launch()
        self.wait_port(self.ip, self.s2s_port)
        self.wait_port(self.ip, self.link_port)
        return self
