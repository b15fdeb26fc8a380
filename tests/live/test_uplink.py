# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""fedwayd dials out as a component of an unmodified Prosody, which thereby sits behind it."""
import pytest

ECHO, SVC = "echo.corp.example", "svc.corp.example"
INNER = """Component "echo.corp.example"
  component_secret = "component-secret"
  validate_from_addresses = false
"""


@pytest.fixture
def inner(world):
    """The inner Prosody serves im.corp.example and takes fedwayd as its component echo.corp.example."""
    world.inner = world.prosody("im.corp.example", "127.0.0.2", more=INNER)
    world.inner.add_user("nurse")
    world.fedway = world.prepare_fedway([SVC])
    world.fedway.link(SVC)
    world.fedway.echo(ECHO)
    world.fedway.config["uplinks"].append({
        "name": ECHO, "host": world.inner.ip, "port": world.inner.component_port,
        "secret_file": f"{world.fedway.where}/link.secret", "domains": ["im.corp.example"],
        "retry_min_ms": 50, "retry_max_ms": 200})
    for process in (world.dns, world.inner, world.fedway):
        world.start(process)
    world.until("the uplink is up", lambda: uplink(world)["state"] == "up")
    world.nurse = world.client(world.inner, "nurse")
    world.svc = world.component(SVC, world.fedway)
    yield world
    world.fedway.settled()


def uplink(world):
    return next(c for c in world.fedway.ctl("components")["components"] if c["kind"] == "uplink")


def test_stanzas_cross_the_uplink_both_ways(inner):
    inner.svc.message("nurse@im.corp.example/test", "from outside", "u1")
    assert inner.nurse.wait_body("from outside")["from"].domain == SVC
    inner.nurse.message(f"anyone@{ECHO}", "to the component")
    answer = inner.nurse.wait("the echo", lambda s: s.name == "message" and s["from"].domain == ECHO)
    assert "to the component" in answer["body"]


def test_the_uplink_comes_back_after_a_restart(inner):
    inner.inner.stop()
    inner.until("the uplink is down", lambda: uplink(inner)["state"] != "up")
    inner.svc.message("nurse@im.corp.example/test", "nobody home", "u2")
    inner.svc.wait_error("u2")
    inner.inner.start()
    inner.until("the uplink is up again", lambda: uplink(inner)["state"] == "up")
    nurse = inner.client(inner.inner, "nurse")
    inner.svc.message("nurse@im.corp.example/test", "home again", "u3")
    nurse.wait_body("home again")
