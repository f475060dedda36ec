"""What a command loads before it does anything. Modules are counted, since times differ from machine to machine."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from adapters.library.embedded.commands import command as LIBRARY_COMMAND
from gateway.cli import main
from gateway.cli.app import COMMANDS, EXTENSIONS, SHIPPED_EXTENSIONS, SUBJECTS
from gateway.cli.installation import CONFIGURATION
from tests.support.daemon import Installation

LOADED = """
import sys
from gateway.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""

HEAVY = ("pydantic", "sqlalchemy", "aiohttp", "lxml", "structlog", "yaml", "jinja2")


BROKEN = {
    "illgate_broken-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: illgate-broken\nVersion: 1\n",
    "illgate_broken-1.dist-info/entry_points.txt": "[illgate.commands]\nparcel = illgate_broken:command\n",
    "illgate_broken.py": "import a_library_that_is_not_installed\n",
}
"""A package of a third party that brings a command, as pip leaves it behind where its own parts are missing."""


def modules_loaded(*arguments: str) -> tuple[str, list[str]]:
    """What the command says, and the modules that it has loaded."""
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
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


def list_cut_sentences(group: click.Group, words: str) -> Iterator[str]:
    """Of the commands in a group, as a terminal of 80 columns shows them."""
    context = click.Context(group, info_name=words, terminal_width=80)
    for name in group.list_commands(context):
        command = LIBRARY_COMMAND if (words, name) == ("illgate", "library") else group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from list_cut_sentences(command, f"{words} {name}")
    listed = group.get_help(context).partition("--help")[2]
    yield from (f"{words}: {line.strip()}" for line in listed.splitlines() if line.endswith("..."))


def test_what_a_command_does_is_said_in_a_sentence_that_fits_its_line() -> None:
    assert list(list_cut_sentences(main, "illgate")) == []


def test_each_command_has_a_subject() -> None:
    assert sorted(" ".join(SUBJECTS.values()).split()) == sorted(COMMANDS)


@pytest.mark.parametrize(("no_color", "is_coloured"), [("", True), ("1", False)])
def test_help_is_coloured_on_a_terminal_unless_it_is_not_wanted(no_color: str, *, is_coloured: bool) -> None:
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "--help"]
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(command, stdout=theirs, env={**os.environ, "NO_COLOR": no_color}, check=True, timeout=60)
        shown = b""
        while b"sru" not in shown:
            shown += os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(theirs)

    assert done.returncode == 0
    assert (b"\x1b[1mRequests\x1b[0m:" in shown, b"\x1b" in shown) == (is_coloured, is_coloured)


def run_with_broken_extension(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    for name, text in BROKEN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-c", "from gateway.cli import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": path}
    )


def test_help_says_which_extension_is_broken_and_shows_all_others(tmp_path: Path) -> None:
    done = run_with_broken_extension(tmp_path, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert "parcel Can't be used: command 'parcel' (illgate_broken:command, entry point group illgate.commands)" in said
    assert "No module named 'a_library_that_is_not_installed'" in said
    assert "serve Run the daemon." in said


def test_a_broken_extension_that_is_called_says_why_in_one_line(tmp_path: Path) -> None:
    done = run_with_broken_extension(tmp_path, "parcel")

    assert done.returncode == CONFIGURATION
    assert done.stderr.startswith(
        "command 'parcel' (illgate_broken:command, entry point group illgate.commands) cannot"
    )
    assert done.stderr.count("\n") == 1


REQUEST_LIST = "cryptography aiohttp babel jinja2 jwt lxml pymarc gateway.web adapters.ncip adapters.iso18626 rehearsal"
CHECK = "aiohttp.web gateway.web gateway.runtime.daemon weasyprint rehearsal"


@pytest.mark.parametrize(
    ("words", "needless", "most"), [(("request", "list"), REQUEST_LIST, 200), (("check", "seeberg"), CHECK, 700)]
)
def test_a_command_loads_what_it_needs(
    words: tuple[str, ...], needless: str, most: int, pristine: Installation
) -> None:
    """`most`: modules of ours; those of others depend on what else is installed."""
    _, loaded = modules_loaded("--config", str(pristine.config), *words)

    assert not {name for name in loaded for package in needless.split() if f"{name}.".startswith(f"{package}.")}
    assert len([name for name in loaded if name.partition(".")[0] in ("gateway", "adapters")]) <= most


def test_a_library_system_that_there_is_not_is_compared_with_all(tmp_path: Path) -> None:
    config = tmp_path / "gateway.yml"
    config.write_text("libraries:\n  - {symbol: DEMO, system: {type: koa}}\n", encoding="utf-8")

    result = CliRunner().invoke(main, ["--config", str(config), "request", "list"])

    assert result.exit_code == CONFIGURATION
    assert "no such adapter, found 'koa', allowed: alma, embedded, folio, koha, ncip" in result.output
