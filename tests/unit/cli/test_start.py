"""What a command loads before it does anything. Modules are counted, since times differ from machine to machine."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import click
import pytest

from gateway.cli.app import EXTENSIONS, SHIPPED_EXTENSIONS

LOADED = """
import sys
from gateway.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""

HEAVY = ("pydantic", "sqlalchemy", "aiohttp", "lxml", "structlog", "yaml", "jinja2")


def modules_loaded(*arguments: str) -> tuple[str, list[str]]:
    """What the command says, and the modules that it has loaded."""
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout, done.stderr.split()


@pytest.mark.parametrize(("option", "said"), [("--version", "illgate, version "), ("--help", "  iso  ")])
def test_version_and_help_load_the_group_alone(option: str, said: str) -> None:
    output, loaded = modules_loaded(option)

    assert said in output
    assert not {name.partition(".")[0] for name in loaded} & {*HEAVY, "adapters"}
    assert [name for name in loaded if name.partition(".")[0] == "gateway"] == [
        "gateway",
        "gateway.cli",
        "gateway.cli.app",
    ]


def test_the_help_of_shipped_extensions_is_what_they_say_themselves() -> None:
    shipped = {
        point.value: point.load() for point in entry_points(group=EXTENSIONS) if point.value in SHIPPED_EXTENSIONS
    }

    assert shipped.keys() == SHIPPED_EXTENSIONS.keys()
    for value, command in shipped.items():
        assert isinstance(command, click.Command)
        assert command.get_short_help_str(80) == SHIPPED_EXTENSIONS[value]
