"""Pages, letters, helps and documentation use the words of the trade; `tests/support/word_rules.py` has those to avoid.

Texts of pages and letters have none of them. In helps and documentation their number, file by file, only falls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gateway.cli.app import main
from gateway.services.letters.catalogue_files import SHIPPED_TRANSLATIONS
from gateway.translations.maintenance import read_catalogue_file
from tests.support.paths import ROOT
from tests.support.word_bounds import WORD_BOUNDS
from tests.support.word_rules import WordFinding, WordPlace, find_forbidden_words

COMMANDS = "commands"
SCHEMAS = ("profiles/schema.json", "profiles/requests.schema.json")
OLDER_PAGES = ("docs/facts/", "docs/decisions/", "docs/glossary.md", "CHANGELOG.md")
"""What sources call a thing, why something was decided, what a word means, and what was changed when."""


def list_pages() -> list[str]:
    folders = ("docs", "deploy", "gateway", "adapters", "rehearsal", "demo", "profiles")
    files = [*ROOT.glob("*.md"), *(file for name in folders for file in (ROOT / name).rglob("*.md"))]
    names = sorted(str(file.relative_to(ROOT)) for file in files)
    return [name for name in names if not name.startswith(OLDER_PAGES)]


def read_prose(file: Path) -> Iterator[str]:
    """The lines outside blocks of code, without code and addresses in them."""
    fenced = False
    for line in file.read_text("utf-8").splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            yield re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "`x`", line))


def list_helps(command: click.Command, context: click.Context) -> Iterator[str]:
    yield command.help or ""
    for option in command.params:
        yield getattr(option, "help", None) or ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from list_helps(inner, click.Context(inner, context))


def list_descriptions(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("description"), str):
            yield schema["description"]
        for value in schema.values():
            yield from list_descriptions(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from list_descriptions(value)


def find_in(name: str) -> list[WordFinding]:
    """In the helps of all commands, in the descriptions of a schema, or in a page."""
    if name == COMMANDS:
        context = click.Context(main)
        context.params["config"] = ROOT / "gateway.yml"
        texts, place = list_helps(main, context), WordPlace.HELP
    elif name in SCHEMAS:
        texts, place = list_descriptions(json.loads((ROOT / name).read_text("utf-8"))), WordPlace.HELP
    else:
        texts, place = read_prose(ROOT / name), WordPlace.PAGE
    return [finding for text in texts for finding in find_forbidden_words(text, place)]


@pytest.mark.parametrize("name", [COMMANDS, *SCHEMAS, *list_pages()])
def test_the_number_of_forbidden_words_only_falls(name: str) -> None:
    findings, bound = find_in(name), WORD_BOUNDS.get(name, 0)
    shown = "\n".join(map(str, findings))

    assert len(findings) <= bound, f"{name}: {len(findings)} where {bound} were; new ones are among:\n{shown}"
    assert len(findings) == bound, (
        f"fewer than before: write {len(findings)} for {name} in tests/support/word_bounds.py"
    )


def test_bounds_are_of_files_that_exist() -> None:
    assert sorted(WORD_BOUNDS.keys() - {COMMANDS, *SCHEMAS, *list_pages()}) == []


def test_pages_and_letters_have_no_forbidden_words() -> None:
    found = []
    for message in read_catalogue_file(SHIPPED_TRANSLATIONS / "de.po"):  # has all (tests/unit/translations)
        texts = message.id if isinstance(message.id, tuple | list) else (message.id,)
        found += [str(one) for text in texts for one in find_forbidden_words(text, WordPlace.TEXT)]

    assert found == []


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("What is given up waits here until staff let it be.", ["what as subject", "give up"]),
        ("Failed messages are listed here until staff skip them.", []),
        ("`illgate check` says what is wrong.", ["says"]),
        ("The items can't be sent back.", ["send back", "can't"]),
        ("What happens next?", []),
    ],
)
def test_rules_find_what_they_are_for(text: str, rules: list[str]) -> None:
    assert [finding.rule.name for finding in find_forbidden_words(text, WordPlace.TEXT)] == rules
