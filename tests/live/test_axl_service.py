# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The AXL service of an IM node, as installed: the real curl, a client like those of the field, hostile bytes, and both databases."""
import base64
import os
import re
import socket
import ssl
import subprocess

import pytest

from im import AXL, ENVELOPE, NAME, PASSWORD, SOAP, Fault, ImNode
from postgres import Postgres
from process import free_port, stop_all, wait_until
from relay import Relay

QUERY = ENVELOPE % ("9.1", "<ns:executeSQLQuery><sql>select pkid, cp_id from xmpps2snodes</sql></ns:executeSQLQuery>")
EDGE = "cm-2_s2scp-1.eft-xwye-a-coluc-com"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Worlds that share a folder; everything is stopped at the end."""
    from certificates import Authority
    folder, running = tmp_path_factory.mktemp("axl"), []
    authority = Authority(f"{folder}/ca")

    def make(name, **options):
        node = ImNode(f"{folder}/{name}", authority, realm=name, **options)
        running.append(node)
        return node.start()
    make.running = running
    yield make
    problems = stop_all(running)
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def node(made):
    """One node with SQLite, for tests that leave its table as it was."""
    return made("im-sqlite")


@pytest.fixture(scope="module")
def database(made):
    server = Postgres()
    made.running.append(server)
    return server.start()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either(request, made):
    """The same with each storage."""
    if request.param == "sqlite":
        return made("im-either")
    connection = request.getfixturevalue("database").connection
    node = made("im-either-pg", storage="postgresql", connection=connection)
    wait_until("the database", lambda: node.ctl("components")["components"][0].get("database_up", True)
               and node.story("connected to the database"))
    return node


def raw(node, data, ends=True):
    """Bytes over TLS; returns all that comes until the other side ends, or an empty answer when it does not."""
    context = ssl.create_default_context(cafile=node.authority.file)
    with socket.create_connection((node.ip, node.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname=NAME) as s:
            s.sendall(data)
            s.settimeout(20)
            got = b""
            try:
                while chunk := s.recv(65536):
                    got += chunk
            except (ConnectionResetError, ssl.SSLEOFError):
                pass
            return got


def head(extra="", method="POST", path="/axl/", length=0, user=f"fedway:{PASSWORD}"):
    login = base64.b64encode(user.encode()).decode()
    return (f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Basic {login}\r\nContent-Type: text/xml\r\n"
            f"Content-Length: {length}\r\n{extra}\r\n").encode()


def test_rows_are_written_read_and_routed(either):
    assert either.query("select * from xmpps2snodes") == []
    assert either.insert(EDGE) == 1
    either.holds(EDGE)
    rows = either.query("select pkid, cp_id from xmpps2snodes", sequence="7")
    assert [row["cp_id"] for row in rows] == [EDGE] and re.fullmatch("[0-9a-f-]{36}", rows[0]["pkid"])
    assert either.query(f"select cp_id from xmpps2snodes where pkid = '{rows[0]['pkid'].upper()}'") == []
    with pytest.raises(Fault) as fault:
        either.insert(EDGE)
    assert fault.value.status == 500 and fault.value.code == -239
    assert either.update("update xmpps2snodes set cp_id = 'cm-1.edge-1'") == 1
    either.holds("cm-1.edge-1")
    assert either.update("insert into xmpps2snodes (cp_id) values ('cm-1.edge-2')") == 1  # pkid by itself
    either.holds("cm-1.edge-1", "cm-1.edge-2")
    assert either.query("select skip 1 first 1 cp_id from xmpps2snodes order by cp_id") == [{"cp_id": "cm-1.edge-2"}]
    assert either.query("select count(*) from xmpps2snodes") == [{"count": "2"}]
    assert either.update("delete from xmpps2snodes") == 2
    either.holds()


def test_versions(either):
    version = either.call("getCCMVersion").find("componentVersion/version").text
    assert re.match(r"^\d+\.\d+", version)
    with pytest.raises(Fault) as fault:
        either.call("getCCMVersion", version="13.0")
    assert fault.value.status == 599 and "8.5,9.1,10.0" in fault.value.text
    status, _, text = either.post(ENVELOPE % ("1.0", "<ns:getCCMVersion/>"))
    assert status == 200 and f"{AXL}8.5" in text
    for action in ('"CUCM:DB ver=9.1 executeSQLQuery"', "CUCM:DB ver=9.1 executeSQLQuery", '""'):
        assert either.post(QUERY, action=action)[0] == 200
    for action in ("CUCM:DB ver=14.0 executeSQLQuery", "CUCM:DB ver=9.1 executeSQLUpdate", "other"):
        assert either.post(QUERY, action=action)[0] == 500


def test_statements_that_are_refused(either):
    """What a client may not do, whatever the storage; the table is there afterwards."""
    refused = [("drop table xmpps2snodes", -201), ("select * from xmpps2snodes; delete from xmpps2snodes", -201),
               ("pragma user_version", -201), ("attach 'x' as y", -201), ("vacuum", -201), ("select 1 -- x", -201),
               ("with recursive c(x) as (select 1) select * from c", -201), ("select * from sqlite_master", -272),
               ("select * from pg_user", -206), ("select pg_sleep(9)", -674), ("select $$a$$", -201),
               ("select cp_id from xmpps2snodes where cp_id in (select usename from pg_user)", -206),
               ("select E'a' from xmpps2snodes", -217), ("select nosuch from xmpps2snodes", -217),
               ("select ctid from xmpps2snodes", -217), ("select current_user", -217),
               ("insert into xmpps2snodes (cp_id) values ('a.b')", -272), ("copy xmpps2snodes to '/tmp/x'", -201),
               ("select lo_import('/etc/passwd')", -674), ("select load_extension('x')", -674), ("", -201)]
    for sql, code in refused:
        with pytest.raises(Fault) as fault:
            either.query(sql)
        assert (fault.value.status, fault.value.code) == (500, code), f"{sql}: {fault.value.text}"
    for sql, code in (("select * from xmpps2snodes", -272), ("insert into xmpps2snodes (cp_id) values (null)", -391),
                      ("insert into xmpps2snodes (pkid, cp_id) values ('X', 'a.b')", -530),
                      ("insert into xmpps2snodes (cp_id) values ('q.a') returning pkid", -201),
                      ("delete from pg_user", -206), ("update xmpps2snodes set nosuch = 'a'", -217)):
        with pytest.raises(Fault) as fault:
            either.update(sql)
        assert (fault.value.status, fault.value.code) == (500, code), f"{sql}: {fault.value.text}"
    assert either.query("select * from xmpps2snodes") == []


def test_statuses_with_curl(node):
    assert node.curl()[0] == 401 and "WWW-Authenticate: Basic" in node.curl()[1]
    good, wrong = ("-u", f"fedway:{PASSWORD}"), ("-u", "fedway:no")
    login = base64.b64encode(f"fedway:{PASSWORD}".encode()).decode()
    for words, status in ((f"basic {login}", 200), (f"BASIC   {login}", 200), (f"Basic{login}", 401), ("Basic !", 401),
                          ("Basic", 401), (f"Bearer {login}", 401), ("Basic " + base64.b64encode(b"fedway").decode(), 401),
                          ("Basic " + base64.b64encode(b"\0:\0").decode(), 401)):
        assert node.curl("-H", f"Authorization: {words}")[0] == status, words
    assert node.curl(*good)[0] == 200
    assert node.curl(*wrong)[0] == 401
    assert node.curl("-u", f"nobody:{PASSWORD}")[0] == 403
    assert node.curl(*good, url=node.url.rstrip("/"))[0] == 404
    assert node.curl(*good, url=node.url + "x")[0] == 404
    status, header, _ = node.curl(*good, "-X", "DELETE")
    assert status == 405 and "Allow: GET, HEAD, POST" in header
    assert node.post(QUERY, content="application/json")[0] == 415
    assert node.post(QUERY, content="text/xml; charset=iso-8859-1")[0] == 415
    status, header, _ = node.post(QUERY, more=("-H", "Content-Encoding: gzip"))
    assert status == 415 and "Accept-Encoding: identity" in header
    assert node.post(QUERY, more=("-H", "Content-Encoding: identity"))[0] == 200
    for target, status in ((f"https://{NAME}:8443/axl/", 200), (f"HTTPS://{NAME}/axl/", 200), (f"https://{NAME}", 404),
                           (f"http://{NAME}/axl/", 404), ("https:///axl/", 200)):
        assert node.curl(*good, "--request-target", target)[0] == status, target
    assert node.post(QUERY, user="reader")[0] == 200
    update = ENVELOPE % ("9.1", "<ns:executeSQLUpdate><sql>delete from xmpps2snodes</sql></ns:executeSQLUpdate>")
    assert node.post(update, user="reader")[0] == 403
    assert node.post("x" * 65537)[0] == 413
    assert node.post("x" * 70000, more=("-H", "Transfer-Encoding: chunked"))[0] == 413
    assert node.post(QUERY, more=("-H", "Transfer-Encoding: chunked"))[0] == 200
    assert node.post(QUERY, more=("-H", "Expect: 100-continue"))[0] == 200
    assert PASSWORD not in node.text()


def test_a_session_spares_the_password(node):
    status, header, _ = node.curl("-u", f"reader:{PASSWORD}")
    cookie = re.search("Set-Cookie: (JSESSIONIDSSO=[0-9a-f]{32}); Path=/; Secure; HttpOnly; SameSite=Strict", header)[1]
    assert status == 200
    words = ["-H", f"Cookie: $Version=0; {cookie}; other=1", "-H", "Content-Type: text/xml"]
    status, header, text = node.curl(*words, data=QUERY.encode())
    assert status == 200 and "<return>" in text and "Set-Cookie" not in header
    assert node.curl(*words, data=QUERY.replace("Query", "Update").encode())[0] == 403  # the role is the user's
    assert cookie in node.curl("-u", f"reader:{PASSWORD}")[1]  # one for each user and address
    assert cookie not in node.curl("-u", f"fedway:{PASSWORD}")[1]
    assert node.curl("-u", "reader:wrong", *words, data=QUERY.encode())[0] == 401  # a password that is given counts
    assert node.curl("-H", "Cookie: JSESSIONIDSSO=" + "0" * 32)[0] == 401
    assert "Set-Cookie" not in node.curl("-u", "reader:wrong")[1]
    assert node.story('User="reader" Function="executeSQLQuery" Status="200"')


def test_documents_that_mean_ill(node):
    laughs = ("<!DOCTYPE l [<!ENTITY a 'ha'>" + "".join(f"<!ENTITY {chr(98 + i)} '{'&' + chr(97 + i) + ';' * 1}'>" for i in range(9))
              + "]>" + QUERY)
    bodies = [b"", b"<", b"x", QUERY.encode()[:-3], b"\xff\xfe" + QUERY.encode(), QUERY.encode().replace(b"pkid", b"\xff"),
              b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + QUERY.encode().replace(b"pkid", b"&e;"),
              laughs.encode(), b"<a>" * 5000, QUERY.replace("select", "<!-- c -- -->select").encode(),
              QUERY.replace("select", "<?php x?>select").encode(), QUERY.encode("utf-16"),
              (ENVELOPE % ("9.1", "<ns:executeSQLQuery a='" + "x" * 60000 + "'/>")).encode(),
              QUERY.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope").encode(),
              QUERY.replace("<sql>", "<sql>\0").encode()]
    for body in bodies:
        status, _, text = node.post(body)
        assert status == 500 and "<faultcode>soapenv:Client</faultcode>" in text, body[:80]
        assert "root:" not in text
    assert node.query("select * from xmpps2snodes") == []


def test_http_that_means_ill(node, made):
    slow = made("im-slow", request_timeout_ms=300, connections_per_address_max=4)
    assert raw(slow, b"POST /axl/ HTTP/1.1\r\nHost: ") == b""  # ends by time
    assert raw(slow, head(length=1000) + b"abc") == b""
    assert b" 413 " in raw(node, head(length=10 ** 9)).split(b"\r\n")[0]
    for bad in ("Content-Length: abc", "Transfer-Encoding: nonsense"):
        answer = raw(slow, f"POST /axl/ HTTP/1.1\r\nHost: x\r\n{bad}\r\n\r\n".encode())
        assert not answer.startswith(b"HTTP/1.1 200"), answer
    answer = raw(slow, b"GET /axl/ HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n")
    assert answer == b"" or answer.split()[1] in (b"431", b"413", b"400"), answer
    body = QUERY.encode()
    two = raw(node, 2 * (head(length=len(body)) + body)[:-0 or None] + head("Connection: close\r\n", "GET"))
    assert two.count(b"HTTP/1.1 200 OK") == 3  # one after the other on one connection
    held = [socket.create_connection((slow.ip, slow.port)) for _ in range(4)]
    with socket.create_connection((slow.ip, slow.port)) as fifth:
        fifth.settimeout(10)
        try:
            assert fifth.recv(1) == b""
        except ConnectionResetError:
            pass
    for one in held:
        one.close()
    wait_until("room again", lambda: slow.ctl("components")["components"][0].get("connections", 0) == 0)
    assert slow.curl("-u", f"fedway:{PASSWORD}")[0] == 200


def test_whoever_guesses_waits(made):
    guessed = made("im-guess", login_failures_max=3, login_pause_s=1)
    session = re.search("JSESSIONIDSSO=[0-9a-f]+", guessed.curl("-u", f"fedway:{PASSWORD}")[1])[0]
    for _ in range(3):
        assert guessed.curl("-u", "fedway:guess")[0] == 401
    status, header, _ = guessed.curl("-u", f"fedway:{PASSWORD}")
    assert status == 503 and "Retry-After" in header
    assert guessed.curl("-u", f"fedway:{PASSWORD}", "-H", f"Cookie: {session}")[0] == 200  # he does not guess
    wait_until("the end of the pause", lambda: guessed.curl("-u", f"fedway:{PASSWORD}")[0] == 200)


def test_sql_and_notices_for_operators(node):
    assert node.notices()["axl-table-empty"]["level"] == "yellow"
    federation = node.ctl("status")["federation"]
    assert not federation["active"] and "xmpps2snodes is empty" in str(federation)
    node.insert(EDGE)
    node.holds(EDGE)
    status, text = node.ctl_text("sql", "select * from xmpps2snodes")
    lines = text.splitlines()
    assert status == 0 and lines[0].split() == ["pkid", "cp_id"] and lines[1] == "=" * 36 + " " + "=" * len(EDGE)
    assert lines[2].endswith(" " + EDGE)
    assert "axl-table-empty" not in node.notices() and "axl-router-restart" not in node.notices()
    assert node.story("Cisco XCP Router requires a restart")  # it was there
    assert node.story("no longer: Cisco XCP Router requires a restart")
    status, text = node.ctl_text("sql", "delete from xmpps2snodes")
    assert status != 0 and "only takes select" in text
    node.update("insert into xmpps2snodes (cp_id) values ('No Component')")
    wait_until("a notice", lambda: "axl-table-rows" in node.notices())
    node.update("delete from xmpps2snodes")
    node.holds()


def test_sqlite_beside_other_programs(node):
    file = f"{node.where}/axl.db"

    def sqlite(sql):
        subprocess.run(["sqlite3", "-cmd", ".timeout 5000", file, sql], check=True, timeout=30)
    sqlite("insert into xmpps2snodes (cp_id) values ('cm-9.edge-9')")  # a pkid by itself, here too
    node.holds("cm-9.edge-9")
    locker = subprocess.Popen(["sqlite3", file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    locker.stdin.write("begin immediate;\nselect 'locked';\n")
    locker.stdin.flush()
    assert locker.stdout.readline() == "locked\n"
    with pytest.raises(Fault) as fault:
        node.insert("cm-8.edge-8")
    assert (fault.value.status, fault.value.code) == (503, -107)
    assert len(node.query("select * from xmpps2snodes")) == 1  # readers are not kept out
    locker.communicate("rollback;\n")
    sqlite("delete from xmpps2snodes")
    node.holds()


def test_two_nodes_on_one_postgresql(made, database):
    connection = database.connection
    one, two = (made(name, storage="postgresql", connection=connection) for name in ("im-one", "im-two"))
    for each in (one, two):
        wait_until("the database", lambda: each.story("connected to the database"))
    one.insert("cm-1.edge-1")
    for each in (one, two):
        each.holds("cm-1.edge-1")
    database.query("insert into xmpps2snodes (cp_id) values ('cm-1.edge-2')")  # psql
    for each in (one, two):
        each.holds("cm-1.edge-1", "cm-1.edge-2")
    assert two.update("delete from xmpps2snodes where cp_id = 'cm-1.edge-1'") == 1
    for each in (one, two):
        each.holds("cm-1.edge-2")
    database.halt()
    wait_until("a notice", lambda: "axl-database" in one.notices())
    assert one.holders() == ["cm-1.edge-2"]  # what is in force stays
    for ask in (lambda: one.query("select * from xmpps2snodes"), lambda: one.insert("cm-1.edge-3")):
        with pytest.raises(Fault) as fault:
            ask()
        assert (fault.value.status, fault.value.code) == (503, -908)
    assert not one.ctl("components")["components"][0].get("database_up", False)
    database.start()
    wait_until("the notice to go", lambda: "axl-database" not in one.notices())
    database.query("delete from xmpps2snodes")  # heard again after the restart
    for each in (one, two):
        each.holds()
    database.query("truncate xmpps2snodes")


def test_a_reading_that_failed_is_made_again(made, database):
    """Somebody holds a lock for longer than a statement may take, and nothing changes after it."""
    node = made("im-locked", storage="postgresql", connection=database.connection, statement_timeout_ms=200)
    node.insert("cm-1.edge-1")
    node.holds("cm-1.edge-1")
    with database.session() as holder:
        holder.say("begin; lock table xmpps2snodes in access exclusive mode;")
        database.query("notify fedway_xmpps2snodes")
        wait_until("a notice", lambda: "axl-database" in node.notices())
        holder.say("rollback;")
        wait_until("the notice to go", lambda: "axl-database" not in node.notices())
    node.update("delete from xmpps2snodes")


def test_a_silent_server_does_not_stand_before_the_next(made, database):
    """Two places for the database, as in a switch-over: the first takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = (f"host=127.0.0.1,{database.folder} port={silent.getsockname()[1]},5432 connect_timeout=1 user=postgres "
                      f"dbname={database.database}")
        node = made("im-two-places", storage="postgresql", connection=connection)
        wait_until("the database", lambda: node.story("connected to the database"))
        node.insert("cm-1.edge-1")
        node.holds("cm-1.edge-1")
        database.restart()
        wait_until("the database again", lambda: len(node.story("connected to the database")) == 2)
        assert node.update("delete from xmpps2snodes") == 1


