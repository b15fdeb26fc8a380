# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""An IM node for live tests: fedwayd with the AXL service, asked with the real curl and with a small client of our own.

The client sends what ciscoaxl and its like send: an envelope, Basic, SOAPAction; it knows statuses, faults and rows.
"""
import os
import re
import subprocess
import xml.etree.ElementTree as tree

import fedway
from process import Process, free_port, wait_until

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


class ImNode(Process):
    """One node; `options` go to axl_service."""

    judged = True

    def __init__(self, where, authority, ip="127.0.0.1", realm="im-1", **options):
        self.installed, self.where, self.ip = fedway.Installation(), where, ip
        os.makedirs(where, exist_ok=True)
        self.port, self.authority = free_port(ip), authority
        self.socket = f"{where}/control.sock"
        self.certificate = authority.issue(NAME)
        with open(f"{where}/password", "w") as f:
            f.write(PASSWORD + "\n")
        os.chmod(f"{where}/password", 0o600)
        users = [{"name": name, "password_file": f"{where}/password", "role": role}
                 for name, role in (("fedway", "administrator"), ("reader", "read-only"), ("nobody", "none"))]
        self.options = {"listen": [{"address": ip, "port": self.port}], "certificate_file": self.certificate.both,
                        "users": users, "database_file": f"{where}/axl.db", "login_delay_ms": 10, "poll_ms": 20,
                        **options}
        self.config = {"realm": realm, "module_path": self.installed.modules, "control_socket": self.socket,
                       "log_level": "debug", "domains": [{"name": "corp.example", "federation": True}],
                       "components": [{"module": "axl_service", "options": self.options}]}
        super().__init__(f"fedwayd {realm}", [f"{self.installed.prefix}/sbin/fedwayd", "--config", f"{where}/im.conf"],
                         f"{where}/fedwayd.log", self.installed.env)

    def write(self):
        with open(f"{self.where}/im.conf", "w") as f:
            f.write("".join(f"{k} = {fedway.libconfig(v)};\n" for k, v in self.config.items()))

    def start(self):
        self.write()
        self.launch()
        self.wait_port(self.ip, self.port)
        return self

    launch = fedway.Fedway.launch
    ctl = fedway.Fedway.ctl
    ctl_text = fedway.Fedway.ctl_text
    reload = fedway.Fedway.reload
    story = fedway.Fedway.story

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
