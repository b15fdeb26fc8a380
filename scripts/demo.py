# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The talk of scripts/demo: starts the peers and fedwayd, sends messages, and retells fedwayd's own log.

scripts/demo builds and installs, then runs this. The processes and clients are those of tests/live. What is told
about lookups, TLS and dialback is read from the log, never made up here.
"""
import datetime
import re
import sys
import time

import demo_stage  # first: it knows where the next are

import fedway
import talk
from peers import Prosody, Unbound

PARTNER, ECHO, SVC = "partner.example", "echo.corp.example", "svc.corp.example"
LINE = re.compile(r'^(\S+)Z (\S+)\[\d+\]: Level="[\w ]+" CodeLocation="([\w.]+)" Detail="(.*)"$')


def ms(seconds):
    return f"{float(seconds) * 1000:.1f} ms"


def us(microseconds):
    return f"{int(microseconds) / 1000:.1f} ms"


# What a line of the log means to a reader: logger, pattern, heading, text. The first that matches is told.
STORY = [
    ("Resolver", r"puny=(\S+) .*SRV:([\d.]+) ADDR:([\d.]+)\).* targets=(.*)$", "lookup",
     lambda m: f"{m[1]} by DNS SRV: {m[4]} (SRV {ms(m[2])}, address {ms(m[3])})"),
    ("ConnInfoHistory", r", \S+:(\S+), IN\) ACCEPTED->SECURING .*address=(\S+)", "connect",
     lambda m: f"from {m[2]}, for {m[1]}"),
    ("ConnInfoHistory", r"IN\) SECURING->ACCEPTED spent_us=(\d+) tls=(\S+) cipher=(\S+)", "tls",
     lambda m: f"{m[2]}, {m[3]}, handshake in {us(m[1])}"),
    ("ConnInfoHistory", r", (\S+):(\S+), OUT\) CONNECTING->AUTHENTICATING .*address=(\S+) connect_us=(\d+) stream_us=(\d+)"
     r" tls_us=(\d+) tls=(\S+)", "connect",
     lambda m: f"to {m[3]}, for {m[1]} (TCP {us(m[4])}, {m[7]} {us(m[6])}, stream headers {us(m[5])})"),
    ("stanza.component.in", r"received:: <db:result from='(\S+)' to='(\S+)'.* type='(\w+)'", "dialback",
     lambda m: f"initiating role: {m[1]} says that the key of {m[2]} is {m[3]}"),
    ("stanza.component.in", r"received:: <db:result from='(\S+)' to='(\S+)'", "dialback",
     lambda m: f"receiving role: {m[1]} shows a key to {m[2]}"),
    ("DBVerify", r"stream for dialback only .*addr=(\S+) .*CONNECT:([\d.]+) STREAM:([\d.]+) TLS:([\d.]+)", "dialback",
     lambda m: f"receiving role: asking the authoritative server {m[1]} on a stream of its own"
               f" (TCP {ms(m[2])}, TLS {ms(m[4])}, stream headers {ms(m[3])})"),
    ("DBVerify", r"verified result=(\w+) time=([\d.]+)", "dialback",
     lambda m: f"receiving role: the key is {m[1]}, {ms(m[2])} after it was shown"),
    ("stanza.component.out", r"sending:: <db:result from='(\S+)' to='(\S+?)'>", "dialback",
     lambda m: f"initiating role: {m[1]} shows a key to {m[2]}"),
    ("Dialback", r"checked a key of (\S+) for (\S+): (\w+)", "dialback",
     lambda m: f"authoritative role: {m[2]} asks whether this is a key of {m[1]}: {m[3]}"),
    ("stanza.component.in", r"received:: <message from='(\S+)' to='(\S+)'", "deliver",
     lambda m: f"{m[1]} → {m[2]}, from the other server"),
    ("stanza.component.out", r"sending:: <message from='(\S+)' to='(\S+)'", "deliver",
     lambda m: f"{m[1]} → {m[2]}, to the other server"),
]


class Demo:
    def __init__(self, where):
        self.running, self.talkers, self.told = [], [], 0
        self.dns = Unbound(f"{where}/dns")
        self.prosody = Prosody(f"{where}/prosody", PARTNER, self.dns, "127.0.0.2")
        self.fedway = fedway.Fedway(f"{where}/fedway", self.dns, [ECHO, SVC], allow=[PARTNER])

    def start(self):
        self.prosody.add_user("juliet")
        self.fedway.link(SVC)
        self.fedway.echo(ECHO)
        for process, text in ((self.dns, f"unbound, the DNS server, on {self.dns.ip}:{self.dns.port}"),
                              (self.prosody, f"Prosody for {PARTNER}, S2S on {self.prosody.ip}:{self.prosody.s2s_port}"),
                              (self.fedway, f"fedwayd for {ECHO} and {SVC}, S2S on {self.fedway.ip}:{self.fedway.s2s_port}")):
            print(f"  {text} …", flush=True)
            self.running.append(process)
            process.start()
        print(f"  juliet@{PARTNER}, a client of Prosody; {SVC}, a component on {self.fedway.ip}:{self.fedway.link_port} …",
              flush=True)
        self.juliet = talk.client(f"juliet@{PARTNER}/demo", self.prosody.ip, self.prosody.c2s_port)
        self.talkers.append(self.juliet)
        self.svc = talk.component(SVC, self.fedway.ip, self.fedway.link_port, fedway.SECRET)
        self.talkers.append(self.svc)

    def tell(self, began):
        """Retells what the log says since the last time."""
        text = self.fedway.text()
        for line in text[self.told:].splitlines():
            found = LINE.match(line)
            if not found:
                continue
            stamp = datetime.datetime.fromisoformat(found[1] + "+00:00").timestamp()
            for logger, pattern, heading, words in STORY:
                match = re.fullmatch(logger, found[3]) and re.search(pattern, found[4])
                if match:
                    print(f"    {max(0, stamp - began) * 1000:7.0f} ms  {heading:9} {words(match)}")
                    break
        self.told = len(text)


def talk_in(demo):
    """The far side begins: its Prosody must find us, and prove itself to us."""
    print(f"\nA message from {PARTNER} to the plugin echo, inside fedwayd, and back:")
    began = time.time()
    demo.juliet.message(f"anyone@{ECHO}", "Hello from Verona")
    answer = demo.juliet.wait("the echo", lambda s: s.name == "message" and s["from"].domain == ECHO)
    took = time.time() - began
    if answer["type"] == "error" or "Hello from Verona" not in answer["body"]:
        raise AssertionError(f"the echo answered {answer}")
    print(f"    juliet@{PARTNER} → anyone@{ECHO}: Hello from Verona")
    print(f"    anyone@{ECHO} → juliet@{PARTNER}: {answer['body']}")
    print(f"  There and back, with both servers proving who they are: {ms(took)}. fedwayd's log tells how:")
    demo.tell(began)


def talk_out(demo):
    """Our side begins, through the component on 7400; then once more over the streams that are there."""
    for question, answer in (("Is anyone in Verona?", "I am"), ("Still there?", "Still here")):
        new = not demo.fedway.streams(direction="out", local=SVC)
        print(f"\nA message from {SVC}, on port 7400, to {PARTNER}, and back"
              + (":" if new else ", over streams that are up:"))
        demo.juliet.answer = lambda m, text=answer: m["body"] == question and m.reply(text).send()
        began = time.time()
        demo.svc.message(f"juliet@{PARTNER}/demo", question)
        demo.svc.wait_body(answer)
        took = time.time() - began
        print(f"    {SVC} → juliet@{PARTNER}: {question}")
        print(f"    juliet@{PARTNER} → {SVC}: {answer}")
        print(f"  There and back: {ms(took)}")
        demo.tell(began)


def refused(demo):
    """What is not on the allow-list never leaves, and its sender is told why."""
    print("\nA message to a domain that is not on the allow-list:")
    demo.svc.message("anyone@denied.example", "Let me out", "denied-1")
    error = demo.svc.wait_error("denied-1")
    text = error.xml.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}text").text
    cause = error.xml.find(".//{urn:fedway:cause:1}cause").get("name")
    print(f"    {SVC} is told: {text} (cause {cause}); nothing was looked up")
    if demo.dns.asked("_xmpp-server._tcp.denied.example"):
        raise AssertionError("a denied domain was looked up")


def operate(demo):
    """What an operator asks; the answers are shown as fedwayctl prints them."""
    print("\nWhat an operator can ask:")
    for words in (("explain", f"anyone@{SVC}", "anyone@denied.example"), ("check", PARTNER, SVC), ("connections",)):
        status, text = demo.fedway.ctl_text(*words)
        print(f"  fedwayctl {' '.join(words)}    (exit status {status})")
        print("".join(f"    {line}\n" for line in text.rstrip().splitlines()))


def count(demo):
    total = demo.fedway.settled()["total"]
    print(f"The ledger balances: {total['in']} stanzas in = {total['delivered']} delivered"
          f" + {total['acknowledged']} acknowledged + {total['answered']} answered + {total['bounced']} bounced"
          f" + {total['dropped']} dropped, none in flight;\n  requests between components are counted too.")


def further(top):
    print(f"""
Where to go next:
    {top}/README.md       from here to a domain of your own
    {top}/plugins/echo    the module that answered; copy it
    {top}/scripts/check   builds and runs every test""")


def play(demo, top):
    print("Starting, on 127.0.0.0/8 only:")
    demo.start()
    talk_in(demo)
    talk_out(demo)
    refused(demo)
    operate(demo)
    count(demo)
    further(top)


if __name__ == "__main__":
    sys.exit(demo_stage.run(Demo, play))
