# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""Numbered messages from one talker to another, and what became of each: arrived once, bounced once, twice, or lost.

The load keeps itself going: a message that arrives, or comes back, makes room for the next, so there is always a window of
them under way when something breaks. Used by test_faults_nodes.py.
"""
import collections
import threading

from process import wait_until

Count = collections.namedtuple("Count", "sent arrived bounced twice both lost disordered")


class Load:
    """`total` messages from `source` (of the talker `sender`) to `target` (of `receiver`)."""

    def __init__(self, name, sender, source, receiver, target, total=400, window=20):
        self.name, self.sender, self.receiver, self.source, self.target = name, sender, receiver, source, target
        self.total, self.window, self.sent, self.forgiven = total, window, 0, 0
        self.arrived, self.bounced, self.lock = collections.Counter(), collections.Counter(), threading.Lock()
        self.order, self.marks = [], []
        self.listen(receiver)
        self.listen(sender)

    def listen(self, talker):
        """Takes what comes at this talker, which may be a new one for the same address."""
        talker.takers = [t for t in getattr(talker, "takers", []) if t is not self._take] + [self._take]
        talker.take = lambda stanza: [take(stanza) for take in talker.takers]

    def _take(self, stanza):
        name = stanza["id"]
        if stanza.name != "message" or not name.startswith(f"{self.name}-"):
            return
        with self.lock:
            known = self.arrived[name] + self.bounced[name]
            if stanza["type"] == "error":
                self.bounced[name] += 1
            else:
                self.arrived[name] += 1
                self.order.append(name)
            due = [mark for mark in self.marks if mark[0] <= len(self.arrived)]
            self.marks = [mark for mark in self.marks if mark not in due]
        for _, event in due:
            event.set()
        if not known:
            self.more()

    def done(self):
        """How many have arrived or come back."""
        return len(set(self.arrived) | set(self.bounced))

    def more(self):
        """Fills the window."""
        with self.lock:
            room = min(self.window - (self.sent - self.forgiven - self.done()), self.total - self.sent)
            names = [f"{self.name}-{self.sent + i}" for i in range(max(0, room))]
            self.sent += len(names)
        xmls = [f"<message type='chat' id='{name}' from='{self.source}' to='{self.target}'><body>{name}</body></message>"
                for name in names]
        loop = self.sender.thread.loop
        loop.call_soon_threadsafe(lambda: [self.sender.xmpp.send_raw(xml) for xml in xmls])

    def after(self, number):
        """Waits until so many have arrived, without looking again and again."""
        event = threading.Event()
        with self.lock:
            if len(self.arrived) >= number:
                return
            self.marks.append((number, event))
        if not event.wait(30):
            raise AssertionError(f"{self.name}: waited in vain for {number} messages; {self.count()}")

    def open(self):
        return [n for n in (f"{self.name}-{i}" for i in range(self.sent)) if n not in self.arrived and n not in self.bounced]

    def forgive(self):
        """What is still open makes no room any more: called when nothing that was under way can still come."""
        with self.lock:
            self.forgiven = self.sent - self.done()
        self.more()

    def finish(self, seconds=None):
        """Waits until all are sent and each has arrived or come back, except what was forgiven."""
        wait_until(lambda: f"{self.name} to end; {self.count()}; open {self.open()[:10]}",
                   lambda: self.sent == self.total and self.done() >= self.total - self.forgiven, seconds)
        return self.count()

    def count(self):
        with self.lock:
            lost = self.sent - self.done()
            twice = sum(1 for n in self.arrived.values() if n > 1) + sum(1 for n in self.bounced.values() if n > 1)
            both = len(set(self.arrived) & set(self.bounced))
            first = list(dict.fromkeys(self.order))
            numbers = [int(n.rsplit("-", 1)[1]) for n in first]
            disordered = sum(1 for a, b in zip(numbers, numbers[1:]) if b < a)
            return Count(self.sent, len(self.arrived), len(self.bounced), twice, both, lost, disordered)
