# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A proxy before a real AXL service that can be told to misbehave: it answers by itself, says nothing, or passes half a reply.

It ends TLS with the service's own certificate and speaks TLS to the service, so that both take it for the other. Each mode
is a row of SAYS, or one of pass, half, silence and shut.
"""
import socket
import ssl
import threading

SAYS = {
    "401": b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"axl\"\r\nContent-Length: 0\r\n\r\n",
    "403": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
    "garbage": b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 21\r\n\r\n\x00<soap:\xff garbage <<>>",
}


class ScriptedAxl:
    """Listens on a machine of netns.py; `mode` may change at any time, and counts for the next request."""

    def __init__(self, space, listen, service, pair):
        self.service, self.mode, self.seen, self.open = service, "pass", [], set()
        self.serve, self.ask = pair.serve(), ssl._create_unverified_context()
        with space:
            self.listener = socket.create_server(listen)
        self.space = space
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        self.space.move_thread()
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._client, args=(client,), daemon=True).start()

    def _client(self, plain):
        try:
            with self.serve.wrap_socket(plain, server_side=True) as client:
                self.open.add(client)
                while self._one(client):
                    pass
        except OSError:
            pass

    def _one(self, client):
        """One request and its answer; whether there may be another on this connection."""
        request = read_message(client)
        if not request:
            return False
        mode = self.mode
        self.seen.append((mode, request))
        if mode in SAYS:
            client.sendall(SAYS[mode])
            return True
        if mode == "silence":
            client.recv(1)  # until the client has had enough
        if mode in ("shut", "silence"):
            return False
        with self.ask.wrap_socket(socket.create_connection(self.service, 10)) as service:
            service.sendall(request)
            answer = read_message(service)
        client.sendall(answer[:len(answer) // 2] if mode == "half" else answer)
        return mode != "half"

    def count(self, mode):
        return sum(1 for was, _ in list(self.seen) if was == mode)

    def stop(self):
        self.listener.close()


def read_message(connection):
    """A request or an answer with its body, which has a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body
