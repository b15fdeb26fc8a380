# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""What lies between two programs: it passes the bytes of a connection both ways, until it is told to cut it or to swallow them.
"""
import contextlib
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing tells the other side at once, and throws away what is on its way


class Relay:
    """Listens at an address; whoever connects there talks to `target`, an address or the path of a UNIX socket."""

    def __init__(self, ip, target):
        self.target, self.lock, self.open = target, threading.Lock(), set()
        self.swallows, self.left = False, None
        self.cuts = 0
        self.listener = socket.create_server((ip, 0))
        self.ip, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _dial(self):
        if not isinstance(self.target, str):
            return socket.create_connection(self.target, 10)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.target)
        return server

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = self._dial()
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.open.add((client, server))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(one, other, (client, server)), daemon=True).start()

    def _pump(self, one, other, pair):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                with self.lock:
                    if self.swallows:
                        continue
                    if self.left is not None:
                        data = data[:self.left]
                        self.left -= len(data)
                    now = self.left == 0
                other.sendall(data)
                if now:
                    break
        self._end(pair)

    def _end(self, pair):
        with self.lock:
            if pair not in self.open:
                return
            self.open.discard(pair)
            self.left = None
            self.cuts += 1
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads from it
            end.close()

    def cut_after(self, number):
        """Cuts the connection when so many more bytes have passed, in whatever direction: in the middle of a stanza, mostly."""
        with self.lock:
            self.left = number

    def swallow(self):
        """Takes all bytes and passes none: neither side hears of the other, and none is told why."""
        with self.lock:
            self.swallows = True

    def mend(self):
        """Ends what has lost bytes; new connections are good again."""
        with self.lock:
            self.swallows = False
            lost = list(self.open)
        for pair in lost:
            self._end(pair)

    def close(self):
        self.listener.close()
        self.mend()
