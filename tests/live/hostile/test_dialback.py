# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Lies in dialback: addresses, keys, answers that nobody asked for, and authoritative servers of every kind."""
import pytest

from certificates import context
from wire import header

SVC = "svc.corp.example"
ANSWER = "<db:result [^>]*from='{}'[^>]*to='{}'[^>]*type='{}'"


def refused(wire, condition, sender=None):
    wire.expect(f"<db:result [^>]*to='{sender or wire.domain}'[^>]*type='error'.*?<{condition} ")


def stanza(arena, sender=None, to=f"y@{SVC}", body="x"):
    given = "".join(f" {k}='{v}'" for k, v in (("from", sender), ("to", to)) if v is not None)
    return f"<message{given} type='chat'><body>{body} {arena.domain}</body></message>"


def asked(arena, key="my-key"):
    """A stranger that has asked, the authority that was asked, and the id."""
    wire = arena.stranger()
    identity = wire.secured(SVC)
    wire.ask(SVC, key)
    authority = arena.authority()
    assert authority.take_question() == (identity, key)
    return wire, authority, identity


# ---- headers ----

@pytest.mark.parametrize("to", ["elsewhere.example", "edge-corp-example", "resolver.edge-corp-example", "@", "a b",
                                "x" * 2000, "svc.corp.example.evil.example"])
def test_a_header_to_nobody_here(arena, to):
    wire = arena.stranger()
    wire.send(header(arena.domain, to))
    wire.ends("host-unknown")
    arena.ended("host-unknown")


def test_a_header_from_no_domain(arena):
    wire = arena.stranger()
    wire.send(header("not a domain", SVC))
    wire.ends("improper-addressing")
    arena.ended("improper-addressing")


def test_a_header_without_addresses_is_allowed(arena):
    wire = arena.stranger()
    wire.send(header())
    wire.expect("</stream:features>")
    wire.secure()
    wire.send(header())
    identity, = wire.expect(r"<stream:stream [^>]*\bid='([^']+)'")
    wire.ask(SVC)
    authority = arena.authority()
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect(ANSWER.format(SVC, arena.domain, "valid"))
    authority.rest()
    arena.stands()


def test_a_second_header(arena):
    wire = arena.stranger()
    wire.greet(SVC)
    wire.send(header(arena.domain, SVC, prolog="") + "</stream:stream>")
    wire.ends("unsupported-stanza-type")
    arena.ended("unsupported-stanza-type")


# ---- before any proof ----

@pytest.mark.parametrize("sent", ["<message/>", "<presence/>", "<iq type='get' id='1'/>",
                                  f"<message from='x@{SVC}' to='y@{SVC}'/>"])
def test_stanzas_before_dialback(arena, sent):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.send(sent)
    wire.ends("not-authorized")
    arena.ended("not-authorized")


def test_a_stanza_while_the_proof_is_under_way(arena):
    wire, authority, _ = asked(arena)
    wire.send(stanza(arena, f"x@{arena.domain}"))
    wire.ends("not-authorized")
    authority.close()
    arena.ended("not-authorized")
    arena.unverified("dialback-error", ".*peer-lost")
    arena.nothing_came()


@pytest.mark.parametrize("sent, condition", [
    ("<db:result from='{domain}' to='elsewhere.example'>k</db:result>", "item-not-found"),
    ("<db:result from='{domain}' to='resolver.edge-corp-example'>k</db:result>", "item-not-found"),
    ("<db:result from='svc.corp.example' to='svc.corp.example'>k</db:result>", "not-acceptable"),
    ("<db:result from='{domain}' to='svc.corp.example'/>", "not-acceptable"),
    ("<db:result from='{domain}' to='svc.corp.example'>" + "k" * 300 + "</db:result>", "not-acceptable"),
    ("<db:result from='denied.example' to='svc.corp.example'>k</db:result>", "not-allowed"),
    ("<db:result from='absent.example' to='svc.corp.example'>k</db:result>", "remote-server-not-found"),
], ids=["another to", "a service of the realm", "a domain of ours", "no key", "a huge key", "not on the list",
        "no such server"])
