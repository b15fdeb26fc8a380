# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The peers alone: if these fail, the fault is not Fedway's."""
import pytest


HOW = {"dialback": {"authority": None}, "EXTERNAL": {"dialback": False}, "direct TLS": {"direct_tls": True}}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
@pytest.mark.parametrize("mantua_is", ["prosody", "ejabberd"])
def test_two_servers_federate_through_our_dns(world, mantua_is, how):
    """Found by SRV at unbound, TLS and a proof: the ground on which all other live tests stand."""
    def vouched(domain):
        return {"authority": world.authority, **how, "certificate": world.authority.issue(domain)}
    verona = world.prosody("partner.example", "127.0.0.2", **vouched("partner.example"))
    mantua = getattr(world, mantua_is)("other.example", "127.0.0.4", **vouched("other.example"))
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
    service = "_xmpps-server" if how.get("direct_tls") else "_xmpp-server"
    for domain in ("partner.example", "other.example"):
        assert world.dns.asked(f"{service}._tcp.{domain}") >= 1
