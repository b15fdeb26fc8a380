# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""An IM node for live tests: fedwayd with the AXL service, asked with the real curl and with a small client of our own.

The client sends what ciscoaxl and its like send: an envelope, Basic, SOAPAction; it knows statuses, faults and rows.
"""
import re
import subprocess
import xml.etree.ElementTree as tree

from fedway import Daemon
from process import free_port, wait_until

PASSWORD = "axl-secret"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
AXL = "http://www.cisco.com/AXL/API/"
ENVELOPE = (f'<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:ns="{AXL}%s"><soapenv:Header/><soapenv:Body>%s'
            '</soapenv:Body></soapenv:Envelope>')
NAME = "im.corp.internal"


class Fault(Exception):
    """A SOAP fault, or a status that is none."""

    def __init__(self, status, code, text):
        super().__init__(f"{status} {code} {text}")
        self.status, self.code, self.text = status, code, text


class ImNode(Daemon):
    """One node; `options` go to axl_service."""

    def __init__(self, where, authority, ip="127.0.0.1", realm="im-1", **options):
        super().__init__(where, realm)
        self.ip, self.port, self.authority = ip, free_port(ip), authority
        self.certificate = authority.issue(NAME)
        password = self.secret("password", PASSWORD)
        users = [{"name": name, "password_file": password, "role": role}
                 for name, role in (("fedway", "administrator"), ("reader", "read-only"), ("nobody", "none"))]
        self.options = {"listen": [{"address": ip, "port": self.port}], "certificate_file": self.certificate.both,
                        "users": users, "database_file": f"{where}/axl.db", "login_delay_ms": 10, "poll_ms": 20,
                        **options}
        self.config.update({"domains": [{"name": "corp.example", "federation": True}],
                            "components": [{"module": "axl_service", "options": self.options}]})

    def start(self):
        self.write()
        self.launch()
        self.wait_port(self.ip, self.port)
        return self

    @property
    def url(self):
        return f"https://{NAME}:{self.port}/axl/"

    def curl(self, *words, url=None, data=None):
        """The real curl; returns status, header and body."""
        command = ["curl", "-sS", "-i", "--max-time", "20", "--cacert", self.authority.file, "--resolve",
                   f"{NAME}:{self.port}:{self.ip}", *words, url or self.url]
        if data is not None:
            command[1:1] = ["--data-binary", "@-"]
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode()
        header, _, body = done.stdout.partition(b"\r\n\r\n")
        while header.startswith(b"HTTP/1.1 100"):
            header, _, body = body.partition(b"\r\n\r\n")
        return int(header.split()[1]), header.decode(), body.decode()

    def post(self, body, user="fedway", password=PASSWORD, action=None, content="text/xml; charset=utf-8", more=()):
        words = ["-u", f"{user}:{password}", "-H", f"Content-Type: {content}", *more]
        if action is not None:
            words += ["-H", f"SOAPAction: {action}"]
        return self.curl(*words, data=body if isinstance(body, bytes) else body.encode())

    def call(self, operation, sql=None, version="9.1", user="fedway", sequence=None):
        """Sends as clients do; returns the element `return`, or raises Fault."""
        inner = f"<sql>{sql.replace('&', '&amp;').replace('<', '&lt;')}</sql>" if sql is not None else ""
        attribute = f' sequence="{sequence}"' if sequence else ""
        status, _, text = self.post(ENVELOPE % (version, f"<ns:{operation}{attribute}>{inner}</ns:{operation}>"),
                                    user=user, action=f'"CUCM:DB ver={version} {operation}"')
        if status != 200:
            code = re.search("<axlcode>(.*)</axlcode>", text)
            raise Fault(status, int(code[1]) if code else None, text)
        answer = tree.fromstring(text).find(f"{{{SOAP}}}Body")[0]
        assert answer.tag == f"{{{AXL}{version}}}{operation}Response" and answer.get("sequence") == sequence
        return answer.find("return")

    def query(self, sql, **more):
        """Rows as dictionaries."""
        return [{cell.tag: cell.text for cell in row} for row in self.call("executeSQLQuery", sql, **more)]

    def update(self, sql, **more):
        return int(self.call("executeSQLUpdate", sql, **more).find("rowsUpdated").text)

    def insert(self, cp_id):
        return self.update(f"insert into xmpps2snodes (pkid, cp_id) values (newid(), '{cp_id}')")

    def holders(self):
        """Components that serve foreign domains now, by the router's own word."""
        return sorted(row["component"] for row in self.ctl("routes")["routes"] if row["domain"] == "*")

    def holds(self, *cp_ids):
        wait_until(lambda: f"{cp_ids} in {self.holders()}", lambda: self.holders() == sorted(cp_ids))

    def notices(self):
        return {row["key"]: row for row in self.ctl("notifications")["notifications"]}
