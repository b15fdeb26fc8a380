# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A process of a live test: its log is a file that can be waited on, and it is always stopped.

Used by peers.py and fedway.py. Nothing here knows XMPP.
"""
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import time

WAIT_S = float(os.environ.get("FEDWAY_LIVE_WAIT_S", "30"))
GIVEN = set()


def free_port(ip="127.0.0.1", kind=socket.SOCK_STREAM):
    """A port that was free a moment ago, on this address.

    It is below those that the system gives to whoever asks for any: while a restarted process is down, nobody else's
    connection or server can take its port by chance. No port is given twice by one run, as its first owner may not
    have opened it yet.
    """
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind((ip, port))
            except OSError:
                continue
        if port not in GIVEN:
            GIVEN.add(port)
            return port


def wait_until(what, condition, seconds=None):
    """Returns the first true value of condition(); fails with `what` when it takes too long."""
    deadline = time.monotonic() + (seconds or WAIT_S)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise AssertionError(f"waited {seconds or WAIT_S:g} s in vain for {text}")
        time.sleep(0.002)


def stop_all(processes):
    """Stops them in the reverse order, and returns what was wrong with the ends of those that are judged."""
    problems = []
    for process in reversed(processes):
        try:
            if process.alive() or process.judged:
                process.stop()
        except AssertionError as error:
            problems.append(str(error))
    return problems


class Process:
    """Starts a program with its output in a file; in a `space`, the Space of netns.py, when it is given one.

    One that is `judged` ends with status 0, be it by itself, after a drain, or when it is asked politely: else a crash
    that a restart covers, or a leak that a sanitizer reports at the end, would go unseen.
    """

    space = None
    judged = False
    told_to_end = False

    def __init__(self, name, command, log, env=None):
        self.name, self.command, self.log, self.env = name, command, log, env
        self.child = None

    def start(self):
        self.told_to_end = False
        with open(self.log, "ab") as out, self.there():
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT,
                                          env={**os.environ, **(self.env or {})})
        return self

    def there(self):
        """Where it runs, for `with`."""
        return self.space or contextlib.nullcontext()

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def wait_port(self, ip, port):
        def answers():
            if not self.alive():
                raise AssertionError(f"{self.name} ended at start:\n{self.tail()}")
            try:
                with self.there():
                    socket.create_connection((ip, port), 1).close()
                return True
            except OSError:
                return False
        wait_until(lambda: f"{self.name} on {ip}:{port}\n{self.tail()}", answers)

    def kill(self, number):
        self.told_to_end = self.told_to_end or number in (signal.SIGTERM, signal.SIGINT,
                                                          signal.SIGKILL)
        self.child.send_signal(number)

    def wait_end(self, status=0, seconds=10):
        """It is to end by itself, with this status."""
        self.told_to_end = True
        wait_until(lambda: f"the end of {self.tail()}", lambda: not self.alive(), seconds)
        assert self.child.returncode == status, f"{self.child.returncode}, not {status}\n{self.tail()}"

    def stop(self, number=signal.SIGTERM, seconds=15):
        """Stops it and returns its exit status."""
        if self.child is None:
            return None
        lives = self.alive()
        early = not lives and not self.told_to_end
        if lives:
            self.kill(number)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        status = self.child.returncode
        bad = status != 0 and (early or (lives and number == signal.SIGTERM))
        assert not (self.judged and bad), f"ended{' unasked' if early else ''} with status {status}\n{self.tail()}"
        return status

    def text(self, since=0):
        """The log, or what has been added to it since a mark()."""
        with open(self.log, "rb") as f:
            f.seek(since)
            return f.read().decode(errors="replace")

    def tail(self, characters=3000):
        return f"--- {self.name} ({self.log}):\n{self.text()[-characters:]}"

    def mark(self):
        """A place in the log from which wait_log() can search."""
        return os.path.getsize(self.log)

    def wait_log(self, pattern, since=0, seconds=None):
        """Waits for a line that matches; returns the match."""
        return wait_until(lambda: f"/{pattern}/ in the log\n{self.tail()}",
                          lambda: re.search(pattern, self.text(since)), seconds)
