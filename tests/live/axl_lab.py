# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A publisher of the lab: HTTPS, Basic and AXL over a real SQLite, and every bad answer that a publisher can give.

Good answers are here only to be mixed with bad ones (`mood`): how our client and our service get on is told by tests with the
service itself.
"""
import base64
import re
import socket
import sqlite3
import ssl
import threading
from xml.sax.saxutils import escape, unescape

from scripted_axl import read_message

SOAP = ('<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
        "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>")
PAGE = "<!DOCTYPE html><html><body>No</body></html>"

# name → bytes of the answer, from a good one (head, body); None: nothing
MOODS = {
    "401": lambda head, body: http(401, PAGE, "text/html"),
    "403": lambda head, body: http(403, PAGE, "text/html"),
    "404": lambda head, body: http(404, PAGE, "text/html"),
    "503": lambda head, body: http(503, "later", "text/plain"),
    "599": lambda head, body: http(599, "no such version", "text/plain"),
    "fault": lambda head, body: http(500, fault(-201, "A syntax error has occurred.")),
    "page": lambda head, body: http(200, PAGE, "text/html"),
    "garbage": lambda head, body: b"\x16\x03\x01 220 smtp.example ready\r\n\r\n",
    "no SOAP": lambda head, body: http(200, "<a/>"),
    "half": lambda head, body: head + body[:len(body) // 2],
    "half an envelope": lambda head, body: http(200, body[:len(body) // 2].decode()),
    "nothing": lambda head, body: b"",
    "silence": lambda head, body: None,
    "huge": lambda head, body: head.replace(b"Content-Length", b"X-Length") + b"x" * 3_000_000,
}


def http(status, body, kind="text/xml;charset=UTF-8"):
    body = body.encode()
    return (f"HTTP/1.1 {status} Lab\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def fault(code, text):
    return SOAP.format(f"<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>{text}</faultstring><detail><axlError>"
                       f"<axlcode>{code}</axlcode><axlmessage>{text}</axlmessage></axlError></detail></soapenv:Fault>")


class LabPublisher:
    """Listens at once. `mood` is the answer to everything, or to `only` one function; None is to be good."""

    def __init__(self, ip, pair, password):
        self.password, self.mood, self.only, self.asked = password, None, None, []
        self.lock = threading.Lock()
        self.table = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.table.execute("create table xmpps2snodes (pkid text primary key, cp_id text unique)")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair.files)
        self.listener = socket.create_server((ip, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def rows(self):
        with self.lock:
            return sorted(row[0] for row in self.table.execute("select cp_id from xmpps2snodes"))

    def sql(self, text):
        with self.lock:
            self.table.execute(text)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                while self.serve_one(tls):
                    pass
        except OSError:
            pass

    def serve_one(self, tls):
        request = read_message(tls)
        if not request:
            return False
        head, body = request.split(b"\r\n\r\n", 1)
        function = re.search(r"<ns:(\w+)", body.decode()).group(1)
        answer = self.answer(head.decode(), body.decode(), function)
        self.asked.append(function)
        bad = self.mood is not None and self.only in (None, function)
        if bad:
            answer = MOODS[self.mood](*[part + end for part, end in zip(answer.split(b"\r\n\r\n", 1), (b"\r\n\r\n", b""))])
        if answer is None:
            tls.recv(1)  # until the client has had enough
            return False
        tls.sendall(answer)
        return not bad

    def answer(self, head, body, function):
        login = base64.b64encode(f"fedway:{self.password}".encode()).decode()
        if f"Authorization: Basic {login}" not in head:
            return MOODS["401"](b"", b"")
        schema = re.search(r"AXL/API/([\d.]+)", body).group(1)
        assert schema == "1.0" or f'SOAPAction: "CUCM:DB ver={schema} {function}"' in head, head
        sequence = re.search(r'sequence="(\d+)"', body).group(1)
        if function == "getCCMVersion":
            inside = "<componentVersion><version>14.0.1.10000-20</version></componentVersion>"
        else:
            sql = unescape(re.search(r"<sql>(.*)</sql>", body, re.S).group(1), {"&apos;": "'", "&quot;": '"'})
            try:
                with self.lock:
                    cursor = self.table.execute(sql)
                    names = [column[0] for column in cursor.description or ()]
                    inside = "".join("<row>" + "".join(f"<{n}>{escape(str(v))}</{n}>" for n, v in zip(names, row)) + "</row>"
                                     for row in cursor) if names else f"<rowsUpdated>{cursor.rowcount}</rowsUpdated>"
            except sqlite3.IntegrityError as e:
                return http(500, fault(-239, str(e)))
            except sqlite3.Error as e:
                return http(500, fault(-201, str(e)))
        return http(200, SOAP.format(f'<ns:{function}Response xmlns:ns="http://www.cisco.com/AXL/API/{schema}" '
                                     f'sequence="{sequence}"><return>{inside}</return></ns:{function}Response>'))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # the thread that accepts wakes up
        self.listener.close()
