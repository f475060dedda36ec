"""Finding and rendering templates in text and HTML; which letters there are.

A letter has one template for all languages, `patron/sent.j2`, whose texts are translated by catalogues. An operator may
have one for a single language. For a letter in the languages de, en: `de/patron/sent.html.j2`, then `de/patron/sent.j2`
(which serves for text and HTML), then `patron/sent.html.j2` and `patron/sent.j2` if there is a catalogue for German;
then the same in `en`. Each of them is looked for in the operator's folder before ours.

A template's name is the letter's: `patron/available`, `partner/request`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Container, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

import jinja2
from jinja2.environment import TemplateModule
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

import gateway
from gateway.configuration.yaml_document import display_path
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.requests.event_catalogue import PARTNER_LETTERS
from gateway.domain.requests.partner_policy import LETTERS, STAFF_LETTER
from gateway.services.letters.localization import install_translations

SHIPPED = Path(gateway.__file__).parent / "letters"

SUFFIX = ".j2"

_BLOCK_TAG = re.compile(r"<(?:table|p|div|ul|ol|dl|h[1-6]|blockquote|hr|pre|section)\b")

WIDTH = 72
INDENT = "  "

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Not fit for a letter: control characters, and marks that turn the direction of what follows them around."""

_SPACES = re.compile(r"\s+")
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_STRONG = frozenset({"L", "R", "AL"})

ISOLATE, ISOLATED = "\u2068", "\u2069"


class LetterFormat(StrEnum):
    TEXT = "txt"
    HTML = "html"


class TemplateMissingError(Exception):
    """None of the folders has it in any of the languages."""


class TemplateSource:
    """A source of templates in some folders, the first one first. A changed file counts from the next letter on."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(folders)
        loader = jinja2.FileSystemLoader([str(folder) for folder in self.folders])
        self._environments = {format_: _make_environment(loader, format_) for format_ in LetterFormat}

    def render_template(
        self,
        name: str,
        languages: tuple[str, ...],
        format_: LetterFormat,
        values: Mapping[str, object],
        translated: Container[str] = (),
    ) -> tuple[str, str]:
        """The body (in HTML: what is no markup is escaped), and the subject if the template sets one. `translated`:
        those of the languages that have a catalogue, so that the template for all serves for them.

        Raises TemplateMissingError, ConfigurationError with file and line.
        """
        names = [path for language in languages for path in _template_paths(name, language, format_, translated)]
        environment = self._environments[format_]
        try:
            template = environment.select_template([*names, *_template_file_names(name, format_)])
            module: TemplateModule = template.make_module(dict(values))
        except jinja2.TemplatesNotFound:
            raise TemplateMissingError(name) from None
        except Exception as error:  # whatever an operator's template provokes
            raise ConfigurationError([self._template_problem(error, name)]) from error
        subject = getattr(module, "subject", "")
        return str(module), str(subject)

    def find_template_files(self, name: str, language: str, translated: Container[str] = ()) -> tuple[Path, ...]:
        """The files of a letter in this language, text and HTML; empty: it is not in this language."""
        files = [
            next((folder / path for path in names for folder in self.folders if (folder / path).is_file()), None)
            for names in (_template_paths(name, language, format_, translated) for format_ in LetterFormat)
        ]
        return tuple(file for file in dict.fromkeys(files) if file is not None)

    def find_names(self, folder: str) -> tuple[str, ...]:
        """Find the templates of this folder, in any language; those for others to include are none."""
        files = (file for place in self.folders for path in (folder, f"*/{folder}") for file in place.glob(f"{path}/*"))
        names = {file.name.partition(".")[0] for file in files if file.name.endswith(SUFFIX)}
        return tuple(sorted(f"{folder}/{name}" for name in names if not name.startswith("_")))

    def _template_problem(self, error: Exception, name: str) -> ConfigurationProblem:
        file, line = _locate_template_error(error)
        if not file:
            return ConfigurationProblem("", 0, (), f"letter template {name}: {_template_error_reason(error)}")
        return ConfigurationProblem(display_path(Path(file)), line, (), _template_error_reason(error))


def _template_paths(name: str, language: str, format_: LetterFormat, translated: Container[str]) -> tuple[str, ...]:
    """Those for the language alone, and those for all where it has a catalogue."""
    of_language = _template_file_names(f"{language}/{name}", format_)
    return (*of_language, *_template_file_names(name, format_)) if language in translated else of_language


def _template_file_names(name: str, format_: LetterFormat) -> tuple[str, str]:
    """Return the name of the file for this form alone, and of the one for both."""
    return f"{name}.{format_.value}{SUFFIX}", f"{name}{SUFFIX}"


def _make_environment(loader: jinja2.BaseLoader, format_: LetterFormat) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        autoescape=format_ is LetterFormat.HTML,
        lstrip_blocks=True,
        auto_reload=True,
    )
    install_translations(environment)
    return environment


def _locate_template_error(error: Exception) -> tuple[str, int]:
    """File and line of the innermost template that was at work."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.filename or "", error.lineno
    place = ("", 0)
    at: TracebackType | None = error.__traceback__
    while at is not None:
        template = at.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template) and template.filename:
            place = (template.filename, template.get_corresponding_lineno(at.tb_lineno))
        at = at.tb_next
    return place


