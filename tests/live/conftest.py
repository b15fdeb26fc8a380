# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the live tests."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fedway  # noqa: E402
import talk  # noqa: E402
from certificates import Authority  # noqa: E402
from ejabberd import Ejabberd  # noqa: E402
from peers import Prosody, Unbound  # noqa: E402
from process import stop_all, wait_until  # noqa: E402


class World:
    """Everything one test starts, stopped in the reverse order when it ends."""

    def __init__(self, where):
        self.where = str(where)
        self.running, self.talkers = [], []
        self.dns = Unbound(f"{self.where}/dns")
        self.authority = Authority(f"{self.where}/ca")
        self.until = wait_until

    def start(self, process):
        self.running.append(process)
        process.start()
        return process

    def prosody(self, domain, ip, name=None, **options):
        """Prepared, not started: all DNS records must be known before the DNS server starts."""
        return Prosody(f"{self.where}/{name or domain}", domain, self.dns, ip, **options)

    def ejabberd(self, domain, ip, name=None, **options):
        """Prepared like Prosody."""
        return Ejabberd(f"{self.where}/{name or domain}", domain, self.dns, ip, **options)

    def prepare_fedway(self, domains, name="fedway", **options):
        return fedway.Fedway(f"{self.where}/{name}", self.dns, domains, **options)

    def client(self, server, user):
        talker = talk.client(f"{user}@{server.domain}/test", server.ip, server.c2s_port, space=server.space)
        self.talkers.append(talker)
        return talker

    def component(self, name, router):
        talker = talk.component(name, router.ip, router.link_port, fedway.SECRET, router.space)
        self.talkers.append(talker)
        return talker

    def meet(self, service, user="juliet"):
        """Starts DNS, partner and fedwayd, with a user of the partner's and a component of ours; each has its name here."""
        for process in (self.dns, self.partner, self.fedway):
            self.start(process)
        setattr(self, user, self.client(self.partner, user))
        self.svc = self.component(service, self.fedway)

    def stop(self):
        for talker in self.talkers:
            talker.close()
        problems = stop_all(self.running)
        assert not problems, "\n".join(problems)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory):
    """One world for all tests of a file that leave it as it was."""
    made = World(tmp_path_factory.mktemp("shared"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def world_of_rows(tmp_path_factory):
    """Makes a world for each row of a table of a file; the caller stops it."""
    return lambda: World(tmp_path_factory.mktemp("row"))


@pytest.fixture(scope="session")
def session_world(tmp_path_factory):
    """One world for all tests of a folder that leave it as it was."""
    made = World(tmp_path_factory.mktemp("session"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def new_world(tmp_path_factory):
    """Makes worlds for a fixture that has several, one after the other; it stops them itself."""
    return lambda name: World(tmp_path_factory.mktemp(name))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the processes said last."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for made in {id(v): v for v in getattr(item, "funcargs", {}).values() if isinstance(v, World)}.values():
        for process in made.running:
            report.sections.append((process.name, process.tail()))
