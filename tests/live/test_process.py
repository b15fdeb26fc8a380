# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What process.py says of processes that end badly: else the other tests would miss a crash of fedwayd."""
import signal

import pytest

from process import Process, stop_all


@pytest.fixture
def shell(tmp_path):
    """Starts a script of the shell that is judged, and waits for its first word."""
    def make(script):
        made = Process("sh", ["sh", "-c", script], f"{tmp_path}/log")
        made.judged = True
        made.start().wait_log("ready")
        return made
    return make


def test_an_end_that_nobody_asked_for_is_told(shell):
    made = shell("echo ready; kill -9 $$")
    made.child.wait(10)
    (problem,) = stop_all([made])
    assert problem.startswith("ended unasked with status -9\n") and "ready" in problem, problem
    with pytest.raises(AssertionError, match="ended unasked with status -9"):
        made.stop()


def test_an_end_by_itself_with_status_0_is_a_drain(shell):
    made = shell("echo ready")
    made.child.wait(10)
    assert stop_all([made]) == []


def test_a_bad_end_is_told(shell):
    made = shell("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done")
    (problem,) = stop_all([made])
    assert problem.startswith("ended with status 3\n"), problem


@pytest.mark.parametrize("end", [lambda made: made.stop(signal.SIGKILL), lambda made: made.kill(signal.SIGKILL),
                                 lambda made: made.stop()])
def test_what_was_asked_for_is_fine(shell, end):
    made = shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    end(made)
    made.child.wait(10)
    assert stop_all([made]) == []


def test_an_end_may_be_expected(shell):
    made = shell("echo ready; exit 7")
    made.wait_end(7)
    assert stop_all([made]) == []