def test_a_question_that_is_refused_and_the_stream_stays(arena, sent, condition):
    wire = arena.stranger()
    wire.secured(SVC, context())  # a certificate would have to name every domain that is asked for
    wire.send(sent.format(domain=arena.domain))
    wire.expect(f"<db:result [^>]*type='error'.*?<{condition} ")
    wire.send("</stream:stream>")
    wire.ends()
    arena.ended("peer-closed")
    if condition == "remote-server-not-found":
        arena.unverified("dns-no-service")


@pytest.mark.parametrize("sent", ["<db:result>k</db:result>", "<db:result from='a.example'>k</db:result>",
                                  f"<db:result to='{SVC}'>k</db:result>", "<db:verify id='1'>k</db:verify>",
                                  f"<db:result from='a b' to='{SVC}'>k</db:result>"])
def test_a_question_without_addresses(arena, sent):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.send(sent)
    wire.ends("improper-addressing")
    arena.ended("improper-addressing")


@pytest.mark.parametrize("kind", ["valid", "invalid", "error", "", "nonsense"])
def test_answers_that_nobody_asked_for(arena, kind):
    wire = arena.stranger()
    wire.secured(SVC)
    before = arena.count("dialback_ignored")
    wire.send(f"<db:result from='{arena.domain}' to='{SVC}' type='{kind}'/>"
              f"<db:verify from='{arena.domain}' to='{SVC}' id='1' type='{kind}'/>")
    arena.world.until("both are counted", lambda: arena.count("dialback_ignored") == before + 2)
    wire.send(stanza(arena, f"x@{arena.domain}"))
    wire.ends("not-authorized")
    arena.ended("not-authorized")
    arena.nothing_came()


# ---- after a proof ----

@pytest.mark.parametrize("sender, to, cause", [
    (None, f"y@{SVC}", "improper-addressing"),
    ("x@{domain}", None, "improper-addressing"),
    (None, None, "improper-addressing"),
    ("@@", f"y@{SVC}", "improper-addressing"),
    ("x@{domain}", "y@ /", "improper-addressing"),
    ("x@partner.example", f"y@{SVC}", "invalid-from"),
    (f"x@{SVC}", f"y@{SVC}", "invalid-from"),
    ("x@sub.{domain}", f"y@{SVC}", "invalid-from"),
    ("{domain}.evil.example", f"y@{SVC}", "invalid-from"),
    ("x@{domain}", "y@elsewhere.example", "host-unknown"),
    ("x@{domain}", "resolver.edge-corp-example", "host-unknown"),
    ("x@{domain}", "dialback.edge-corp-example", "host-unknown"),
])
def test_a_proved_peer_lies_about_addresses(arena, sender, to, cause):
    wire = arena.proved()
    wire.send(stanza(arena, sender and sender.format(domain=arena.domain), to))
    wire.ends(cause)
    arena.ended(cause)
    arena.nothing_came()


def test_a_second_domain_needs_a_proof_of_its_own(arena):
    """The first proof stays good when the second fails; stanzas of the second do not pass."""
    wire = arena.proved()
    other = arena.domains[-1]
    wire.ask(SVC, "forged", sender=other)
    authority = arena.accept(other).welcome_secured()
    identity, _ = authority.take_question()
    authority.verify_says(SVC, identity, "invalid")
    authority.rest()
    refused(wire, "forbidden", other)
    wire.send(stanza(arena, f"x@{arena.domain}", body="still"))
    arena.svc.wait_body(f"still {arena.domain}")
    wire.send(stanza(arena, f"x@{other}", body="second"))
    wire.ends("invalid-from")
    arena.ended("invalid-from")


# ---- keys ----

def test_a_forged_key(arena):
    wire, authority, identity = asked(arena, "forged")
    authority.verify_says(SVC, identity, "invalid")
    authority.rest()
    wire.expect(ANSWER.format(SVC, arena.domain, "invalid"))
    wire.ends()
    arena.ended("dialback-invalid")


def check(arena, wire, identity, key):
    """Asks fedwayd, as authoritative server of svc, whether a key is its own."""
    wire.send(f"<db:verify from='{arena.domain}' to='{SVC}' id='{identity}'>{key}</db:verify>")
    return wire.expect("<db:verify [^>]*type='([^']*)'")[0]