def test_a_name_is_looked_up_and_silence_is_noticed(made, database):
    """TCP asks a database that says nothing whether it is there: a session that only listens would never know."""
    relay = Relay("127.0.0.1", f"{database.folder}/.s.PGSQL.5432")
    connection = f"host=localhost port={relay.port} user=postgres dbname={database.database}"
    node = made("im-relay", storage="postgresql", connection=connection)
    wait_until("the database", lambda: node.story("connected to the database host='localhost'"))

    def timer():
        return subprocess.run(["ss", "-tnoH", f"dport = :{relay.port}"], stdout=subprocess.PIPE, text=True, check=True).stdout
    wait_until(lambda: f"keepalive: {timer()}", lambda: re.search(r"timer:\(keepalive,[0-4]\.", timer()))
    relay.close()
    wait_until("a notice", lambda: "axl-database" in node.notices())


def test_a_server_that_takes_no_writes_any_more_is_left(made, database):
    """As after a switch-over that kept the connection to the server that is only a standby now."""
    node = made("im-standby", storage="postgresql", connection=database.connection)
    wait_until("the database", lambda: node.story("connected to the database"))
    database.query("create function standby() returns trigger language plpgsql as "
                   "'begin raise exception using errcode = ''25006''; end'; "
                   "create trigger standby before insert on xmpps2snodes execute function standby()")
    with pytest.raises(Fault) as fault:
        node.insert("cm-1.edge-1")
    assert (fault.value.status, fault.value.code) == (503, -908)
    database.query("drop function standby cascade")
    wait_until("another connection", lambda: len(node.story("connected to the database")) == 2)
    assert node.insert("cm-1.edge-1") == 1
    node.holds("cm-1.edge-1")
    node.update("delete from xmpps2snodes")


