# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""`fedwayctl troubleshoot` on a core with two edges and an IM node: all is well, and then one thing after another is not."""
import json
import signal
import sqlite3

import pytest

from nodes import S2S, Nodes


@pytest.fixture(scope="module")
def four(new_world):
    world = new_world("troubleshoot")
    world.nodes = nodes = Nodes(world)
    try:
        world.edges, world.core, world.im = [nodes.edge(1), nodes.edge(2)], nodes.core(2), nodes.im()
        for process in (nodes.dns, world.im):
            world.start(process)
        nodes.introduce(world, world.core, *world.edges)
        for edge in world.edges:
            edge.ctl("federation", "on")
        nodes.federated(world.core, world.im, *world.edges)
        yield world
    finally:
        world.stop()
        nodes.close()


def survey(four):
    """What it says, by step, and what people read."""
    status, text = four.core.ctl_text("troubleshoot")
    steps = {}
    for row in json.loads(four.core.ctl_text("--json", "troubleshoot")[1])["result"]["steps"]:
        steps.setdefault(row["step"], []).append(row)
    return status, text, steps


def becomes(four, step, verdict, words=""):
    """The step says so, by and by; returns the row that does."""
    def found():
        return [row for row in survey(four)[2].get(step, []) if row["verdict"] == verdict and words in row["text"]]

    four.until(f"{step} to be {verdict}", found)
    return found()[0]


def test_all_is_well(four):
    four.until("every line to be ok", lambda: survey(four)[0] == 0)
    status, text, steps = survey(four)
    print(text)
    assert {"nodes", "switch", "security mode", "certificates", "SASL and dialback", "dialback secret", "policy default", "allow list",
            "deny list", "policy rules", "static routes", "domains", "SANs", "table", "clock", "version"} <= set(steps)
    assert all(row["verdict"] == "ok" for rows in steps.values() for row in rows), text
    assert "verdict: ok" in text and "edge-1, edge-2" in text


def test_a_switch_that_is_off(four):
    four.edges[1].ctl("federation", "off")
    row = becomes(four, "switch", "fail", "off on edge-2")
    assert "federation on" in row["remedy"]
    four.edges[1].ctl("federation", "on")
    becomes(four, "switch", "ok")


def test_another_secret(four):
    edge = four.edges[1]
    with open(f"{edge.where}/dialback.secret", "w", encoding="utf-8") as file:
        file.write("another one\n")
    edge.ctl("reload")
    row = becomes(four, "dialback secret", "fail", "edge-2")
    assert "another one" not in str(row) and "db:verify" in row["remedy"]
    edge.secret("dialback.secret", "dialback")
    edge.ctl("reload")
    becomes(four, "dialback secret", "ok")


def test_a_list_of_one_edge_alone(four):
    four.edges[0].ctl("allow", "add", "alone.example")
    becomes(four, "allow list", "fail", "alone.example")
    four.edges[0].ctl("allow", "remove", "alone.example")
    becomes(four, "allow list", "ok")


def test_a_row_that_somebody_took_away(four):
    """It comes back by itself at the next check; until then it is told."""
    table = sqlite3.connect(f"{four.im.where}/axl.db", isolation_level=None, timeout=10)
    table.execute("delete from xmpps2snodes where cp_id = ?", [f"{S2S}.edge-2"])
    table.close()
    becomes(four, "table", "fail", f"{S2S}.edge-2")
    four.core.ctl("axl", "sync")
    becomes(four, "table", "ok")


def test_a_node_that_does_not_answer(four):
    four.edges[1].stop(signal.SIGKILL)
    row = becomes(four, "nodes", "fail", "edge-2 does not answer")
    assert "fedwayctl routers" in row["remedy"]
