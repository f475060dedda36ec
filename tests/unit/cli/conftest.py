"""An installation whose partners are reached by mail; commands are typed as staff do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.daemon import Installation
from tests.support.shipped_profiles import copy_shipped_profiles
from tests.support.yaml_files import write_yaml_file

Typed = Callable[..., Result]

PARTNERS: dict[str, dict[str, Any]] = {
    "seeberg": {
        "symbols": ["ISIL:CH-SEE"],
        "name": "Bibliothek Seeberg",
        "channel": "mail",
        "email": "fernleihe@seeberg.example",
        "address": "Fernleihe\nDorfplatz 3\n3365 Seeberg\nSchweiz",
        "phone": "+41 31 555 01 17",
        "owns": "everything",
        "cost": {"amount": 8, "currency": "EUR"},
    },
    "nordviken": {
        "symbols": ["ISIL:NO-NORD"],
        "name": "Nordviken bibliotek",
        "channel": "mail",
        "email": "lan@nordviken.example",
        "owns": "nothing",
    },
    "kyoto": {"symbols": ["ISIL:JP-KYO"], "name": "京都図書館", "channel": "mail", "email": "ill@kyoto.example"},
    "mute": {"symbols": ["ISIL:XX-MUTE"], "name": "Biblioteca Muda"},
}

REQUESTS: dict[str, Any] = {
    "intake": {"duplicates": {"action": "refuse"}},
    "rotas": {
        "usual": {
            "order": "ranked",
            "description": "in our network",
            "lines": [
                {"partner": "nordviken"},
                {"partner": "kyoto", "last_resort": True},
                {"partner": "seeberg"},
            ],
        }
    },
    "default_rota": "usual",
}


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Made once, never used; with partners, and links that can be made."""
    folder = tmp_path_factory.mktemp("requests")
    assert CliRunner().invoke(main, ["init", str(folder)], catch_exceptions=False).exit_code == 0
    copy_shipped_profiles(folder, "ncip1", "ncip2")
    made = Installation(folder, 0, 0)
    made.change(http={"public_url": "https://ill.library.example", "port": 0})
    for name, partner in PARTNERS.items():
        write_yaml_file(folder / "profiles" / f"{name}.yml", {"partner": partner})
    write_yaml_file(folder / "requests.yml", REQUESTS)
    return made


def typed(installation: Installation) -> Typed:
    def run(*arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(
            main,
            ["--config", str(installation.config), *arguments],
            catch_exceptions=False,
            **{"env": {"ILLGATE_STAFF": "ada"}, **more},
        )

    return run


@pytest.fixture(scope="module")
def shared(pristine: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One for all tests of a module."""
    return pristine.copy(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def desk(shared: Installation) -> Typed:
    """What staff type in the shared installation."""
    return typed(shared)


@pytest.fixture
def own(pristine: Installation, tmp_path: Path) -> Installation:
    """One for this test alone."""
    return pristine.copy(tmp_path / "own")


def number_of(result: Result) -> str:
    """Of the request that was made."""
    assert result.exit_code == 0, result.output
    return result.stdout.partition(":")[0]


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def documents(result: Result) -> list[Any]:
    """Those of a list: one a line."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]
