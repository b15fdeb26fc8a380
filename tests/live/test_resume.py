# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""TLS sessions that go on: a peer that was left and is dialled again takes part, whether it resumes sessions or not."""
import pytest

SVC, PARTNER = "svc.corp.example", "partner.example"
JULIET = f"juliet@{PARTNER}/test"


@pytest.fixture(scope="module", params=["prosody", "ejabberd"])
def verona(request, world_of_rows):
    world = world_of_rows()
    world.partner = getattr(world, request.param)(PARTNER, "127.0.0.2", authority=world.authority,
                                                  certificate=world.authority.issue(PARTNER))
    world.partner.add_user("juliet")
    world.fedway = world.prepare_fedway([SVC], allow=[PARTNER], authority=world.authority,
                                        certificate=world.authority.issue(SVC))
    world.fedway.options["s2s"].update({"idle_timeout_ms": 200})
    world.fedway.link(SVC)
    world.meet(SVC)
    yield world
    world.stop()


def test_a_peer_is_dialled_again_and_again(verona):
    for i in range(5):
        verona.svc.message(JULIET, f"number {i}", source=f"porter@{SVC}/gate")
        assert verona.juliet.wait_body(f"number {i}")
        verona.until(lambda: f"no streams; there are {verona.fedway.streams()}",
                     lambda: not [row for row in verona.fedway.streams() if "direction" in row])
    with open(verona.fedway.log, encoding="utf-8", errors="replace") as f:
        log = f.read()
    assert "tls-failed" not in log
    verona.fedway.settled()
