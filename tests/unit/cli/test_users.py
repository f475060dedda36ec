"""`illgate user` and `illgate audit`: accounts of staff from a terminal."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.daemon import Installation
from tests.unit.cli.conftest import typed

SECRET = "korrekt hest batteri stift"


def enter(own: Installation, *words: str, text: str = SECRET) -> Result:
    """A command that reads standard input."""
    return CliRunner().invoke(main, ["--config", str(own.config), *words], input=f"{text}\n")


def list_users(own: Installation) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in typed(own)("user", "list", "--json").stdout.splitlines()]
    return {line["name"]: line for line in lines}


def test_an_installation_has_no_users_and_says_how_to_make_one(own: Installation) -> None:
    assert "illgate user add NAME" in typed(own)("user", "list").stdout


def test_a_user_is_made_with_roles(own: Installation) -> None:
    done = enter(
        own, "user", "add", "R.Okafor", "--role", "staff", "--role", "clearance", "--shown-name", "Ruth Okafor"
    )

    assert done.exit_code == 0, done.output
    assert SECRET not in done.output
    user = list_users(own)["r.okafor"]
    assert (user["shown_name"], user["roles"]) == ("Ruth Okafor", ["staff", "clearance"])
    assert user["has_password"]


def test_roles_in_all_libraries_are_written_as_they_are_listed(own: Installation) -> None:
    made = enter(own, "user", "add", "ana", "--role", "staff", "--role", "office", "--role", "operator@*")
    assert made.exit_code == 0, made.output
    assert list_users(own)["ana"]["roles"] == ["office@*", "operator@*", "staff"]

    typed(own)("user", "set-roles", "ana", "--role", "manager@*", "--role", "clearance")

    assert list_users(own)["ana"]["roles"] == ["manager@*", "clearance"]


def test_the_password_comes_from_a_file(own: Installation, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(f"{SECRET}\nanother line\n", encoding="utf-8")

    done = typed(own)("user", "add", "desk", "--role", "patron-services@EAST", "--password-file", str(file))

    assert done.exit_code == 0, done.output
    assert list_users(own)["desk"]["roles"] == ["patron-services@EAST"]


def test_nobody_is_made_whose_password_is_missing(own: Installation, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(f"\n{SECRET}\n", encoding="utf-8")

    for words, where in ((), "standard input"), (("--password-file", str(file)), "first line of"):
        done = enter(own, "user", "add", "ana", "--role", "staff", *words, text="")
        assert done.exit_code == 2, done.output
        assert where in done.stderr

    assert not list_users(own)


def test_no_password_is_an_argument(own: Installation) -> None:
    for command in ("add", "set-password"):
        assert "--password " not in typed(own)("user", command, "--help").stdout


def test_a_weak_password_is_refused_with_the_reason(own: Installation) -> None:
    for text, why in (
        ("short", "12 characters"),
        ("ana-ana-ana-1", "holds the user's name"),
        ("a" * 20, "different"),
        ("Bibliothek2026!", "common words"),
    ):
        done = enter(own, "user", "add", "ana", "--role", "staff", text=text)

        assert done.exit_code == 1
        assert why in done.output
    assert list_users(own) == {}


def test_a_name_is_taken_once(own: Installation) -> None:
    enter(own, "user", "add", "ana", "--role", "staff")

    done = enter(own, "user", "add", "ANA", "--role", "manager")

    assert done.exit_code == 1
    assert "An account with this name already exists. (ana)" in done.output


def test_what_can_be_no_user_is_refused(own: Installation) -> None:
    for words, why in (
        (("a b", "--role", "staff"), "A user name is 2 to 100"),
        (("ana", "--role", "king"), "There are: patron-services, staff"),
        (("ana",), "--role is required"),
        (("ana", "--role", "staff", "--email", "nowhere"), "This is not a valid email address"),
    ):
        done = enter(own, "user", "add", *words)

        assert done.exit_code in (1, 2)
        assert why in done.output


def test_roles_are_replaced(own: Installation) -> None:
    desk = typed(own)
    enter(own, "user", "add", "ana", "--role", "staff")

    assert desk("user", "set-roles", "ana", "--role", "manager").exit_code == 0
    assert list_users(own)["ana"]["roles"] == ["manager"]
    assert desk("user", "set-roles", "ana", "--none").exit_code == 0
    assert list_users(own)["ana"]["roles"] == []
    assert desk("user", "set-roles", "ana").exit_code == 2
    assert desk("user", "set-roles", "nobody", "--role", "staff").exit_code == 2


def test_an_account_is_disabled_and_enabled(own: Installation) -> None:
    desk = typed(own)
    enter(own, "user", "add", "ana", "--role", "staff")

    assert desk("user", "disable", "ana").exit_code == 0
    assert list_users(own)["ana"]["disabled"]
    assert "disabled" in desk("user", "list").stdout
    assert desk("user", "enable", "ana").exit_code == 0
    assert list_users(own)["ana"]["disabled"] is None
    assert desk("user", "disable", "nobody").exit_code == 2


def change_rows(own: Installation, statement: str) -> None:
    """What pages do in life."""
    with closing(sqlite3.connect(own.database)) as connection, connection:
        connection.execute(statement)


def test_a_lost_second_factor_is_reset(own: Installation) -> None:
    desk = typed(own)
    enter(own, "user", "add", "ana", "--role", "staff")
    assert desk("user", "reset-second-factor", "ana").stdout == "no second factor: ana\n"
    columns = "library, id, x'00', 'key', '2026-03-02 08:00:00.000000', 1"
    change_rows(own, f"INSERT INTO staff_second_factor SELECT {columns} FROM staff_user")
    assert list_users(own)["ana"]["has_second_factor"]
    assert "password and code" in desk("user", "list").stdout

    assert desk("user", "reset-second-factor", "ana").stdout == "second factor reset: ana\n"

    assert not list_users(own)["ana"]["has_second_factor"]
    assert "second-factor-reset" in desk("audit", "list").stdout
    assert desk("user", "reset-second-factor", "nobody").exit_code == 2


def test_a_link_to_the_identity_provider_is_removed(own: Installation) -> None:
    desk = typed(own)
    enter(own, "user", "add", "ana", "--role", "staff")
    change_rows(own, "UPDATE staff_identity SET issuer = 'x', subject = 'y', linked = '2026-03-02 08:00:00.000000'")
    assert list_users(own)["ana"]["linked"] == "2026-03-02T08:00:00Z"

    assert desk("user", "unlink", "ana").exit_code == 0

    assert list_users(own)["ana"]["linked"] is None
    assert "identity-unlinked" in desk("audit", "list").stdout


def test_the_audit_log_says_who_did_what(own: Installation) -> None:
    desk = typed(own)
    enter(own, "user", "add", "ana", "--role", "staff", "--as", "Jun Tanaka")
    enter(own, "user", "set-password", "ana", "--as", "Jun Tanaka", text="ein anderes gutes Wort")
    desk("user", "disable", "ana", "--as", "Ruth Okafor")

    entries = [json.loads(line) for line in desk("audit", "list", "--json").stdout.splitlines()]

    assert [(one["actor"], one["action"], one["subject"]) for one in entries] == [
        ("staff:Ruth Okafor", "user-disabled", "ana"),
        ("staff:Jun Tanaka", "password-set", "ana"),
        ("staff:Jun Tanaka", "user-added", "ana"),
    ]
    made = desk("key", "create", "portal", "--scope", "patron", "--as", "Jun Tanaka")
    prefix = made.stdout.split("_")[1]
    assert desk("key", "revoke", prefix, "--as", "Ruth Okafor").exit_code == 0
    assert desk("key", "revoke", prefix, "--as", "Ruth Okafor").exit_code != 0, "once is enough"
    keys = [json.loads(line) for line in desk("audit", "list", "--limit", "2", "--json").stdout.splitlines()]
    assert [(one["actor"], one["action"], one["subject"], one["detail"]) for one in keys] == [
        ("staff:Ruth Okafor", "key-revoked", prefix, ""),
        ("staff:Jun Tanaka", "key-created", prefix, "portal: patron"),
    ]
    assert made.stdout.strip() not in desk("audit", "list", "--json").stdout
    of_ruth = desk("audit", "list", "--user", "Ruth Okafor").stdout.splitlines()
    assert len(of_ruth) == 3
    first = desk("audit", "list", "--limit", "2", "--json")
    cursor = first.stderr.rpartition(" ")[2].strip()
    rest = desk("audit", "list", "--cursor", cursor, "--json").stdout.splitlines()
    assert [json.loads(line)["action"] for line in rest] == ["user-disabled", "password-set", "user-added"]
