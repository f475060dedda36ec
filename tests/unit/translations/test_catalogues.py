"""The catalogues that come with the gateway are complete, and the command keeps them so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog
from click.testing import CliRunner

from gateway.services.letters.catalogue_files import SHIPPED_TRANSLATIONS
from gateway.translations import maintenance
from gateway.translations.maintenance import (
    list_shortcomings,
    main,
    merge_texts,
    read_catalogue_file,
    select_texts_of_file,
    write_catalogue_file,
)
from tests.support.daemon import Installation
from tests.support.extracted_texts import read_shipped_texts
from tests.support.paths import ROOT

TRANSLATING = ("gettext", "ngettext", "pgettext", "npgettext", "mark_text", "mark_template", "write_sentence")

CATALOGUES = sorted(SHIPPED_TRANSLATIONS.rglob("*.po"))
"""German, and French for patrons."""


@pytest.fixture
def texts() -> Catalog:
    return read_shipped_texts()


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_text_is_translated(file: Path, texts: Catalog) -> None:
    """`python -m gateway.translations update` adds what is new; then it is to be translated."""
    assert list_shortcomings(file, select_texts_of_file(file, texts)) == []


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_no_translation_says_a_sentence_twice(file: Path) -> None:
    """As a slip of the hand left it under a wrong PIN, in two languages."""
    texts = [message.string for message in read_catalogue_file(file) if isinstance(message.string, str)]
    assert [text for text in texts if " " in text and text == text[: len(text) // 2] * 2] == []


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_catalogues_are_as_the_command_writes_them(file: Path, texts: Catalog, tmp_path: Path) -> None:
    """So that a change of one text changes no other entry."""
    written = tmp_path / file.name
    write_catalogue_file(written, merge_texts(select_texts_of_file(file, texts), read_catalogue_file(file)))
    assert written.read_text("utf-8") == file.read_text("utf-8")


def test_an_installation_begins_a_language_with_what_is_shipped(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "extract_texts", read_shipped_texts)
    added = installation.run("translations", "add", "fr")
    letter = installation.run("letter", "preview", "available", "--language", "fr").stdout

    assert "texts to translate" in added.stdout
    assert "Le document que vous avez demandé peut être retiré" in letter
    assert installation.run("translations", "add", "fr", check=False).returncode == 1
    missing = installation.run("translations", "check", check=False)
    assert (missing.returncode, "fr.po: not translated: " in missing.stdout) == (1, True)
    of_patrons = installation.run("translations", "check", "--patrons")
    assert of_patrons.stdout == ""


def test_text_that_the_guide_rewords_exists_and_names_its_file(texts: Catalog) -> None:
    (reworded,) = re.findall(r'^msgid "(.+)"$', (ROOT / "docs" / "translating.md").read_text("utf-8"), re.MULTILINE)

    text = texts.get(reworded)

    assert text is not None
    assert text.locations == [("gateway/web/pages/templates/own.html.j2", 0)]


def test_german_comes_with_the_gateway() -> None:
    assert [file.stem for file in CATALOGUES] == ["fr", "de"]


def test_no_text_escapes_the_command(texts: Catalog) -> None:
    """It knows texts by the name of the function around them, and on Python 3.11 it doesn't look into f-strings: a call
    there, or by another name, would stay English."""
    known = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in texts}

    escaped = [
        f"{place}:{call.lineno}: {text}"
        for place, tree in parse_modules(TRANSLATING, "gateway")
        for call, text in find_translated_texts(tree)
        if text not in known
    ]

    assert escaped == []


def test_no_text_of_a_refusal_escapes_the_command(texts: Catalog) -> None:
    """It knows a refusal as `Refused(reason, "…")` alone: what a class of its own hands on to Refused, a constant, or a
    text given by its name, must be written by `write_sentence`."""
    escaped = [
        f"{place}:{node.lineno}"
        for place, tree in parse_modules(["RefusalReason."], "gateway", "adapters")
        for node in find_plain_refusals(tree)
        if texts.get(node.value) is None
    ]

    assert escaped == []


TOLD_TO_STAFF = {
    "Refused": 1,
    **dict.fromkeys(("Unavailable", "Postponed", "UnfinishedWork", "OutcomeUnknown", "UnclearAnswer"), 0),
    "write_sentence": 0,
}
"""Which argument is the text."""

TOLD_AT_START = ("gateway/runtime/database_setup.py", "gateway/store/")
"""By commands alone, and by the daemon before it has pages."""


def test_what_went_wrong_is_a_text_with_values() -> None:
    """Staff read it in their language: an f-string is no text that could be looked up, and the text of an exception is
    no sentence any more (`error.detail` is)."""
    put_together = [
        f"{place}:{node.lineno}"
        for place, tree in parse_modules(TOLD_TO_STAFF, "gateway", "adapters")
        if not place.startswith(TOLD_AT_START)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TOLD_TO_STAFF
        for text in node.args[TOLD_TO_STAFF[node.func.id] :][:1]
        if isinstance(text, ast.JoinedStr | ast.BinOp) or is_text_of_error(text)
    ]

    assert put_together == []


KEPT_FOR_STAFF = frozenset(
    {"EventDetails.note", "HoldingsReport.note", "RotaLine.why", "replace.why", "ItemCandidate.how"}
    | {
        "ItemCandidate.why_not",
        "replace.why_not",
        "IntakeFinding.detail",
        "LendingRefusal.detail",
        "MailEvent.explained",
    }
    | {"MailReading.problem", "MailReading.explained", "RequestMatch.explained", "MailVerdict.problem"}
    | {"ApplicationResult.problem", "OpenedMail.problem", "replace.problem", "replace.explained"}
)
"""Arguments by whose names staff are told what the program did or noticed, now or later."""

OF_PROTOCOLS = ("adapters/letters/dialect.py",)
"""Words of a partner's codes, which its profile may say otherwise."""

