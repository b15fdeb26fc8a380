# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Three nodes under disorder that nobody has scripted: messages both ways all the time, and random actions, one after the other
and overlapping. Each message arrives once or comes back once and in order, but for the windows of disorder_actions.py;
afterwards all is as it was: green, agreed, balanced, no file and no memory left over.

The sequence of actions follows from a seed, which is printed. More of it, with two edges, on PostgreSQL, without some actions:
    FEDWAY_DISORDER_SEED=7 FEDWAY_DISORDER_ACTIONS=200 FEDWAY_DISORDER_EDGES=2 FEDWAY_DISORDER_DATABASE=postgresql \\
    FEDWAY_DISORDER_WITHOUT="core_killed im_killed" make check-live LIVE_FLAGS='-s -k disorder'
"""
import os
import random
import re
import subprocess
import time

from certificates import Authority
from disorder import Attached, Book, Pair, Windows
from disorder_actions import ACTIONS, QUICK, S2S_BEGINS, WEIGHT
from nodes import CORP, FOLDER, LAB, LAB_ROOMS, PARTNER, ROOMS, Nodes, on_postgresql
from postgres import Postgres
from samples import sample
from scripted_axl import ScriptedAxl

SEED = int(os.environ.get("FEDWAY_DISORDER_SEED", "7"))
COUNT = int(os.environ.get("FEDWAY_DISORDER_ACTIONS", "14"))
EDGES = int(os.environ.get("FEDWAY_DISORDER_EDGES", "1"))
DATABASE = os.environ.get("FEDWAY_DISORDER_DATABASE", "sqlite")
WITHOUT = os.environ.get("FEDWAY_DISORDER_WITHOUT", "").split()
LONG = 40  # from so many actions on there are pauses too that are longer than a silent link lives
JULIET = f"juliet@{PARTNER}/test"
S2S = ('id = "cm-2_s2scp-1"; options = { ca_file = "public-ca.pem"; backoff_min_ms = 100; backoff_max_ms = 500; '
       "ack_request_ms = 200; probe_idle_ms = 2000; probe_timeout_ms = 4000; tcp_timeout_ms = 5000; ")


def group(text, start, end):
    """What stands in a sample from here to there."""
    begin = text.index(start)
    return text[begin:text.index(end, begin) + len(end)]


class Run:
    """The world of one run, and what the actions remember."""

    def __init__(self, world, seed):
        self.world, self.random, self.nodes = world, random.Random(seed), Nodes(world)
        self.windows, self.book = Windows(), Book()
        self.cut_at, self.resumed_at, self.down = 0, 0, 0
        self.attached = []
        if EDGES > 1:  # what goes to another edge from now on may overtake what waits at the first (router/README.md, Limits)
            self.windows.open("several edges", ("disordered",))
        self.prepare()
        self.start()
        self.began = time.monotonic()

    def prepare(self):
        """Everybody is vouched for by one authority, so that acknowledgements hold between the servers too."""
        nodes, where = self.nodes, self.world.where
        public = Authority(f"{where}/public")
        nodes.public = public.issue(CORP, ROOMS, LAB, LAB_ROOMS, days=(-1, 365))
        self.partner = nodes.partner(dialback=False, authority=public, certificate=public.issue(PARTNER),
                                     modules=("smacks",))
        self.database = self.world.start(Postgres()) if DATABASE == "postgresql" else None
        self.edges = [nodes.edge(n, {S2S_BEGINS: f'{S2S}trace_dir = "{where}/edge-{n}/traces";'})
                      for n in range(1, EDGES + 1)]
        for edge in self.edges:
            os.makedirs(f"{edge.where}/traces")
            os.symlink(public.file, f"{edge.where}/public-ca.pem")
        core = sample(f"{FOLDER}/core.conf", {})
        self.core = nodes.core(EDGES, {
            group(core, "uplinks = (", "\n);\n"): "",  # the Prosody inside stays out of this
            group(core, ",\n\n\t# For the Prosody: takes", "\t\t};\n\t}\n"): "\n",
            WEIGHT: WEIGHT.replace("}", QUICK), 'secret_file = "im-1.secret"; }': f'secret_file = "im-1.secret"; {QUICK}',
            "publishers = (":
                "retry_min_ms = 100; retry_max_ms = 1000; check_interval_ms = 2000; timeout_ms = 1500; publishers = (",
        })
        link = '{ name = "corp.example"; secret_file = "service.secret"; }'
        rooms = '{ name = "rooms.corp.example"; federation = true; }'
        self.im = nodes.im({
            "port = 8443": "port = 8444",  # a proxy has its port
            link: f'{link}, {{ name = "{LAB}"; secret_file = "service.secret"; domains = ( "{LAB_ROOMS}" ); }}',
            rooms: f'{rooms}, {{ name = "{LAB}"; federation = true; }}, {{ name = "{LAB_ROOMS}"; federation = true; }}',
            **(on_postgresql(self.database) if self.database else {})})
        nodes.publish(*(edge.realm for edge in self.edges))

    def start(self):
        world, nodes = self.world, self.nodes
        for process in (nodes.dns, self.partner, self.im):
            world.start(process)
        ip, space = nodes.address("im"), nodes.net.spaces["im"]
        self.axl = ScriptedAxl(space, (ip, 8443), (ip, 8444), nodes.inner_ca.issue("imp1.corp.internal"))
        nodes.introduce(world, self.core, *self.edges)
        for edge in self.edges:
            edge.ctl("federation", "on")
        nodes.federated(self.core, self.im, *self.edges)
        self.juliet = world.client(self.partner, "juliet")
        self.juliet.take = lambda s: self.book.came(s["id"], self.error(s) if s["type"] == "error" else None)
        self.porter = Attached(space, self.im, self.book, CORP)
        self.labs = Attached(space, self.im, self.book, LAB, {LAB: None, LAB_ROOMS: 20}, nodes.inner_ca.file)
        self.attached = [self.porter, self.labs]
        for name, talker, source in (("corp", self.porter, f"porter@{CORP}"), ("lab", self.labs, f"gate@{LAB}"),
                                     ("slow", self.labs, f"hall@{LAB_ROOMS}")):
            self.book.add(Pair(f"{name}-out", talker.send, source, JULIET))
            self.book.add(Pair(f"{name}-in", self.from_juliet, JULIET, source))
        self.present()

    @staticmethod
    def error(stanza):
        found = re.search(r'cause:1" name="([\w-]+)"', str(stanza))
        return found.group(1) if found else f"{stanza['error']['condition']} {stanza['error']['text'][:60]}"

    def from_juliet(self, xmls):
        self.juliet.thread.loop.call_soon_threadsafe(lambda: [self.juliet.xmpp.send_raw(xml) for xml in xmls])
        return True

    def present(self):
        self.world.until("both components", lambda: all(each.ready.is_set() for each in self.attached))

    def all(self):
        return [*self.edges, self.core, self.im]

    def pairs(self):
        return self.book.pairs.values()

    def talk(self, seconds):
        """Twenty messages a second of each pair."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for pair in self.pairs():
                pair.more(1)
            time.sleep(0.05)

    def open(self):
        """What has no end yet, but for what may be lost."""
        now = time.monotonic()
        return [n for p in self.pairs() for n in p.open() if not self.windows.allow("lost", p.name, p.sent[n], now)]

    def say(self, what, action):
        print(f"{time.monotonic() - self.began:8.3f} {what} {action.__name__}", flush=True)

    def disorder(self, count):
        """Begins so many actions; about as often it ends one."""
        table = {action: row for action, row in ACTIONS.items() if action.__name__ not in WITHOUT}
        pauses = [0.05, 0.1, 0.2, 0.4, 1.0] * 6 + ([11] if count >= LONG else [])
        under_way, begun = [], 0

        def end():
            action, _, made = under_way.pop(self.random.randrange(len(under_way)))
            self.say("  ends", action)
            for _ in made:
                pass
        while begun < count:
            taken = {name for _, needs, _ in under_way for name in needs}
            free = [action for action, (_, needs) in table.items() if not taken & set(needs)]
            if under_way and (not free or self.random.random() < 0.5):
                end()
            else:
                action = self.random.choices(free, [table[each][0] for each in free])[0]
                self.say("begins", action)
                made = action(self, self.random.choice(self.edges))
                next(made)
                under_way.append((action, table[action][1], made))
                begun += 1
            self.talk(self.random.choice(pauses))
        while under_way:
            end()
            self.talk(0.1)

    def good(self):
        """Every node is green and says so, nothing is told that no longer holds, and all views agree."""
        until, nodes = self.world.until, self.nodes
        nodes.federated(self.core, self.im, *self.edges)
        nodes.joined(self.core, *self.edges)
        self.present()
        for node in self.all():
            until(lambda: f"no notice at {node.realm}; {node.ctl('notifications')}",
                  lambda: not node.ctl("notifications")["notifications"], 60)
            until(lambda: f"green at {node.realm}; {node.ctl('status')}", lambda: node.ctl("status")["health"] == "green")
        until(lambda: f"agreement; {self.core.ctl_text('troubleshoot')[1]}", lambda: self.core.ctl_text("troubleshoot")[0] == 0)

    def quiet(self):
        """Each message has had its end, no node holds one, nobody met the filter, and no process is left over."""
        self.world.until(lambda: f"an end of {self.open()[:10]}", lambda: not self.open(), 75)
        for node in self.all():
            node.settled()
        self.nodes.quiet()
        self.world.until(lambda: f"no orphan; {orphans(self.world.where)}", lambda: not orphans(self.world.where))

    def judge(self):
        """One line for each pair; what is wrong, one sentence each."""
        problems = []
        came = sorted((line[:24], number, name) for edge in self.edges for number, line in enumerate(edge.text().splitlines())
                      if "received:: <message" in line for name in re.findall(r" id='([\w-]+\.\d+)'", line))
        for pair in self.pairs():
            if pair.name.endswith("-in"):  # Prosody disorders what waits for a stream: what the edges got is what has to arrive
                pair.reordered(list(dict.fromkeys(n for _, _, n in came if n.startswith(f"{pair.name}."))))
            wrong, allowed = pair.judged(self.windows)
            print(f"{pair.count()}; allowed {dict(allowed)}; {len(wrong)} wrong")
            problems += wrong[:8]
        print(f"dialect 2: {self.labs.begun} sessions, resumed {self.labs.resumed} times; XEP-0114: {self.porter.begun}")
        return problems

    def close(self):
        for each in self.attached:
            each.close()
        self.nodes.close()