def test_our_key_is_good_for_its_stream_and_pair_alone(arena):
    """Whoever got a key of ours cannot replay it: not for another stream, nor for another pair."""
    receiving = arena.receiving("key")
    key = receiving.take_key()
    wire = arena.stranger()
    wire.secured(SVC)
    assert check(arena, wire, "s-2", key) == "valid"
    assert check(arena, wire, "s-3", key) == "invalid"
    assert check(arena, wire, "s-2", key[:-1]) == "invalid"
    assert check(arena, wire, "s-2", key.upper()) == "invalid"
    assert check(arena, wire, "s-2", "") == "invalid"
    assert check(arena, wire, "s-2", "k" * 5000) == "invalid"
    wire.send(f"<db:verify from='{arena.domains[-1]}' to='{SVC}' id='s-2'>{key}</db:verify>")
    assert wire.expect("<db:verify [^>]*type='([^']*)'") == ["invalid"]
    receiving.send(f"<db:result from='{arena.domain}' to='{SVC}' type='valid'/>")
    receiving.expect("<body>key</body>")
    arena.stands()


def test_questions_to_us_that_make_no_sense(arena):
    wire = arena.stranger()
    wire.secured(SVC)
    for to, identity in ((SVC, ""), ("elsewhere.example", "1"), ("resolver.edge-corp-example", "1")):
        wire.send(f"<db:verify from='{arena.domain}' to='{to}' id='{identity}'>k</db:verify>")
        wire.expect("<db:verify [^>]*type='error'")
    arena.stands()


def test_many_questions_at_once_are_all_answered(arena):
    wire = arena.stranger()
    wire.secured(SVC)
    wire.send("".join(f"<db:verify from='{arena.domain}' to='{SVC}' id='{i}'>k</db:verify>" for i in range(500)))
    answered = [wire.expect("<db:verify [^>]*id='([0-9]*)'[^>]*type='(?:invalid|error)'")[0] for _ in range(500)]
    assert sorted(answered, key=int) == [str(i) for i in range(500)]
    arena.stands()


# ---- authoritative servers ----

def test_wrong_answers_count_for_nothing(arena):
    """Another id, pair, element or type is ignored; the right answer counts once."""
    wire, authority, identity = asked(arena)
    authority.verify_says(SVC, "another-id", "valid")
    authority.verify_says("other.example", identity, "valid")
    authority.verify_says(SVC, identity, "valid", sender="other.example")
    authority.verify_says(SVC, identity, "nonsense")
    authority.send(f"<db:result from='{arena.domain}' to='{SVC}' type='valid'/>")
    authority.send(stanza(arena, f"x@{arena.domain}"))
    authority.verify_says(SVC, identity, "invalid")
    authority.verify_says(SVC, identity, "valid")
    wire.expect(ANSWER.format(SVC, arena.domain, "invalid"))
    wire.ends()
    authority.rest()
    arena.ended("dialback-invalid")
    assert len(arena.fedway.story(f"ignored: .*{arena.domain}|{arena.domain}.*ignored: ")) >= 4
    arena.nothing_came()


def test_an_answer_on_the_asking_stream(arena):
    """The initiating server itself confirms its key, where nobody asked it."""
    wire, authority, identity = asked(arena, "forged")
    wire.verify_says(SVC, identity, "valid")
    wire.send(f"<db:result from='{arena.domain}' to='{SVC}' type='valid'/>")
    authority.verify_says(SVC, identity, "invalid")
    wire.expect(ANSWER.format(SVC, arena.domain, "invalid"))
    wire.ends()
    authority.rest()
    arena.ended("dialback-invalid")


def test_an_answer_of_before_on_a_stream_that_stands(arena):
    """The next question comes over the same stream; what was valid for the last one says nothing about it."""
    arena.hasty("dialback", verify_keep_ms=10000)
    wire, authority, identity = asked(arena)
    authority.verify_says(SVC, identity, "valid")
    wire.expect(ANSWER.format(SVC, arena.domain, "valid"))
    again = arena.stranger()
    second = again.secured(SVC)
    again.ask(SVC, "forged")
    assert authority.take_question() == (second, "forged")
    authority.verify_says(SVC, identity, "valid")
    authority.verify_says(SVC, second, "invalid")
    again.expect(ANSWER.format(SVC, arena.domain, "invalid"))
    again.ends()
    arena.ended("dialback-invalid")


def test_the_authority_is_slow(arena):
    arena.hasty("dialback", timeout_ms=150)
    wire = arena.stranger()
    wire.secured(SVC)
    wire.ask(SVC)
    authority = arena.accept()
    authority.take_header()
    refused(wire, "remote-server-timeout")
    authority.rest()
    arena.unverified("dialback-timeout")


