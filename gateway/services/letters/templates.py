"""Finding and rendering templates: the operator's folder first, then what is shipped; language by language.

For a letter in the languages de, en: `de/patron/sent.html.j2`, then `de/patron/sent.j2` (which serves for text and
HTML), then the same in `en`; each of them in the operator's folder before the shipped one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType

import jinja2
from jinja2.environment import TemplateModule
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.configuration.problems import ConfigurationError, Problem
from gateway.configuration.source import shown

SUFFIX = ".j2"


class Format(StrEnum):
    TEXT = "txt"
    HTML = "html"


class NoTemplate(Exception):
    """None of the folders has it in any of the languages."""


class Templates:
    """Of some folders, the first one first. A changed file counts from the next letter on."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(folders)
        loader = jinja2.FileSystemLoader([str(folder) for folder in self.folders])
        self._environments = {format_: _environment(loader, format_) for format_ in Format}

    def render(
        self, name: str, languages: tuple[str, ...], format_: Format, values: Mapping[str, object]
    ) -> tuple[str, str]:
        """The body (in HTML: what is no markup is escaped), and the subject if the template sets one.

        Raises NoTemplate, ConfigurationError with file and line.
        """
        names = [one for language in languages for one in _names(f"{language}/{name}", format_)]
        environment = self._environments[format_]
        try:
            template = environment.select_template([*names, f"{name}.{format_.value}{SUFFIX}"])
            module: TemplateModule = template.make_module(dict(values))
        except jinja2.TemplatesNotFound:
            raise NoTemplate(name) from None
        except Exception as error:  # whatever an operator's template provokes
            raise ConfigurationError([self._problem(error, name)]) from error
        subject = getattr(module, "subject", "")
        return str(module), str(subject)

    def sources(self, name: str, language: str) -> tuple[Path, ...]:
        """The files of a letter in this language, text and HTML; empty: it is not in this language."""
        found = [
            next((folder / one for one in names for folder in self.folders if (folder / one).is_file()), None)
            for names in (_names(f"{language}/{name}", format_) for format_ in Format)
        ]
        return tuple(file for file in dict.fromkeys(found) if file is not None)

    def _problem(self, error: Exception, name: str) -> Problem:
        file, line = _place(error)
        if not file:
            return Problem("", 0, (), f"letter template {name}: {_reason(error)}")
        return Problem(shown(Path(file)), line, (), _reason(error))


def _names(name: str, format_: Format) -> tuple[str, str]:
    """Of the file for this form alone, and of the one for both."""
    return f"{name}.{format_.value}{SUFFIX}", f"{name}{SUFFIX}"


def _environment(loader: jinja2.BaseLoader, format_: Format) -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        autoescape=format_ is Format.HTML,
        lstrip_blocks=True,
        auto_reload=True,
    )


def _place(error: Exception) -> tuple[str, int]:
    """File and line of the innermost template that was at work."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.filename or "", error.lineno
    found = ("", 0)
    at: TracebackType | None = error.__traceback__
    while at is not None:
        template = at.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template) and template.filename:
            found = (template.filename, template.get_corresponding_lineno(at.tb_lineno))
        at = at.tb_next
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"no such template: {error.name}"
    if isinstance(error, jinja2.TemplateError):
        return error.message or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    return type(error).__name__  # its own words may show what is in the request
