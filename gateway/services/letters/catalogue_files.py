"""Catalogues of texts as files: gettext's `.po`, read as they are, and what an operator says in YAML instead."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

import gateway
from gateway.configuration.yaml_document import display_path, nearest_match, read_yaml
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.services.letters.own_words import (
    PAGE_TEXTS_FILE,
    ChangedFile,
    OwnTranslation,
    read_own_page_texts,
    read_own_words,
    shipped_page_texts,
    translate_page_texts,
    translate_words,
)

SHIPPED_TRANSLATIONS = Path(gateway.__file__).parent / "translations"

CATALOGUE_SUFFIX = ".po"

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)[sd])")


def is_language_code(text: str) -> bool:
    """Return whether a code has the form of a language's: a folder of that name may be one."""
    return bool(_CODE.fullmatch(text))


@lru_cache(maxsize=256)
def is_known_to_cldr(code: str) -> bool:
    try:
        return is_language_code(code) and bool(Locale.parse(code, sep="-"))
    except (UnknownLocaleError, ValueError):
        return False


def find_changed(file: Path) -> ChangedFile | None:
    """Return the file as it is now, or None: there is none. A page asks for a dozen, so each is looked at once."""
    try:
        found = os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (file, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


@lru_cache(maxsize=64)
def read_catalogue(file: ChangedFile) -> bytes:
    """Read a catalogue in gettext's own format. Raises ConfigurationError with file and line."""
    path, _changed = file
    try:
        with path.open("rb") as stream:
            catalogue = read_po(stream, locale=Locale.parse(path.stem, sep="-"), abort_invalid=True)
    except PoFileError as error:
        raise _catalogue_error(path, error.lineno + 1, str(error)) from error
    except UnicodeDecodeError as error:
        raise _catalogue_error(path, 0, "not UTF-8 text") from error
    except (OSError, ValueError) as error:
        raise _catalogue_error(path, 0, f"can't be read: {error}") from error
    for message in catalogue:
        if message.id and (problem := find_translation_problem(message, catalogue)):
            raise _catalogue_error(path, message.lineno or 0, problem)
    return _compile_catalogue(catalogue)


def _compile_catalogue(catalogue: Catalog) -> bytes:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()


@lru_cache(maxsize=64)
def compile_own_words(code: str, words: tuple[ChangedFile, ...], page_texts: tuple[ChangedFile, ...]) -> bytes:
    """Compile an operator's words; raises ConfigurationError."""
    catalogue = Catalog(locale=Locale.parse(code, sep="-") if is_known_to_cldr(code) else None)
    translations: list[OwnTranslation] = [
        *translate_words(read_own_words(words)),
        *translate_page_texts(read_own_page_texts(page_texts)),
    ]
    for translation in translations:
        catalogue.add(translation.text, translation.said, context=translation.context)
    return _compile_catalogue(catalogue)


def _catalogue_error(path: Path, line: int, problem: str) -> ConfigurationError:
    return ConfigurationError([ConfigurationProblem(display_path(path), line, (), problem)])


def find_translation_problem(message: Message, catalogue: Catalog) -> str:
    """Find what would go wrong with a translation where it is shown; empty: nothing. One that is missing is no
    problem."""
    sources: tuple[str, ...] = message.id if isinstance(message.id, tuple) else (str(message.id),)
    forms: tuple[str, ...] = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    if not any(forms):
        return ""
    if isinstance(message.id, tuple) and (len(forms) != catalogue.num_plurals or not all(forms)):
        return f"not all of {catalogue.num_plurals} plural forms of: {sources[0]}"
    allowed = {name for source in sources for name in find_placeholders(source)}
    if len(sources) > 1:
        allowed.add("num")
    for form in forms:
        if _PLACEHOLDER.sub("", form).count("%"):
            return f"a percent sign that isn't written %% in: {form}"
        if unknown := sorted(find_placeholders(form) - allowed):
            return f"%({unknown[0]})s is no value of: {sources[0]}"
    return ""


def find_placeholders(text: str) -> set[str]:
    """Names of the values that stand in it."""
    return {match[1] for match in _PLACEHOLDER.finditer(text) if match[1]}


def find_unused_words(folder: Path) -> Iterable[ConfigurationProblem]:
    """Find what an operator has in a folder of letters that nobody will ever read: catalogues of no language, words for
    texts that there aren't. Of a file that can't be read nothing is said here: the letters say it."""
    for file in sorted(folder.glob(f"*{CATALOGUE_SUFFIX}")):
        if not is_known_to_cldr(file.stem):
            reason = "no language has this code: the name must be one of CLDR's, such as fr.po or pt-br.po"
            yield ConfigurationProblem(display_path(file), 0, (), reason)
    for file in sorted(folder.glob(f"*/{PAGE_TEXTS_FILE}")):
        try:
            document = read_yaml(file)
        except ConfigurationError:
            continue
        texts, known = document.data.get("texts"), shipped_page_texts()
        for key in texts if isinstance(texts, dict) else ():
            if key not in known:
                yield document.make_problem(
                    ("texts", key), "no text has this key", suggestion=nearest_match(key, known)
                )
