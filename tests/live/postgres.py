# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for live tests: a cluster of its own, reached only by a UNIX socket in its folder.

The server refuses to run as root, so then it runs as the user that its package has made, in a folder of that user. Nothing
here knows what is stored.
"""
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile

from process import Process, wait_until


def program(name):
    """The newest installed version's; Debian keeps them apart and out of the PATH."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda p: int(p.split("/")[4]))
    path = found[-1] if found else shutil.which(name)
    if path is None:
        raise AssertionError(f"{name} is missing: install the Debian packages postgresql and postgresql-client")
    return path


class Postgres(Process):
    """Prepared, not started: the first start makes the cluster."""

    def __init__(self, database="fedway"):
        self.folder, self.database = tempfile.mkdtemp(prefix="fedway-pg-", dir="/tmp"), database
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.as_user:
            shutil.chown(self.folder, "postgres")
        self.data, self.made = f"{self.folder}/data", False
        log = f"{self.folder}/postgres.log"
        open(log, "ab").close()
        super().__init__("PostgreSQL", [*self.as_user, program("postgres"), "-D", self.data, "-k", self.folder,
                                        "-c", "listen_addresses=", "-c", "fsync=off"], log)

    @property
    def connection(self):
        """What libpq takes."""
        return f"host={self.folder} user=postgres dbname={self.database}"

    def run(self, name, *words):
        done = subprocess.run([*self.as_user, program(name), *words], text=True, cwd=self.folder, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{name} {' '.join(words)}: {done.stdout}"
        return done.stdout

    def query(self, sql):
        """The rows as psql prints them, unaligned."""
        return self.run("psql", "-qAt", "-d", self.connection, "-c", sql).splitlines()

    @contextlib.contextmanager
    def session(self):
        """A psql that stays: say() gives it a statement and waits until it was done."""
        child = subprocess.Popen([*self.as_user, program("psql"), "-qAt", "-d", self.connection], text=True, cwd=self.folder,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def say(sql):
            child.stdin.write(f"{sql}\n\\echo done\n")
            child.stdin.flush()
            assert child.stdout.readline() == "done\n"
        child.say = say
        try:
            yield child
        finally:
            child.stdin.close()
            child.wait(30)
            child.stdout.close()

    def start(self):
        if not self.made:
            self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        super().start()
        ready = [program("pg_isready"), "-q", "-h", self.folder]

        def answers():
            assert self.alive(), f"PostgreSQL ended at start:\n{self.tail()}"
            return subprocess.run(ready).returncode == 0
        wait_until(lambda: f"PostgreSQL\n{self.tail()}", answers)
        if not self.made:
            self.run("createdb", "-h", self.folder, "-U", "postgres", self.database)
            self.made = True
        return self

    def server(self):
        """The process that the others are children of; runuser, if any, only waits for it."""
        with open(f"{self.data}/postmaster.pid") as f:
            return int(f.readline())

    def restart(self, number=signal.SIGINT):
        """As an operator would, or with SIGKILL as the machine would."""
        self.halt(number)
        return self.start()

    def halt(self, number=signal.SIGINT):
        if self.alive():
            os.kill(self.server(), number)
            self.child.wait(30)

    def stop(self, number=signal.SIGINT, seconds=15):
        self.halt(number)
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.child.returncode if self.child else None