PLAYED = ("gateway/services/letters/sample.py",)
"""Words of people who are played."""


def test_what_staff_are_told_of_work_is_a_text_with_values() -> None:
    """The same for notes of histories, reasons of rotas, readings of mails."""
    put_together = [
        f"{place}:{node.lineno}: {node.func.id}.{argument.arg}"
        for place, tree in parse_modules(
            {name.partition(".")[0] + "(" for name in KEPT_FOR_STAFF}, "gateway/domain", "gateway/services", "adapters"
        )
        if not place.startswith((*OF_PROTOCOLS, *PLAYED))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        for argument in node.keywords
        if f"{node.func.id}.{argument.arg}" in KEPT_FOR_STAFF
        if any(map(is_own_text, iter_parts(argument.value)))
    ]

    assert put_together == []


def parse_modules(words: Iterable[str], *folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Parse the modules in which one of these words stands, with their paths: to parse all takes five seconds."""
    for file in (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))):
        text = file.read_text("utf-8")
        if any(word in text for word in words):
            yield str(file.relative_to(ROOT)), ast.parse(text)


def find_plain_refusals(tree: ast.Module) -> Iterator[ast.Constant]:
    """Find texts that refusals are made of, or, where the text is no literal and no constant of the module, nothing."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not makes_refusal(node):
            continue
        detail = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "detail")]
        for text in detail:
            text = constants.get(text.id, text) if isinstance(text, ast.Name) else text
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text


def makes_refusal(node: ast.Call) -> bool:
    """Whether it makes a refusal, or hands on what one is made of. A Refusal is an answer in a protocol."""
    reasons = [argument for argument in node.args[:1] if isinstance(argument, ast.Attribute)]
    is_named = getattr(node.func, "id", "") == "Refused" or getattr(node.func, "attr", "") == "__init__"
    return is_named and any(getattr(reason.value, "id", "") == "RefusalReason" for reason in reasons)


def iter_parts(value: ast.expr) -> Iterator[ast.expr]:
    yield from value.elts if isinstance(value, ast.Tuple | ast.List) else [value]


def is_own_text(value: ast.expr) -> bool:
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str) and bool(value.value)
    return is_text or isinstance(value, ast.JoinedStr | ast.BinOp)


