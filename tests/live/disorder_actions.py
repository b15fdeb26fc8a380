# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What may happen to the nodes of test_disorder.py: a generator for each action; what stands before `yield` begins it, what
stands behind ends it, and in between others begin and end. An action that takes away somebody's memory opens a window."""
import contextlib
import os
import signal
import sqlite3
import subprocess
import time

from nodes import PARTNER
from scripted_axl import SAYS

RESET = "reject with tcp reset"
S2S_BEGINS = 'id = "cm-2_s2scp-1";\n\t\toptions = {'
ALIASES = 'chat_node_aliases = ( "conference.lab.example" ); }\n'
WEIGHT = "default_route = true; weight = 10; }"
QUICK = "retry_min_ms = 20; retry_max_ms = 200; }"


def cut(run, one, other, port, how):
    rule = run.nodes.net.cut(one, other, port, how)
    yield
    run.nodes.net.mend(rule)
    run.cut_at = time.monotonic()


def cut_edge(run, edge, how):
    """Where another edge takes it, nothing waits for long: it goes that way, and may have arrived this way too."""
    others = len(run.edges) > 1
    row = run.windows.open(f"no link to {edge.realm}", ("twice", "both", "disordered") if others else ())
    yield from cut(run, "core", edge.realm, 7400, how)
    run.windows.close(row, 5)


def link_edge_reset(run, edge):
    yield from cut_edge(run, edge, RESET)


def link_edge_silent(run, edge):
    yield from cut_edge(run, edge, "drop")


def link_im_reset(run, edge):
    yield from cut(run, "core", "im", 7400, RESET)


def link_im_silent(run, edge):
    yield from cut(run, "core", "im", 7400, "drop")


def tunnel_cut(run, edge):
    yield from cut(run, "core", edge.realm, 2222, run.random.choice((RESET, "drop")))


def axl_cut(run, edge):
    yield from cut(run, "core", "im", 8443, run.random.choice((RESET, "drop")))


def s2s_cut(run, edge):
    """Prosody bounces what was not acknowledged, and nobody knows what it wrote before acknowledgements began."""
    row = run.windows.open("s2s cut", ("both", "lost", "disordered"))
    yield from cut(run, "partner", edge.realm, 5269, run.random.choice((RESET, "drop")))
    run.windows.close(row, 8)


def reload(node, key, value):
    old = node.changes.get(key)
    node.changes[key] = value
    told = node.reload()
    yield told
    if old is None:
        del node.changes[key]
    else:
        node.changes[key] = old
    node.reload()


def reload_edge(run, edge):
    inner = f'address = "{run.nodes.address(edge.realm, -1)}"; port = '
    key, value = run.random.choice((
        (S2S_BEGINS, f"{edge.changes[S2S_BEGINS]} stanza_max_bytes = 200000; idle_timeout_ms = 300000;"),
        ("control = true; }", "control = true; weight = 7; }"),
        (f"listen = ( {{ {inner}7400; }} );", f"listen = ( {{ {inner}7400; }}, {{ {inner}7410; }} );")))
    yield from reload(edge, key, value)


def reload_core(run, edge):
    extra = '{ name = "lab.example"; federation = true;'
    key, value = run.random.choice((
        (WEIGHT, WEIGHT.replace("10; }", "30; " + QUICK)),
        (extra, '{ name = "extra.example"; federation = true; },\n\t' + extra),
        ('\t\t\tallow = ( "partner.example" );\n\t\t};', '\t\t\tallow = ( "partner.example", "other.example" );\n\t\t};'),
        (extra, extra + " im_and_presence = true;")))
    yield from reload(run.core, key, value)


def reload_core_alias(run, edge):
    """A domain is taken away and comes again. What comes from it meanwhile has a sender that nobody can believe: it is dropped as
    foreign-sender, and never answered (sdk/PROTOCOL.md, "Who may send over it"). An edge learns of it when its tunnel stands, which
    may be at the end of the run: the window stays open."""
    run.windows.open("alias", ("both", "lost", "disordered"), "slow-.*")
    yield from reload(run.core, ALIASES, "}\n")


def reload_im(run, edge):
    rooms = '{ name = "rooms.corp.example"; federation = true; }'
    users = 'role = "administrator"; } );'
    key, value = run.random.choice((
        (rooms, run.im.changes[rooms] + ', { name = "extra.example"; federation = true; }'),
        (users, users.replace(" );", ', { name = "other"; password_file = "axl.password"; role = "administrator"; } );')),
        ("control = true; } );", "control = true; weight = 5; } );")))
    yield from reload(run.im, key, value)


def federation(run, edge):
    edge.ctl("federation", "off")
    yield
    edge.ctl("federation", "on")


def restart(run, node, number):
    """Behind a broken link nobody can know what has arrived: who ends then returns it, or has it sent again."""
    broken = run.nodes.net.cuts or time.monotonic() - run.cut_at < 15 or run.down
    row = run.windows.open(f"{node.realm} ends behind a cut", ("both", "twice", "disordered") if broken else ())
    run.down += 1
    if number == "drain":
        node.ctl("drain")
        node.wait_end(0, 40)
    else:
        node.stop(number, 40)
    yield
    node.start()
    run.down -= 1
    run.windows.close(row, 2)