def orphans(where):
    """Processes of this run that are nobody's children any more: number and command line. Not those that are one for each edge
    at most: what sshd has started for a session outlives an sshd that was killed, and serves on (components/tunnel/README.md)."""
    parent, command = {}, {}
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/stat") as stat, open(f"/proc/{number}/cmdline") as words:
                parent[int(number)] = int(stat.read().rpartition(")")[2].split()[1])
                command[int(number)] = words.read().replace("\0", " ")
        except OSError:
            continue  # it has ended meanwhile

    def ours(number):
        while number in parent and number != os.getpid():
            number = parent[number]
        return number == os.getpid()
    found = [f"{number} {text}" for number, text in command.items() if where in text and not ours(number)]
    serving = {re.search(r"fedway-tunnel (\S+)", text).group(1): text for text in found if "fedway-tunnel " in text}
    return [text for text in found if text not in serving.values()]


def measured(run):
    """Of each node: its process, open files, kB of memory; None for that under a sanitizer, which keeps what is freed."""
    found = {}
    for node in run.all():
        proc = f"/proc/{node.child.pid}"
        with open(f"{proc}/status") as status, open(f"{proc}/maps") as maps:
            memory = None if "libasan" in maps.read() else int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
        found[node.realm] = node.child.pid, len(os.listdir(f"{proc}/fd")), memory
    return found


def grown(before, after):
    for realm, (pid, files, memory) in after.items():
        _, files_before, memory_before = before[realm]
        print(f"{realm}: {files_before} files, then {files}; {memory_before} kB, then {memory}")
        if files > files_before + 6:
            held = subprocess.run(["ls", "-l", f"/proc/{pid}/fd"], stdout=subprocess.PIPE, text=True).stdout
            yield f"{realm} has {files} files, it had {files_before}\n{held}"
        if memory is not None and memory > memory_before * 1.5 + 8000:
            yield f"{realm} has {memory} kB, it had {memory_before}"


def test_disorder(world):
    print(f"\nFEDWAY_DISORDER_SEED={SEED} FEDWAY_DISORDER_ACTIONS={COUNT}", flush=True)
    run = Run(world, SEED)
    problems = []
    try:
        run.talk(0.5)
        run.good()
        run.quiet()
        before = measured(run)
        try:
            run.disorder(COUNT)
            run.good()
            run.talk(0.5)
            run.quiet()
            problems += grown(before, measured(run))
        except AssertionError as error:
            problems.append(str(error))
        problems += run.judge()
        assert not problems, "\n".join(problems)
    finally:
        run.close()
