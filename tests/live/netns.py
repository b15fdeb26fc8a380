# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Machines for live tests: network name spaces around one router, whose packet filter opens only what is listed.

A Space is one machine. It has no name that another run could take, and it ends with the processes that are in it,
however the test ends. `with space:` moves the calling thread; what is started there stays there. Used by nodes.py;
nothing here knows XMPP. Needs root, iproute2 and nftables: without them it fails, and says so.
"""
import ctypes
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

CLONE_NEWNET = 0x40000000
GATEWAY = "169.254.0.1"  # the router, as every machine sees it
_libc = ctypes.CDLL(None, use_errno=True)


def _call(what, status):
    if status != 0:
        raise AssertionError(f"{what}: {os.strerror(ctypes.get_errno())}; tests between machines need root, and a kernel "
                             "with network name spaces, veth and nftables")


class Space:
    """A network name space. It can be entered again where it is already."""

    def __init__(self, name):
        self.name, self.left = name, []
        self.file = ThreadPoolExecutor(1).submit(self._make).result()
        self.run("ip", "link", "set", "lo", "up")

    def _make(self):
        """In a thread of its own, which ends: nobody else is moved."""
        _call(f"a network name space for {self.name}", _libc.unshare(CLONE_NEWNET))
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def path(self):
        """What `ip` takes as the name of a name space."""
        return f"/proc/{os.getpid()}/fd/{self.file}"

    def move_thread(self):
        """The calling thread is there from now on."""
        _call(f"entering {self.name}", _libc.setns(self.file, CLONE_NEWNET))

    def __enter__(self):
        self.left.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        self.move_thread()
        return self

    def __exit__(self, *_):
        back = self.left.pop()
        _call(f"leaving {self.name}", _libc.setns(back, CLONE_NEWNET))
        os.close(back)

    def run(self, *words, given=None):
        """Runs a program there and returns what it prints."""
        with self:
            try:
                done = subprocess.run(words, input=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      timeout=30, env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})
            except FileNotFoundError:
                raise AssertionError(f"{words[0]} is missing: install the Debian packages iproute2 and nftables") from None
        assert done.returncode == 0, f"{self.name}: {' '.join(words)}\n{given or ''}{done.stdout}"
        return done.stdout

    def close(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None


class Net:
    """Machines by name with their addresses, and the router between them.

    `opened` lists who may open a connection to whom: (from, to, protocol, port); a machine is named by its own name or by
    that of its group. `inwards` lists pairs (from, to) that must never be tried: they have a counter of their own.
    """

    def __init__(self, machines, groups, opened, inwards):
        self.machines, self.groups, self.spaces, self.cuts = machines, groups, {}, []
        self.router = Space("the router")
        try:
            for number, (name, addresses) in enumerate(machines.items()):
                self._plug(name, number, addresses)
            self.router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
            self.router.run("nft", "-f", "-", given=self._rules(opened, inwards))
        except BaseException:
            self.close()
            raise

    def _plug(self, name, number, addresses):
        space = self.spaces[name] = Space(name)
        self.router.run("ip", "link", "add", f"to{number}", "type", "veth", "peer", "name", "eth0", "netns", space.path)
        self.router.run("ip", "addr", "add", f"{GATEWAY}/32", "dev", f"to{number}")
        self.router.run("ip", "link", "set", f"to{number}", "up")
        for address in addresses:
            space.run("ip", "addr", "add", f"{address}/32", "dev", "eth0")
            self.router.run("ip", "route", "add", f"{address}/32", "dev", f"to{number}")
        space.run("ip", "link", "set", "eth0", "up")
        space.run("ip", "route", "add", f"{GATEWAY}/32", "dev", "eth0")
        space.run("ip", "route", "add", "default", "via", GATEWAY, "src", addresses[0])

    def addresses(self, who):
        names = self.groups.get(who, [who])
        return "{ " + ", ".join(a for name in names for a in self.machines[name]) + " }"

    def _rules(self, opened, inwards):
        rules = [f"ip saddr {self.addresses(a)} ip daddr {self.addresses(b)} {proto} dport {port} accept"
                 for a, b, proto, port in opened]
        rules += [f"ip saddr {self.addresses(a)} ip daddr {self.addresses(b)} counter name inwards drop"
                  for a, b in inwards]
        return ("table ip filter {\n counter inwards {}\n counter others {}\n chain cut { type filter hook forward priority -10; }\n"
                " chain forward {\n  type filter hook forward priority 0; policy drop;\n"
                "  ct state established,related accept\n  " + "\n  ".join(rules) +
                "\n  counter name others drop\n }\n}\n")

    def dropped(self, counter):
        """How many packets the filter has thrown away: `inwards`, or all `others` that nobody may send."""
        told = json.loads(self.router.run("nft", "-j", "list", "counter", "ip", "filter", counter))
        return next(row["counter"]["packets"] for row in told["nftables"] if "counter" in row)

    def cut(self, one, other, port, how="reject with tcp reset"):
        """Breaks every connection between two machines to this port, until mend(): whoever sends is told so, or with
        how="drop" hears nothing."""
        pair = f"ip saddr {self.addresses(one)} ip daddr {self.addresses(other)}"
        back = f"ip saddr {self.addresses(other)} ip daddr {self.addresses(one)}"
        self.cuts.append(f"add rule ip filter cut {pair} tcp dport {port} counter {how}\n"
                         f"add rule ip filter cut {back} tcp sport {port} counter {how}\n")
        self.router.run("nft", "-f", "-", given=self.cuts[-1])
        return self.cuts[-1]

    def hit(self):
        """How many packets have met what is cut."""
        told = json.loads(self.router.run("nft", "-j", "list", "chain", "ip", "filter", "cut"))
        return sum(part["counter"]["packets"] for row in told["nftables"] for part in row.get("rule", {}).get("expr", [])
                   if "counter" in part)

    def mend(self, cut=None):
        """One cut, or all of them."""
        self.cuts = [other for other in self.cuts if cut is not None and other is not cut]
        self.router.run("nft", "-f", "-", given="flush chain ip filter cut\n" + "".join(self.cuts))

    def close(self):
        for space in [*self.spaces.values(), self.router]:
            space.close()
