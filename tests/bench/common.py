# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What the benches share: cores, load generators, and the table of results. Nothing here knows a subject."""
import os
import resource
import statistics
import subprocess
import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


def cores():
    have = sorted(os.sched_getaffinity(0))
    return have[0], have[1 % len(have)]


def pinned(core, files=None):
    def prepare():
        os.sched_setaffinity(0, {core})
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return prepare


def measure(command, core, files=None):
    """Runs a load generator and returns its lines as a dictionary."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300,
                          preexec_fn=pinned(core, files))
    if done.returncode != 0:
        raise RuntimeError(f"bench: failed with {done.returncode}: " + " ".join(command))
    return {name: (float(value), unit)
            for name, value, unit in (line.split() for line in done.stdout.splitlines())}


class Results:
    """All rounds of all figures; the best is the lowest for costs and the highest for rates."""

    def __init__(self):
        self.rows = {}

    def add(self, name, value, unit):
        self.rows.setdefault(name, (unit, []))[1].append(value)
        print(f"{name}.{len(self.rows[name][1])} {value:g} {unit}", flush=True)

    def best(self, name):
        unit, values = self.rows[name]
        return max(values) if unit.endswith("/s") else min(values)

    def summary(self):
        for name, (unit, values) in self.rows.items():
            print(f"{name}.best {self.best(name):g} {unit}")
            print(f"{name}.median {statistics.median(values):g} {unit}")


def verdict(wanted, results, out):
    """Says which of the wanted figures were reached; returns how many were not."""
    missed = 0
    for name, limit, unit in wanted:
        if name in results.rows:
            value = results.best(name)
        elif name in out:
            value = out[name]
        else:
            continue
        missed += value > limit
        say(f"  {'reached' if value <= limit else 'missed '}  {name} = {value:.3f} {unit}"
            f" (wanted: at most {limit:g})")
    return missed
