# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""How the demos begin and end: a folder for all that runs, a report of what goes wrong, and an end in order.

Makes the classes of tests/live known, so that a demo imports it before those.
"""
import os
import sys
import tempfile
import traceback

SOURCE = os.environ["FEDWAY_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "live"))

from process import stop_all  # noqa: E402


def stop_in_order(demo):
    """Those who talk first, then all processes; every one has to end well."""
    for talker in demo.talkers:
        talker.close()
    for process in demo.running:
        process.judged = True
    problems = stop_all(demo.running)
    if problems:
        raise AssertionError("did not stop in order: " + ", ".join(problems))


def run(make, play):
    """Plays what make(folder) returns: an object with `talkers` and `running`. Returns the exit status."""
    top = sys.argv[1] if len(sys.argv) > 1 else SOURCE
    with tempfile.TemporaryDirectory(prefix="fedway-demo-", dir="/tmp") as where:
        demo = make(where)
        status = 1
        try:
            play(demo, top)
            status = 0
        except Exception as error:
            traceback.print_exc() if os.environ.get("FEDWAY_DEMO_TRACE") else print(f"\nFAILED: {error}")
            for process in demo.running:
                print(process.tail(2000), file=sys.stderr)
        finally:
            print("\nStopping all that was started …", flush=True)
            stop_in_order(demo)
    return status
