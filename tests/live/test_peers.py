# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The peers alone: if these fail, the fault is not Fedway's."""


def test_two_prosodys_federate_through_our_dns(world):
    """Found by SRV at unbound, TLS and dialback: the ground on which all other live tests stand."""
    verona = world.prosody("partner.example", "127.0.0.2")
    mantua = world.prosody("other.example", "127.0.0.4")
    verona.add_user("juliet")
    mantua.add_user("romeo")
    for process in (world.dns, verona, mantua):
        world.start(process)
    juliet = world.client(verona, "juliet")
    romeo = world.client(mantua, "romeo")
    juliet.message("romeo@other.example/test", "good night")
    assert romeo.wait_body("good night")["from"].full == "juliet@partner.example/test"
    romeo.message("juliet@partner.example/test", "good night, good night")
    assert juliet.wait_body("good night, good night")
    assert world.dns.asked("_xmpp-server._tcp.other.example") >= 1