def is_text_of_error(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "str"


def find_translated_texts(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Calls of gettext and the like with a literal, whatever name the function was given before."""
    names = set(TRANSLATING)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names |= {alias for alias, source in _pair_targets(node) if source in TRANSLATING}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        literals = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        place = 1 if name in ("pgettext", "npgettext") else 0  # their first is the context
        if name in names and len(literals) > place:
            yield node, literals[place]


def _pair_targets(node: ast.Assign) -> Iterator[tuple[str, str]]:
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        else:
            pairs = [(target, node.value)]
        for name, value in pairs:
            if isinstance(name, ast.Name) and isinstance(value, ast.Attribute):
                yield name.id, value.attr


def make_texts(*ids: str | tuple[str, str]) -> Catalog:
    texts = Catalog()
    for id_ in ids:
        texts.add(id_)
    return texts


def begin_catalogue(folder: Path, texts: Catalog) -> Path:
    file = folder / "de.po"
    write_catalogue_file(file, merge_texts(texts, Catalog(locale="de")))
    return file


def test_new_texts_come_and_old_ones_go(tmp_path: Path) -> None:
    file = begin_catalogue(tmp_path, make_texts("Old", "Kept"))
    file.write_text(file.read_text("utf-8").replace('"Kept"\nmsgstr ""', '"Kept"\nmsgstr "Behalten"'), "utf-8")
    texts = make_texts("New", "Kept")
    assert list_shortcomings(file, texts) == ["not translated: 'New'", "no text any more: 'Old'"]
    write_catalogue_file(file, merge_texts(texts, read_catalogue_file(file)))
    assert list_shortcomings(file, texts) == ["not translated: 'New'"]
    assert 'msgstr "Behalten"' in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("id_", "entry", "why"),
    [
        (
            "%(count)s left",
            'msgid "%(count)s left"\nmsgstr "%(cuont)s übrig"',
            "%(cuont)s is no value of: %(count)s left",
        ),
        ("Half", '#, fuzzy\nmsgid "Half"\nmsgstr "Halb"', "fuzzy: 'Half'"),
        (
            ("%(num)s day", "%(num)s days"),
            'msgid "%(num)s day"\nmsgid_plural "%(num)s days"\nmsgstr[0] "%(num)s Tag"\nmsgstr[1] ""',
            "not translated: ('%(num)s day', '%(num)s days')",
        ),
    ],
)
def test_shortcomings_are_told(tmp_path: Path, id_: str | tuple[str, str], entry: str, why: str) -> None:
    file = begin_catalogue(tmp_path, make_texts())
    file.write_text(f"{file.read_text('utf-8')}\n{entry}\n", "utf-8")
    assert list_shortcomings(file, make_texts(id_)) == [why]


def test_a_value_that_a_translation_leaves_out_is_told(tmp_path: Path) -> None:
    file = begin_catalogue(tmp_path, make_texts())
    file.write_text(f'{file.read_text("utf-8")}\nmsgid "%(a)s of %(b)s"\nmsgstr "%(a)s"\n', "utf-8")
    assert list_shortcomings(file, make_texts("%(a)s of %(b)s")) == [
        "%(b)s isn't in the translation of: %(a)s of %(b)s"
    ]


def test_the_command_begins_updates_and_checks_a_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "extract_texts", read_shipped_texts)  # else it would find them three times over
    begun = CliRunner().invoke(main, ["add", "he", "--folder", str(tmp_path)])
    assert begun.exit_code == 0, begun.output
    assert "Language: he\\n" in (tmp_path / "he.po").read_text("utf-8")
    assert CliRunner().invoke(main, ["update", "--folder", str(tmp_path)]).output.startswith("he.po: ")
    assert CliRunner().invoke(main, ["add", "klingon", "--folder", str(tmp_path)]).exit_code == 2
    assert CliRunner().invoke(main, ["add", "he", "--folder", str(tmp_path)]).exit_code == 1
    assert CliRunner().invoke(main, ["check"]).exit_code == 0
