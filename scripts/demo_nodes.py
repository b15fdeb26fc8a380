# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The talk of scripts/demo --three-nodes: edge, core and IM node by the files of config/samples/three-nodes, a real Prosody
outside, and the walk of the guide from the switch to the conversation and back.

scripts/demo builds and installs, then runs this. The nodes are those of tests/live, on addresses of 127.0.0.0/8. What is
told is read from the logs and from fedwayctl, never made up here.
"""
import re
import sys
import time

import demo_stage  # first: it knows where the next are

import fedway
import talk
from nodes import CORP, PARTNER, Loopback, Nodes
from process import wait_until

PORTER, JULIET, S2S = f"porter@{CORP}", f"juliet@{PARTNER}/demo", "cm-2_s2scp-1.edge-1"


class Demo:
    """What the classes of tests/live want of a world: a folder, a DNS server, and a way to start."""

    def __init__(self, where):
        self.where, self.running, self.talkers = where, [], []
        self.nodes = Nodes(self, Loopback())
        self.partner, self.edge, self.core, self.im = (
            self.nodes.partner(), self.nodes.edge(), self.nodes.core(), self.nodes.im())
        self.nodes.publish("edge-1")

    def start(self, process):
        self.running.append(process)
        process.start()
        return process

    def talker(self, talker):
        self.talkers.append(talker)
        return talker


def say(text):
    print(text, flush=True)


def show(node, *words):
    """A command and what it prints."""
    status, text = node.ctl_text(*words)
    say(f"  {node.realm}$ fedwayctl {' '.join(repr(w) if ' ' in w else w for w in words)}")
    say("".join(f"    {line}\n" for line in text.rstrip().splitlines()))
    if status != 0:
        raise AssertionError(f"fedwayctl {' '.join(words)}: exit status {status}")
    return text


def line(node, pattern, since=0):
    """The first line of a node's log that matches, when it is there."""
    node.wait_log(pattern, since)
    found = next(row for row in node.text(since).splitlines() if re.search(pattern, row))
    say(f"  {node.realm}'s log: {found}")


def table(demo, wanted):
    """Waits for the row, or for its end."""
    began = time.time()
    wait_until("the table of the IM node to change", lambda: (S2S in demo.im.ctl_text("sql", "select * from xmpps2snodes")[1]) == wanted)
    say(f"  {'There' if wanted else 'Gone'} after {(time.time() - began) * 1000:.0f} ms:")
    show(demo.im, "sql", "select * from xmpps2snodes")


def begin(demo):
    say("Starting, on 127.0.0.0/8 only:")
    for process, text in ((demo.nodes.dns, "unbound, the DNS server"),
                          (demo.partner, f"Prosody for {PARTNER}, the other organisation")):
        say(f"  {text} …")
        demo.start(process)
    say("  edge-1, core-1 and im-1, each a fedwayd with its file of config/samples/three-nodes …")
    demo.start(demo.im)
    demo.nodes.introduce(demo, demo.core, demo.edge)
    say(f"  juliet@{PARTNER}, a client of Prosody; {CORP}, a component on im-1 …")
    demo.juliet = demo.talker(talk.client(JULIET, demo.partner.ip, demo.partner.c2s_port))
    demo.porter = demo.talker(talk.component(CORP, demo.im.ip, demo.im.link_port, fedway.SECRET))


def off(demo):
    say("\nBefore the switch. Nothing goes out, and the sender is told why:")
    show(demo.edge, "status")
    demo.porter.message(JULIET, "Is anyone in Verona?", "early", source=PORTER)
    told(demo.porter.wait_error("early"))


def told(error):
    text = error.xml.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}text")
    cause = error.xml.find(".//{urn:fedway:cause:1}cause")
    say(f"  {CORP} is told: {text.text if text is not None else ''} (cause {cause.get('name') if cause is not None else '?'})")


def on(demo):
    say("\nThe switch, on the edge:")
    marks = {node: node.mark() for node in (demo.edge, demo.core, demo.im)}
    show(demo.edge, "federation", "on")
    line(demo.edge, "is_federation_enabled - changed from: 0 to: 1", marks[demo.edge])
    say("\nThrough the tunnel it reaches the core, which tells the IM node by AXL:")
    line(demo.core, 'Module="network.axl"', marks[demo.core])
    say("\nThe IM node knows the S2S component of the edge:")
    table(demo, True)
    show(demo.core, "status")


def converse(demo):
    say("A message from outside, and its answer, through all three nodes:")
    for text, sender, receiver, source, target in (("Open the gate", demo.juliet, demo.porter, JULIET, PORTER),
                                                   ("It is open", demo.porter, demo.juliet, PORTER, JULIET)):
        began = time.time()
        sender.message(target, text, source=source)
        receiver.wait_body(text)
        say(f"    {source} → {target}: {text} ({(time.time() - began) * 1000:.1f} ms)")


def end(demo):
    say("\nThe switch again:")
    show(demo.edge, "federation", "off")
    table(demo, False)
    demo.porter.message(JULIET, "Good night", "late", source=PORTER)
    told(demo.porter.wait_error("late"))
    for node in (demo.edge, demo.core, demo.im):
        total = node.settled()["total"]
        say(f"  The ledger of {node.realm} balances: {total['in']} in, none in flight.")


def further(top):
    say(f"""
Where to go next:
    {top}/config/samples/three-nodes   the files that have just run
    {top}/README.md                    from here to a domain of your own""")


def play(demo, top):
    for part in (begin, off, on, converse, end):
        part(demo)
    further(top)


if __name__ == "__main__":
    sys.exit(demo_stage.run(Demo, play))
