# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Domains outside ASCII: U-labels in addresses and stream headers, A-labels in DNS and certificates (RFC 7622 §3.2)."""
import pytest
from certificates import self_signed

OURS, OURS_KEY = "büro.example", "xn--bro-hoa.example"
THEIRS, THEIRS_KEY = "bücher.example", "xn--bcher-kva.example"


@pytest.fixture(scope="module")
def names(shared_world):
    """Prosody with one such host, fedwayd with a component under another."""
    world = shared_world
    pair = self_signed(f"{world.where}/theirs", THEIRS_KEY)
    world.partner = world.prosody(THEIRS, "127.0.0.2", publish=False, certificate=pair)
    world.dns.add_xmpp(THEIRS_KEY, world.partner.ip, world.partner.s2s_port)
    world.fedway = world.prepare_fedway([OURS_KEY], allow=[THEIRS_KEY])
    world.fedway.link(OURS_KEY)
    world.fedway.options["s2s"]["probe_idle_ms"] = 100
    for process in (world.dns, world.partner, world.fedway):
        world.start(process)
    world.office = world.component(OURS, world.fedway)
    yield world


def test_a_question_to_a_server_with_letters_of_its_own(names):
    """It goes out over one stream, and the answer comes back over another that Prosody opens."""
    answer = names.office.iq_ping(THEIRS)
    assert answer["type"] == "result" and answer["from"].domain == THEIRS
    assert names.partner.text().count(f"to='{THEIRS}'") + names.partner.text().count(f"to=\"{THEIRS}\"") > 0
    ledger = names.fedway.settled()
    assert ledger["balanced"]


def test_reports_name_it_as_dns_and_certificates_do(names):
    names.office.iq_ping(THEIRS)
    assert names.fedway.streams(remote=THEIRS_KEY, local=OURS_KEY)


def test_pings_of_ours_are_taken_from_the_domain_that_was_proved(names):
    """A stanza from another spelling than the stream's would end it at Prosody."""
    names.office.iq_ping(THEIRS)
    names.fedway.wait_log("ping answered")
    assert not names.fedway.story(r"stream ended cause=(peer-error|peer-closed|ping-timeout)")