def kill(run, node):
    """Whoever had handed it something has that still; but for Prosody and XEP-0114, which do not know what has arrived."""
    row = run.windows.open(f"kill {node.realm}", ("twice", "both", "disordered"))
    unknown = ".*-in" if node in run.edges else "corp-.*" if node is run.im else "none"
    lost = run.windows.open(f"kill {node.realm}", ("lost",), unknown)
    yield from restart(run, node, signal.SIGKILL)
    for each in (row, lost):
        run.windows.close(each, 8)


def edge_killed(run, edge):
    yield from kill(run, edge)


def core_killed(run, edge):
    yield from kill(run, run.core)


def im_killed(run, edge):
    """Towards dialect 2 what had arrived before a resumption counts as acknowledged (sdk/PROTOCOL.md, "Resuming")."""
    resumed = time.monotonic() - run.resumed_at < 60
    row = run.windows.open("im killed after a resumption", ("lost",) if resumed else (), "(lab|slow)-out")
    yield from kill(run, run.im)
    run.windows.close(row)


def edge_ended(run, edge):
    yield from restart(run, edge, signal.SIGTERM)


def edge_drained(run, edge):
    yield from restart(run, edge, "drain")


def core_ended(run, edge):
    yield from restart(run, run.core, run.random.choice((signal.SIGTERM, "drain")))


def im_ended(run, edge):
    """What a component of XEP-0114 writes into the end of its link, nobody has."""
    row = run.windows.open("im ends", ("lost",), "corp-out")
    yield from restart(run, run.im, run.random.choice((signal.SIGTERM, "drain")))
    run.windows.close(row, 1)


def tunnel_killed(run, edge):
    node, name = run.random.choice(((edge, "sshd"), (run.core, "ssh")))
    done = subprocess.run(["pgrep", "-x", "-P", str(node.child.pid), name], stdout=subprocess.PIPE, text=True)
    for pid in map(int, done.stdout.split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    yield


def axl_misbehaves(run, edge):
    run.axl.mode = run.random.choice((*SAYS, "half", "shut", "silence"))
    if run.axl.mode != "silence":
        run.core.ctl_text("axl", "sync")
    yield
    run.axl.mode = "pass"


def row_deleted(run, edge):
    if run.database:
        run.database.query("delete from xmpps2snodes")
    else:
        table = sqlite3.connect(f"{run.im.where}/axl.db", timeout=10, isolation_level=None)
        table.execute("delete from xmpps2snodes")
        table.close()
    yield


def database_restarted(run, edge):
    if run.database:
        run.database.restart(run.random.choice((signal.SIGINT, signal.SIGKILL)))
    yield


def component_detached(run, edge):
    talker = run.random.choice((run.porter, run.labs))
    talker.detach()
    yield
    talker.attach()


def component_cut(run, edge):
    run.labs.cutting = True
    run.resumed_at = time.monotonic()
    yield


def component_stalled(run, edge):
    run.labs.stalled = True
    yield
    run.labs.stalled = False


def trace(run, edge):
    name = f"t{run.random.randrange(1 << 30)}"
    told = edge.ctl("trace", "add", PARTNER, f"file={name}", f"format={run.random.choice(('text', 'json', 'pcapng'))}")
    yield
    edge.ctl_text("trace", "remove", str(told["components"][0]["trace"]))


def dns_changed(run, edge):
    dns = run.nodes.dns
    dns.stop()
    what = run.random.randrange(3)
    old = list(dns.records)
    if what == 0:
        dns.records = [row for row in old if PARTNER not in row]
    elif what == 1:
        dns.records = [row.replace("SRV 0 0", "SRV 5 5") for row in old]
    if what != 2:
        dns.start()
    edge.ctl_text("dns", "flush")
    yield
    if dns.alive():
        dns.stop()
    dns.records = old
    dns.start()
    edge.ctl_text("dns", "flush")


def burst(run, edge):
    for pair in run.book.pairs.values():
        pair.more(150)
    yield


ACTIONS = {  # function: how often, what it needs for itself alone
    link_edge_reset: (4, ["link edge"]), link_edge_silent: (2, ["link edge"]),
    link_im_reset: (4, ["link im"]), link_im_silent: (2, ["link im"]),
    tunnel_cut: (2, ["tunnel"]), axl_cut: (1, ["axl"]), s2s_cut: (2, ["s2s"]),
    reload_edge: (2, ["edge"]), reload_core: (2, ["core"]), reload_core_alias: (1, ["core"]), reload_im: (2, ["im"]),
    federation: (2, ["edge"]), edge_ended: (1, ["edge"]), edge_drained: (1, ["edge"]), edge_killed: (1, ["edge"]),
    core_ended: (1, ["core"]), core_killed: (1, ["core"]),
    im_ended: (1, ["im", "components"]), im_killed: (1, ["im", "components"]),
    tunnel_killed: (2, ["edge", "core"]), axl_misbehaves: (2, ["axl", "core"]), row_deleted: (1, ["im"]),
    database_restarted: (1, ["im"]), component_detached: (2, ["im", "components"]), component_cut: (3, []),
    component_stalled: (2, ["credit"]), trace: (1, ["edge"]), dns_changed: (1, ["edge", "dns"]), burst: (3, []),
}
