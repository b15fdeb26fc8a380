# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
"""A core's AXL client with an IM node's AXL service, both as installed: the walk of the guide between the two, and its first symptom."""
import os
import sqlite3

import pytest

import im
from test_axl import EDGE, STRANGER, Core

IM_IP = "127.0.0.5"


class Publisher(im.ImNode):
    """An IM node over SQLite, started; with what Core expects of a publisher."""

    def __init__(self, world, **options):
        super().__init__(f"{world.where}/im", world.authority, IM_IP, **options)
        world.start(self)

    def say_password(self, text):
        with open(f"{self.where}/password", "w") as f:
            f.write(text + "\n")

    def sql(self, text):
        """As somebody else's program would."""
        database = sqlite3.connect(f"{self.where}/axl.db", timeout=10)
        with database:
            database.execute(text)
        database.close()

    def rows(self):
        """As the operator sees them."""
        code, text = self.ctl_text("sql", "select * from xmpps2snodes")
        assert code == 0, text
        return sorted(word for word in text.split() if "s2scp" in word)


@pytest.fixture
def pair(world):
    """A core and its IM node."""
    def make(user="fedway", **options):
        core = Core(world, None, lambda: Publisher(world, **options), IM_IP, im.NAME, user)
        core.say_password(im.PASSWORD)
        return core.start()
    return make


def test_the_row_is_there_and_sql_shows_it(pair):
    core = pair()
    core.until("ok")
    assert core.publisher.rows() == sorted([EDGE, STRANGER])
    code, text = core.publisher.ctl_text("sql", "select * from xmpps2snodes")
    assert code == 0 and "pkid" in text and "cp_id" in text and EDGE in text, text
    status, problem = core.status()
    assert status["schema"] == "14.0" and status["rows"] == "1 of 1" and status["foreign_rows"] == 1 and problem is None, status
    core.options["component_ids"] = []
    core.fedway.reload()
    core.world.until("the row to go", lambda: core.publisher.rows() == [STRANGER])


def test_symptom_1_is_explained_by_one_command(pair):
    core = pair()
    core.until("ok")
    core.publisher.say_password("another")
    core.publisher.reload()
    code, text = core.fedway.ctl_text("axl", "sync")
    assert code == 1 and "(401)" in text and "user fedway" in text and core.password_file in text, text
    assert core.notice()["level"] == "yellow"
    core.say_password("another")
    core.fedway.reload()
    core.until("ok")
    assert core.notice() is None


def test_a_user_who_may_only_read_is_told_so(pair):
    core = pair(user="reader")
    problem = core.until("forbidden")
    assert "(403)" in problem["text"] and "roles for AXL access with writing" in problem["remedy"], problem
    assert core.publisher.rows() == [STRANGER]


@pytest.mark.parametrize("schemas, spoken", [(["9.1", "12.5"], "12.5"), (["15.0"], "15.0")])
def test_versions_meet(pair, schemas, spoken):
    core = pair(schemas=schemas)
    core.until("ok")
    assert core.status()[0]["schema"] == spoken
    assert core.publisher.rows() == sorted([EDGE, STRANGER])


def test_drift_is_put_right(pair):
    core = pair()
    core.until("ok")
    core.options["check_interval_ms"] = 200
    core.fedway.reload()
    core.publisher.sql(f"delete from xmpps2snodes where cp_id = '{EDGE}'")
    core.world.until("the drift to be told", lambda: core.fedway.story("drifted missing=1"))
    core.world.until("the row to be back", lambda: core.publisher.rows() == sorted([EDGE, STRANGER]))


def test_a_restart_of_the_im_node_is_survived(pair):
    core = pair()
    core.until("ok")
    core.publisher.stop()
    assert core.fedway.ctl_text("axl", "sync")[0] == 1
    assert core.until("unreachable")["remedy"]
    core.publisher.sql("delete from xmpps2snodes")
    core.publisher.start()
    core.until("ok")
    assert core.publisher.rows() == [EDGE]
