"""`--json`: every command that lists or shows something has it, and prints one object, or one per line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli.app import main
from gateway.cli.installation import Installation as OpenedInstallation
from gateway.cli.profile_commands import ROW_KEYS
from tests.support.daemon import Installation
from tests.unit.cli.conftest import Typed, document, documents, number_of, typed

LOOKING = ("List", "Show", "Search", "Explain", "Compare")
"""How help of a command begins that changes nothing and has something to print. `Print` is for files: a schema, YAML to
import."""

NOT_ALONE = {"search", "journal follow"}
"""Wants words to search for, or prints until it is stopped."""

ANA = "21000000000025"


def walk_commands(installation: Installation) -> Iterator[tuple[str, click.Command]]:
    """All commands of the tree with their words, those of adapters and of the library system in use included."""
    context = click.Context(main, info_name="illgate", obj=OpenedInstallation(installation.config))
    context.params = {"config": installation.config}
    yield from walk_group(main, context, "")


def walk_group(group: click.Group, context: click.Context, words: str) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        path = f"{words} {name}".strip()
        if isinstance(command, click.Group):
            yield from walk_group(command, click.Context(command, parent=context, info_name=name), path)
        else:
            yield path, command


def find_looking(installation: Installation) -> dict[str, click.Command]:
    return {
        path: command
        for path, command in walk_commands(installation)
        if (command.help or "").startswith(LOOKING) or path.endswith((" list", " show"))
    }


def test_every_command_that_lists_or_shows_has_it(pristine: Installation) -> None:
    looking = find_looking(pristine)

    without = [path for path, command in looking.items() if "--json" not in {o for p in command.params for o in p.opts}]
    assert without == []
    assert {"profile list", "library items", "mail unmatched show", "iso decode", "states"} <= looking.keys()


def test_what_needs_no_argument_prints_objects_alone(own: Installation) -> None:
    desk = typed(own)
    desk("request", "create", "--patron", ANA, "--title", "Peer Gynt")
    bare = [
        path
        for path, command in find_looking(own).items()
        if not any(isinstance(parameter, click.Argument) and parameter.required for parameter in command.params)
    ]

    shown = {path: desk(*path.split(), "--json") for path in bare if path not in NOT_ALONE}
    listed = {path: [document(done)] if path.endswith(" show") else documents(done) for path, done in shown.items()}

    assert all(isinstance(line, dict) for lines in listed.values() for line in lines)
    filled = {path for path, lines in listed.items() if lines}
    assert filled >= {
        "config show",
        "adapters list",
        "profile list",
        "task list",
        "letter list",
        "key scopes",
        "user roles",
        "states",
        "request list",
    }


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("profile", "show", "seeberg"), "name", "seeberg"),
        (("partner", "show", "seeberg"), "profile", "seeberg"),
        (("rota", "show", "usual"), "name", "usual"),
        (("rota", "explain", "NUMBER"), "rota", "usual"),
        (("request", "show", "NUMBER"), "version", None),
    ],
)
def test_what_is_shown_is_one_object(desk: Typed, words: tuple[str, ...], key: str, value: str | None) -> None:
    number = number_of(desk("request", "create", "--patron", ANA, "--title", f"Brand {' '.join(words)}"))

    shown = document(desk(*(number if word == "NUMBER" else word for word in words), "--json"))

    assert shown[key] == value if value is not None else shown["request"]["number"] == number


def test_values_of_a_profile_have_their_sources(desk: Typed) -> None:
    sourced = {line["key"]: line for line in documents(desk("profile", "show", "seeberg", "--sources", "--json"))}

    assert sourced["partner.name"]["value"] == "Bibliothek Seeberg"
    assert re.search(r"profiles/seeberg\.yml:\d+$", sourced["partner.name"]["source"])
    assert sourced["abstract"] == {"key": "abstract", "value": False, "source": "default"}


def test_settings_have_their_sources(desk: Typed) -> None:
    sourced = {line["key"]: line for line in documents(desk("config", "show", "--sources", "--json"))}
    as_yaml = desk("config", "show", "--sources").stdout.splitlines()

    assert sourced["http.public_url"]["value"] == "https://ill.library.example"
    assert re.search(r"gateway\.yml:\d+$", sourced["http.public_url"]["source"])
    assert any(re.match(r"  public_url: .*# .*gateway\.yml:\d+$", line) for line in as_yaml)


def test_keys_of_the_library_system_are_settings_too(tmp_path: Path) -> None:
    config = tmp_path / "gateway.yml"
    config.write_text(
        "libraries:\n  - symbol: NV\n    system: {type: sip2, host: sip.nv.example, terminal_password: env:PIN}\n"
    )

    shown, with_sources = (
        CliRunner().invoke(main, ["--config", str(config), "config", "show", "--json", *sources])
        for sources in ((), ("--sources",))
    )

    assert {"key": "http.port", "value": 8080, "source": "default"} in documents(with_sources)
    values = document(shown)["libraries"][0]["system"]
    assert values.items() >= {"type": "sip2", "host": "sip.nv.example", "terminal_password": "env:PIN"}.items()


def test_adapters_with_their_kind_and_package(desk: Typed) -> None:
    adapters = {(line["kind"], line["name"]): line for line in documents(desk("adapters", "list", "--json"))}

    assert {("library", "koha"), ("protocol", "iso18626"), ("mail format", "artemail")} <= adapters.keys()
    assert all(adapter["package"].startswith("illgate ") and not adapter["problem"] for adapter in adapters.values())


def test_differences_of_profiles(desk: Typed) -> None:
    differences = {line["key"]: line for line in documents(desk("profile", "diff", "seeberg", "kyoto", "--json"))}

    assert differences["partner.email"]["left"] == "fernleihe@seeberg.example"
    assert differences["partner.email"]["right"] == "ill@kyoto.example"


def test_a_key_is_listed_without_its_digest(desk: Typed) -> None:
    made = desk("key", "create", "portal", "--scope", "patron")

    (key,) = documents(desk("key", "list", "--json"))

    assert (key["name"], key["scopes"], key["revoked"]) == ("portal", ["patron"], None)
    assert key["prefix"] in made.stdout
    assert key.keys() == {"library", "prefix", "name", "scopes", "created", "expires", "last_used", "revoked"}


def test_rows_of_the_state_tables(desk: Typed) -> None:
    rows = documents(desk("states", "--json"))

    assert all(row.keys() == {"role", *ROW_KEYS} for row in rows)
    assert {row["role"] for row in rows} == {"borrowing", "lending"}
