"""`support.postgresql.DatabaseCopies`: a test finds nothing of the one before."""

from __future__ import annotations

import pytest

from tests.support.postgresql import DatabaseCopies, Server

pytestmark = pytest.mark.postgresql

TEMPLATE = """
CREATE TABLE revision (name text);
INSERT INTO revision VALUES ('0001');
CREATE TABLE loan (id serial PRIMARY KEY, item text);
CREATE TABLE fee (loan_id int REFERENCES loan, note text);
"""

ROWS = "INSERT INTO loan (item) VALUES ('Вишнёвый сад'), ('紅楼夢'); INSERT INTO fee VALUES (1, 'late')"


@pytest.fixture
def copies(postgresql_server: Server) -> DatabaseCopies:
    template = postgresql_server.create_database()
    postgresql_server.query(template, TEMPLATE)
    return DatabaseCopies(postgresql_server, template)


def test_a_copy_is_emptied_and_counts_from_one_again(postgresql_server: Server, copies: DatabaseCopies) -> None:
    name = copies.take_copy()
    postgresql_server.query(name, ROWS)
    copies.give_back(name)

    assert copies.take_copy() == name
    assert postgresql_server.query(name, "SELECT * FROM fee", "SELECT * FROM revision") == "0001\n"
    assert postgresql_server.query(name, "INSERT INTO loan (item) VALUES ('Atlas') RETURNING id") == "1\n"


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE another (id int)",
        "ALTER TABLE loan ADD note text",
        "CREATE RULE nothing AS ON INSERT TO fee DO INSTEAD NOTHING",
        "UPDATE revision SET name = '0002'",
    ],
)
def test_a_copy_whose_tables_were_changed_serves_nobody_else(
    postgresql_server: Server, copies: DatabaseCopies, change: str
) -> None:
    name = copies.take_copy()
    postgresql_server.query(name, change)
    copies.give_back(name)

    assert copies.take_copy() != name
