"""Finds the texts in templates and code, and brings catalogues up to date with them.

Sorted, with the files that have a text but without lines and dates, nothing fuzzy: so that two people's changes can be
merged, and an entry changes only when its text does or moves to another file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import click
from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import gateway
from gateway.services.letters.catalogue_files import (
    CATALOGUE_SUFFIX,
    SHIPPED_TRANSLATIONS,
    find_placeholders,
    find_translation_problem,
)
from gateway.services.letters.own_words import list_word_texts, shipped_words

METHODS = [("**.py", "python"), ("**.j2", "jinja2")]

OPTIONS = {"**.j2": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}

KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "mark_text": None,
    "mark_text_in_context": ((1, "c"), 2),
    "mark_template": None,
    "write_sentence": None,
    "_make_guard": None,
    "Refused": (2,),
    "SenderRefused": (2,),
    "NotReplayableError": None,
}
"""Which arguments of functions are texts, without numbers the first; "c": what tells a text apart. Those of errors and
of guards are told to staff (`Localization.translate_sentence`)."""

MAX_LINE_CHARS = 100

OTHER_PACKAGES = ("adapters", "rehearsal")
"""What library systems and partners refuse, or why they can't be asked, is told to staff; whoever is played has pages.
Adapters of a third party bring no texts of theirs."""


PATRON_FOLDERS = (
    "gateway/web/pages/",
    "gateway/web/html/",
    "gateway/letters/",
    "gateway/services/letters/",
    "gateway/services/patrons/",
)

WORDS_FILE = "gateway/letters/words.yml"

BEGUN_TRANSLATIONS = SHIPPED_TRANSLATIONS / "begun"
"""Catalogues of `select_patron_texts` alone: an installation offers their language when a catalogue of its own begins
with one, since staff's pages are in English then."""


def extract_texts() -> Catalog:
    """All texts of the gateway, without translations."""
    catalog = extract_texts_of(Path(gateway.__file__).parent)
    for package in OTHER_PACKAGES:
        for message in extract_texts_of(_find_package(package)):
            catalog.add(message.id, locations=message.locations, context=message.context)
    for context, _key, text in list_word_texts(shipped_words()):
        catalog.add(text, locations=[(WORDS_FILE, 0)], context=context)
    return catalog


def select_patron_texts(texts: Catalog) -> Catalog:
    """The texts of patrons' pages and of letters, with those of slips and the words that they share."""
    catalog = Catalog()
    for text in texts:
        if any(file.startswith(PATRON_FOLDERS) for file, _line in text.locations):
            catalog.add(text.id, locations=text.locations, auto_comments=text.auto_comments, context=text.context)
    return catalog


def select_texts_of_file(file: Path, texts: Catalog) -> Catalog:
    """The texts that a catalogue is to have."""
    return select_patron_texts(texts) if file.parent == BEGUN_TRANSLATIONS else texts


