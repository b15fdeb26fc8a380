# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the live tests."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from peers import Prosody, Unbound  # noqa: E402
import talk  # noqa: E402


class World:
    """Everything one test starts, stopped in the reverse order when it ends."""

    def __init__(self, where):
        self.where = str(where)
        self.running, self.talkers = [], []
        self.dns = Unbound(f"{self.where}/dns")

    def start(self, process):
        self.running.append(process.start())
        return process

    def prosody(self, domain, ip, **options):
        """Prepared, not started: all DNS records must be known before the DNS server starts."""
        return Prosody(f"{self.where}/{domain}", domain, self.dns, ip, **options)

    def client(self, prosody, user):
        talker = talk.client(f"{user}@{prosody.domain}/test", prosody.ip, prosody.c2s_port)
        self.talkers.append(talker)
        return talker

    def component(self, name, ip, port, secret):
        talker = talk.component(name, ip, port, secret)
        self.talkers.append(talker)
        return talker

    def stop(self):
        for talker in self.talkers:
            talker.close()
        for process in reversed(self.running):
            process.stop()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the processes said last."""
    outcome = yield
    report = outcome.get_result()
    made = item.funcargs.get("world") if report.when == "call" and report.failed else None
    if isinstance(made, World):
        for process in made.running:
            report.sections.append((process.name, process.tail()))
