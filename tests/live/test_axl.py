# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""The AXL client of an installed core: rows of the edges in a publisher's table, whatever the publisher does."""
import pytest

from axl_lab import MOODS, LabPublisher

CORP, HOST, IP = "corp.example", "imp1.corp.internal", "127.0.0.4"
EDGE, STRANGER = "cm-2_s2scp-1.edge-1", "cm-2_s2scp-1.somebody-else"
PASSWORD = "a password; with $igns"


class Core:
    """fedwayd with axl, for one publisher of the lab. No tunnel: its edge is in the configuration."""

    def __init__(self, world, authority=None, publisher=None, ip=IP, host=HOST, user="fedway"):
        self.world = world
        self.publisher = publisher() if publisher else LabPublisher(ip, world.authority.issue(host), PASSWORD)
        self.publisher.sql(f"insert into xmpps2snodes (pkid, cp_id) values ('11111111-2222-4333-8444-555555555555', '{STRANGER}')")
        self.fedway = world.prepare_fedway([CORP], publish=False)
        self.password_file = self.say_password(PASSWORD)
        self.options = {
            "publishers": [{"name": "imp1", "url": f"https://{host}:{self.publisher.port}/axl/", "address": ip, "user": user,
                            "password_file": self.password_file, "ca_file": (authority or world.authority).file}],
            "component_ids": [EDGE], "retry_min_ms": 100, "retry_max_ms": 600000, "timeout_ms": 1000}
        self.fedway.config["state_file"] = f"{self.fedway.where}/state.conf"
        self.fedway.config["components"].append({"module": "axl", "options": self.options})

    def say_password(self, text):
        return self.fedway.secret("axl.password", text)

    def start(self):
        self.world.start(self.fedway)
        return self

    def status(self):
        """The one publisher, and its problem or None."""
        part = self.fedway.ctl("axl", "status")["components"][0]
        return part["publishers"][0], part["publishers"][0].get("problem")

    def until(self, state):
        self.world.until(lambda: f"{state}; {self.status()}", lambda: self.status()[0]["state"] == state)
        return self.status()[1]

    def notice(self):
        found = [row for row in self.fedway.ctl("notifications")["notifications"] if row["text"].startswith("AXL, imp1")]
        return found[0] if found else None


@pytest.fixture
def core(world):
    made = Core(world)
    yield made
    made.publisher.close()


def test_symptom_1_a_wrong_password_explains_itself(world, core):
    """One command says what is wrong, for whom, and where it is mended; mending it is one file and one command."""
    core.say_password("xyzzy")
    core.start()
    core.until("unauthorized")
    assert core.publisher.rows() == [STRANGER]
    code, text = core.fedway.ctl_text("axl", "status")
    assert code == 0 and "(401)" in text and f"password_file {core.password_file}" in text and "user fedway" in text, text
    assert "xyzzy" not in text, text
    assert core.notice()["level"] == "yellow" and "password_file" in core.notice()["remedy"]
    assert core.fedway.ctl("status")["health"] == "yellow"
    assert core.fedway.story(r'Module="network.axl" Level="INFO" Action="Send" URL="https://imp1.corp.internal:\d+/axl/" '
                             r'Function="getCCMVersion"$')
    assert core.fedway.story(r'Module="network.axl" Level="INFO" .*Status="401" Reason="None"$')
    assert not core.fedway.story("xyzzy"), "a password in the log"
    core.say_password(PASSWORD)
    core.fedway.reload()
    core.until("ok")
    assert core.publisher.rows() == sorted([EDGE, STRANGER])
    assert core.notice() is None
    assert core.fedway.story(r'Function="executeSQLUpdate" Status="200" Reason="None"$')


def test_dry_run_and_sync(core):
    core.start()
    core.until("ok")
    core.publisher.sql(f"delete from xmpps2snodes where cp_id = '{EDGE}'")
    core.publisher.sql("insert into xmpps2snodes values ('x', 'cm-9.edge-1')")
    before = core.publisher.rows()
    code, text = core.fedway.ctl_text("axl", "sync", "--dry-run")
    lines = [line.split() for line in text.splitlines()]
    assert code == 0 and ["imp1", "would", "be", "inserted", EDGE] in lines and ["imp1", "would", "be", "deleted", "cm-9.edge-1"] in lines, text
    assert core.publisher.rows() == before
    code, text = core.fedway.ctl_text("axl", "sync")
    assert code == 0 and core.publisher.rows() == sorted([EDGE, STRANGER]), text
    core.publisher.mood = "503"
    code, text = core.fedway.ctl_text("axl", "sync")
    assert code == 1 and "(503)" in text, text


# what each mood is called; those that nobody waits out need a word from the operator
STATES = {"401": "unauthorized", "403": "forbidden", "404": "not-found", "503": "busy", "599": "schema", "fault": "fault",
          "page": "garbage", "garbage": "broken", "no SOAP": "garbage", "half": "broken", "half an envelope": "garbage",
          "nothing": "broken", "silence": "timeout", "huge": "too-large"}


def test_every_bad_answer_has_its_name_and_none_leaves_a_trace(core):
    """At every step of a sync: the first question, the look, the change. Afterwards the table is as it should be."""
    assert set(STATES) == set(MOODS)
    core.start()
    core.until("ok")
    for function in ("executeSQLQuery", "executeSQLUpdate"):
        for mood, state in STATES.items():
            core.publisher.sql("delete from xmpps2snodes where cp_id like '%.edge-1'")
            core.publisher.only, core.publisher.mood = function, mood
            code, text = core.fedway.ctl_text("axl", "sync")
            assert code == 1, (function, mood, text)
            problem = core.until(state)
            assert problem["remedy"], (function, mood, problem)
            assert core.notice(), (function, mood)
            core.publisher.mood = None
            core.fedway.ctl("axl", "sync")
            assert core.publisher.rows() == sorted([EDGE, STRANGER]), (function, mood)
            assert core.notice() is None, (function, mood)
    assert core.fedway.settled()


def test_a_publisher_that_comes_back_is_noticed_without_a_word(core):
    core.publisher.mood = "503"
    core.start()
    core.until("busy")
    core.publisher.mood = None
    core.until("ok")
    assert core.publisher.rows() == sorted([EDGE, STRANGER])


def test_a_certificate_of_somebody_else_gets_no_password(world):
    from certificates import Authority
    core = Core(world, Authority(f"{world.where}/other", "Other CA"))
    core.start()
    problem = core.until("certificate")
    assert "certificate is not trusted" in problem["text"] and "ca_file must hold the authority" in problem["remedy"], problem
    assert core.publisher.asked == []
    core.publisher.close()


def test_a_component_that_goes_takes_its_row_along(core):
    core.start()
    core.until("ok")
    core.options["component_ids"] = ["cm-3_s2scp-1.edge-1"]
    core.fedway.reload()
    core.world.until(lambda: core.publisher.rows(), lambda: core.publisher.rows() == sorted(["cm-3_s2scp-1.edge-1", STRANGER]))
    core.fedway.stop()
    core.options["component_ids"] = []
    core.fedway.start()
    core.until("ok")
    core.world.until(lambda: core.publisher.rows(), lambda: core.publisher.rows() == [STRANGER])