def _template_error_reason(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"no such template: {error.name}"
    if isinstance(error, jinja2.TemplateError):
        return error.message or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    return type(error).__name__  # its own words may show what is in the request


class MarkupForm(Protocol):
    def format_inline(self, text: str) -> str:
        """A value within a sentence, whichever way it runs."""
        ...

    def format_cell(self, text: str) -> str:
        """A value on a line, or in a cell, of its own."""
        ...

    def mark_markup(self, text: str) -> str:
        """Mark what a template of this form has made: not to be escaped again."""
        ...

    def format_paragraphs(self, body: str) -> str:
        """The body of a letter, whose paragraphs stand between blank lines."""
        ...


class TextForm:
    def format_inline(self, text: str) -> str:
        return isolate_direction(clean_line(text))

    def format_cell(self, text: str) -> str:
        return isolate_direction(text)

    def mark_markup(self, text: str) -> str:
        return text

    def format_paragraphs(self, body: str) -> str:
        return wrap_paragraphs(body)


class HtmlForm:
    def format_inline(self, text: str) -> str:
        cleaned = escape(clean_line(text))
        return Markup(f'<bdi dir="auto">{cleaned}</bdi>') if cleaned else ""

    def format_cell(self, text: str) -> str:
        return text  # its element says that it may run either way

    def mark_markup(self, text: str) -> str:
        return Markup(text)

    def format_paragraphs(self, body: str) -> str:
        return Markup("\n".join(map(_wrap_html_block, split_blocks(body))))


def _wrap_html_block(block: str) -> str:
    return block if _BLOCK_TAG.match(block.lstrip()) else f'<p dir="auto">{block.strip()}</p>'


def clean_line(text: str) -> str:
    """Put a text on one line."""
    return _SPACES.sub(" ", _CONTROLS.sub("", text)).strip()


def clean_lines(text: str) -> str:
    """Lines are kept, blank ones are not."""
    return "\n".join(filter(None, map(clean_line, text.splitlines())))


def is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)


def find_direction(text: str) -> Literal["ltr", "rtl"]:
    """Find which way a text runs, as `dir="auto"` does, by its first letter."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return "rtl" if next((kind for kind in kinds if kind in _STRONG), "L") != "L" else "ltr"


def isolate_direction(text: str) -> str:
    """Put the marks of UAX #9 around a text where it runs the other way, so that it leaves its surroundings in
    order."""
    return f"{ISOLATE}{text}{ISOLATED}" if is_right_to_left(text) else text


def strip_isolation(text: str) -> str:
    return text.replace(ISOLATE, "").replace(ISOLATED, "")


def split_blocks(body: str) -> list[str]:
    """Split at blank lines."""
    return [block.strip("\n") for block in _BLANK.split(body) if block.strip()]


def wrap_paragraphs(body: str) -> str:
    """Paragraphs broken at 72 columns; a block whose first line is indented stays as it is."""
    return "\n\n".join(
        block if block.startswith((" ", "\t")) else _wrap_paragraph(block) for block in split_blocks(body)
    )


def quote_text(text: str) -> str:
    """Somebody's own words, indented."""
    return "\n".join(
        textwrap.fill(
            line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
        )
        for line in text.splitlines()
    )


def _wrap_paragraph(paragraph: str) -> str:
    line = _SPACES.sub(" ", paragraph).strip()
    return textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)


class LetterAudience(StrEnum):
    PATRON = "patron"
    PARTNER = "partner"
    SLIP = "slip"


PATRON_LETTERS = (*LETTERS, STAFF_LETTER)

BEGINNING = "beginning"
"""Folder of what staff begin a letter of their own with; an operator may add others."""

SLIPS = ("return", "hold")
"""What is put into an item: it goes back to its owner, it waits for its reader."""

ALL = (
    *(f"{LetterAudience.PATRON.value}/{name}" for name in PATRON_LETTERS),
    *(f"{LetterAudience.PARTNER.value}/{kind.value}" for kind in PARTNER_LETTERS),
    *(f"{LetterAudience.SLIP.value}/{name}" for name in SLIPS),
)


def find_letter_names(name: str) -> tuple[str, ...]:
    """Full names that a name may mean: itself, or what follows the stroke."""
    return (name,) if name in ALL else tuple(letter for letter in ALL if letter.partition("/")[2] == name)