def test_the_authority_answers_when_it_is_too_late(arena):
    arena.hasty("dialback", timeout_ms=500)
    wire, authority, identity = asked(arena)
    refused(wire, "remote-server-timeout")
    authority.verify_says(SVC, identity, "valid")
    authority.rest()
    wire.send(stanza(arena, f"x@{arena.domain}"))
    wire.ends("not-authorized")
    arena.ended("not-authorized")
    arena.unverified("dialback-timeout")
    arena.nothing_came()


def test_the_authority_says_error(arena):
    wire, authority, identity = asked(arena)
    authority.verify_says(SVC, identity, "error", more="<error type='cancel'><item-not-found "
                          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    refused(wire, "remote-server-not-found")
    authority.rest()
    arena.unverified("dialback-error", ".*item-not-found")


@pytest.mark.parametrize("how", ["closes", "ends", "resets", "ends with an error"])
def test_the_authority_leaves_without_an_answer(arena, how):
    wire, authority, _ = asked(arena)
    if how == "ends":
        authority.send("</stream:stream>")
    elif how == "ends with an error":
        authority.send("<stream:error><host-gone xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                       "</stream:stream>")
    elif how == "resets":
        authority.reset()
    else:
        authority.close()
    refused(wire, "remote-server-not-found")
    arena.unverified("dialback-error")


def test_the_asker_leaves_before_the_answer(arena):
    wire, authority, identity = asked(arena)
    wire.reset()
    arena.ended("peer-lost")
    authority.verify_says(SVC, identity, "valid")
    authority.rest()


def test_the_same_question_twice_is_asked_once(arena):
    wire = arena.stranger()
    identity = wire.secured(SVC)
    wire.ask(SVC)
    wire.ask(SVC)
    authority = arena.authority()
    authority.take_question()
    authority.verify_says(SVC, identity, "valid")
    wire.expect(ANSWER.format(SVC, arena.domain, "valid"))
    assert "<db:verify" not in authority.rest()
    arena.stands()


# ---- answers to us ----

@pytest.mark.parametrize("kind, cause", [("invalid", "dialback-invalid"), ("error", "dialback-error"),
                                         ("nonsense", "dialback-error")])
def test_a_receiving_server_refuses_our_key(arena, kind, cause):
    wire = arena.receiving("no")
    wire.accept_key(SVC, kind)
    wire.rest()
    arena.ended(cause, "OUT")
    arena.bounced("no", cause)


def test_a_receiving_server_answers_for_others(arena):
    """Only our pair's answer opens the stream; the message waits for it."""
    wire = arena.receiving("mine")
    wire.take_key()
    before = arena.count("dialback_ignored")
    wire.send(f"<db:result from='other.example' to='{SVC}' type='valid'/>"
              f"<db:result from='{arena.domain}' to='other.example' type='valid'/>"
              f"<db:verify from='{arena.domain}' to='{SVC}' id='s-2' type='valid'/>")
    arena.world.until("all are counted", lambda: arena.count("dialback_ignored") == before + 3)
    assert not arena.streams(direction="out", remote=arena.domain, state="up")
    wire.send(f"<db:result from='{arena.domain}' to='{SVC}' type='valid'/>")
    wire.expect("<body>mine</body>")
    arena.stands()


def test_a_receiving_server_answers_before_our_key(arena):
    arena.say("early")
    wire = arena.accept()
    wire.welcome("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
                 f"<db:result from='{arena.domain}' to='{SVC}' type='valid'/>")
    wire.ends("policy-violation")
    arena.ended("unexpected-element", "OUT")
    arena.bounced("early", "unexpected-element")


def test_a_receiving_server_sends_stanzas_on_our_stream(arena):
    wire = arena.receiving("back")
    wire.accept_key(SVC)
    wire.expect("<body>back</body>")
    wire.send(stanza(arena, f"x@{arena.domain}"))
    wire.ends("not-authorized")
    arena.ended("not-authorized", "OUT")
    arena.nothing_came()


def test_a_receiving_server_has_no_id(arena):
    arena.say("anon")
    wire = arena.accept()
    wire.welcome_secured(identity=None)
    wire.rest()
    arena.ended("dialback-error", "OUT")
    arena.bounced("anon", "dialback-error")