def _find_package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, "it is installed together with the gateway"
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def extract_texts_of(folder: Path) -> Catalog:
    """Those in the templates and the code below a folder, each with the files that have it; line 0: none is told."""
    catalog = Catalog()
    for file, _line, message, comments, context in extract_from_dir(
        folder, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        catalog.add(message, locations=[(f"{folder.name}/{file}", 0)], auto_comments=comments, context=context)
    return catalog


def read_catalogue_file(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, locale=Locale.parse(file.stem, sep="-"), abort_invalid=True)


def merge_texts(texts: Catalog, translated: Catalog) -> Catalog:
    """The texts with their translations; what is no text any more is left out."""
    merged = Catalog(
        locale=translated.locale,
        project="illgate",
        version="texts",
        header_comment=translated.header_comment,
        msgid_bugs_address="see README.md",
        creation_date=translated.creation_date,
        revision_date=translated.revision_date,
        last_translator=translated.last_translator,
        language_team=translated.language_team,
        fuzzy=False,
    )
    for text in texts:
        if not text.id:
            continue
        message = translated.get(text.id, text.context)
        kept = message.string if message is not None and message.pluralizable == text.pluralizable else None
        merged.add(
            text.id,
            string=kept,
            context=text.context,
            locations=text.locations,
            auto_comments=text.auto_comments,
            user_comments=message.user_comments if message is not None else (),
            flags=["python-format"] if text.python_format else (),
        )
    return merged


def write_catalogue_file(file: Path, catalogue: Catalog) -> None:
    written = BytesIO()
    write_po(written, catalogue, width=MAX_LINE_CHARS, sort_output=True, include_lineno=False, ignore_obsolete=True)
    file.write_bytes(written.getvalue())


def list_shortcomings(file: Path, texts: Catalog, known: Catalog | None = None) -> list[str]:
    """List what a catalogue lacks, or has too much of; empty: it is complete. `known`: all texts, where only some of
    them are wanted."""
    catalogue = read_catalogue_file(file)
    shortcomings = []
    for text in texts:
        if text.id and (problem := _find_shortcoming(text, catalogue)):
            shortcomings.append(problem)
    for message in catalogue:
        if message.id and (known or texts).get(message.id, message.context) is None:
            shortcomings.append(f"no text any more: {message.id!r}")
        if message.id and message.fuzzy:
            shortcomings.append(f"fuzzy: {message.id!r}")
    return shortcomings


def _find_shortcoming(text: Message, catalogue: Catalog) -> str:
    message = catalogue.get(text.id, text.context)
    translation = message.string if message is not None else None
    forms: tuple[str, ...] = (translation,) if isinstance(translation, str) else tuple(translation or ())
    if message is None or not forms or not all(forms):
        return f"not translated: {text.id!r}"
    if problem := find_translation_problem(message, catalogue):
        return problem
    source = text.id if isinstance(text.id, str) else text.id[-1]
    missing = find_placeholders(source) - find_placeholders(forms[-1])
    return f"%({min(missing)})s isn't in the translation of: {source}" if missing else ""


def _find_catalogue_files(folder: Path) -> Iterable[Path]:
    """Find those of a folder; with the ones that are shipped, those that have been begun."""
    begun = BEGUN_TRANSLATIONS.glob(f"*{CATALOGUE_SUFFIX}") if folder == SHIPPED_TRANSLATIONS else ()
    return sorted([*folder.glob(f"*{CATALOGUE_SUFFIX}"), *begun])


@click.group(help=__doc__)
def main() -> None:
    pass


_FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=SHIPPED_TRANSLATIONS,
    help="Folder of the catalogues. Default: the catalogues shipped with the gateway.",
)


def update_catalogues(folder: Path) -> None:
    """Add new texts to all catalogues in a folder, and remove obsolete ones."""
    texts = extract_texts()
    for file in _find_catalogue_files(folder):
        wanted = select_texts_of_file(file, texts)
        write_catalogue_file(file, merge_texts(wanted, read_catalogue_file(file)))
        click.echo(f"{file.name}: {len(list_shortcomings(file, wanted))} to do")


def list_all_shortcomings(folder: Path, *, for_patrons: bool = False) -> list[tuple[str, str]]:
    """List what the catalogues in a folder lack: names of files, each with one shortcoming. `for_patrons`: only what
    patrons read is wanted."""
    texts = extract_texts()
    return [
        (file.name, problem)
        for file in _find_catalogue_files(folder)
        for problem in list_shortcomings(
            file, select_patron_texts(texts) if for_patrons else select_texts_of_file(file, texts), texts
        )
    ]


def report_shortcomings(found: Sequence[tuple[str, str]]) -> None:
    """Show them. Raises SystemExit where there are some."""
    for name, text in found:
        click.echo(f"{name}: {text}")
    if found:
        raise SystemExit(1)


def add_catalogue(folder: Path, language: str) -> None:
    """Begin the catalogue of a language, with the translations that are shipped for it."""
    file = folder / f"{language}{CATALOGUE_SUFFIX}"
    if file.exists():
        raise click.ClickException(f"{file} exists")
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="LANGUAGE") from error
    texts, now = extract_texts(), datetime.now(UTC)
    begun = BEGUN_TRANSLATIONS / file.name
    translated = Catalog(
        locale=locale,
        header_comment=f"# Texts of illgate: {locale.english_name}",
        creation_date=now,
        revision_date=now,
        last_translator="illgate",
        language_team="illgate",
    )
    write_catalogue_file(file, merge_texts(texts, read_catalogue_file(begun) if begun.exists() else translated))
    click.echo(f"{file}: {len(list_shortcomings(file, texts))} of {len(texts)} texts to translate")


@main.command("update")
@_FOLDER
def update_command(folder: Path) -> None:
    """Update all catalogues in a folder: add new texts and remove obsolete ones."""
    update_catalogues(folder)


@main.command("check")
@_FOLDER
def check_command(folder: Path) -> None:
    """Check catalogues for missing translations. Exit code 1: some are missing."""
    report_shortcomings(list_all_shortcomings(folder))


@main.command("add")
@_FOLDER
@click.argument("language")
def add_command(folder: Path, language: str) -> None:
    """Create the catalogue of LANGUAGE (such as fr or pt-br)."""
    add_catalogue(folder, language)