def test_a_newer_schema_is_not_touched(made, database, tmp_path):
    database.query("create database newer")
    connection = database.connection.replace("dbname=fedway", "dbname=newer")
    database.run("psql", "-qAt", "-d", connection, "-c",
                 "create table fedway_axl_schema (version integer); insert into fedway_axl_schema values (99)")
    node = made("im-newer", storage="postgresql", connection=connection)
    wait_until("a notice", lambda: "version 99" in node.notices().get("axl-database", {}).get("text", ""))


def test_certificates_and_users_change_live(made):
    node = made("im-live")
    old = node.certificate
    with open(f"{node.where}/half.pem", "w") as f:
        f.write("half of one")
    os.replace(f"{node.where}/half.pem", old.both)
    wait_until("a notice", lambda: old.both in node.notices().get("axl-certificate", {}).get("text", ""))
    os.replace(node.authority.issue(NAME, days=(-1, 3)).both, old.both)
    wait_until("a notice", lambda: re.search(r"ends in [23] days", node.notices().get("axl-certificate-end", {}).get("text", "")))
    renewed = node.authority.issue(NAME, days=(-1, 300))
    os.replace(renewed.both, old.both)

    def shown():
        context = ssl.create_default_context(cafile=node.authority.file)
        with socket.create_connection((node.ip, node.port), 10) as plain:
            with context.wrap_socket(plain, server_hostname=NAME) as s:
                return s.getpeercert(True)
    from cryptography.hazmat.primitives.serialization import Encoding
    wait_until("the new certificate", lambda: shown() == renewed.x509.public_bytes(Encoding.DER))
    wait_until("no notice", lambda: not {"axl-certificate", "axl-certificate-end"} & set(node.notices()))
    second = free_port(node.ip)
    session = re.search("JSESSIONIDSSO=[0-9a-f]+", node.curl("-u", f"fedway:{PASSWORD}")[1])[0]
    assert node.curl("-H", f"Cookie: {session}")[0] == 200
    node.options["users"] = [node.options["users"][1]]
    node.options["listen"].append({"address": node.ip, "port": second})
    node.reload()
    assert node.curl("-u", f"fedway:{PASSWORD}")[0] == 401
    assert node.curl("-H", f"Cookie: {session}")[0] == 401
    node.port = second
    assert node.curl("-u", f"reader:{PASSWORD}")[0] == 200
