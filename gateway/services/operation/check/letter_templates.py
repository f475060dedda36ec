"""Check of all letters in every language, with the templates of the installation and of partners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration.yaml_document import display_path, nearest_match
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.domain.requests.event_catalogue import PARTNER_LETTERS
from gateway.domain.value import replace
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import LetterStyle
from gateway.profiles import LoadedProfile
from gateway.services.letters import sample
from gateway.services.letters.catalogue_files import find_unused_words
from gateway.services.letters.renderer import LetterRenderer, make_letter_renderer
from gateway.services.letters.templates import (
    ALL,
    BEGINNING,
    PATRON_LETTERS,
    SLIPS,
    SUFFIX,
    LetterAudience,
    LetterFormat,
)
from gateway.settings import LibrarySettings, Settings

SHARED_TEMPLATES = ("layout", "slip", "fields", "quote", "link", "answers")
"""Templates that all letters are built with."""


def check_letter_templates(settings: Settings) -> list[ConfigurationProblem]:
    """Check the letters of the installation, and those of each library that has some of its own."""
    letters = make_letter_renderer(settings)
    problems = _check_letters(letters, settings, settings.libraries[0], ("letters",))
    for number, library in enumerate(settings.libraries):
        own = library.letters
        if own.folder and not (settings.folder / own.folder).is_dir():
            path = ("libraries", number, "letters", "folder")
            problems.append(settings.make_problem(path, "no such folder", own.folder))
        if own.is_own:
            problems += _check_letters(letters, settings, library, ("libraries", number, "letters"))
    return list(dict.fromkeys(problems))


def _check_letters(
    letters: LetterRenderer, settings: Settings, library: LibrarySettings, path: tuple[str | int, ...]
) -> list[ConfigurationProblem]:
    """Check letters as this library sends them; `path`: of the section that says where they are. Where there is no
    file of its own, nothing is written: letters that are shipped are right."""
    folders, usual = settings.find_letters(library)
    info = replace(sample.LIBRARY, symbol=library.symbol)
    languages = letters.find_languages(info)
    problems = [problem for folder in folders for problem in _find_unknown_templates(folder)]
    problems += [problem for folder in folders for problem in find_unused_words(folder)]
    if usual not in languages:
        problems.append(settings.make_problem((*path, "language"), "no such language", usual, languages))
    if not any(file.is_file() for folder in folders for file in folder.rglob("*")):
        return problems
    for language in languages:
        problems += _patron_problems(letters, language, info, library.zone)
        problems += _partner_problems(letters, LetterStyle(language), info, library.zone)
    return [*problems, *_slip_problems(letters, info, library.zone)]


def check_partner_templates(
    loaded: LoadedProfile, adapters: AdapterRegistry, settings: Settings
) -> list[ConfigurationProblem]:
    """Check the templates of a partner with letters of its own."""
    wrong: list[ConfigurationProblem] = []
    for channel in adapters.channels.values():
        dialect = loaded.profile.dialects.get(channel.section)
        if dialect is None or channel.style is None:
            continue
        style = channel.style(dialect, settings.folder)
        if style.folder is None:
            continue
        if not style.folder.is_dir():
            wrong.append(loaded.make_problem((channel.section, "folder"), "no such folder", display_path(style.folder)))
            continue
        letters = make_letter_renderer(settings)
        wrong += [*_find_unknown_templates(style.folder), *find_unused_words(style.folder)]
        library = settings.find_library(loaded.profile.library) if loaded.profile.library else settings.libraries[0]
        info = replace(sample.LIBRARY, symbol=library.symbol)
        for language in letters.find_languages(info):
            wrong += _partner_problems(letters, replace(style, language=language), info, library.zone)
    return list(dict.fromkeys(wrong))


def _patron_problems(
    letters: LetterRenderer, language: str, library: LibraryInfo, zone: tzinfo
) -> Iterator[ConfigurationProblem]:
    request = sample.sample_request()
    request = replace(request, patron=replace(request.patron, language=language))
    for name in PATRON_LETTERS:
        try:
            letters.render_patron_letter(name, request, sample.PATRON, library, zone, sample.NOW, sample.FACTS)
        except ConfigurationError as error:
            yield from error.problems
    try:
        letters.list_beginnings(request, sample.PATRON, library, zone)
    except ConfigurationError as error:
        yield from error.problems


def _partner_problems(
    letters: LetterRenderer, style: LetterStyle, library: LibraryInfo, zone: tzinfo
) -> Iterator[ConfigurationProblem]:
    profile = Profile(name="sample")
    for kind in PARTNER_LETTERS:
        try:
            message, answers = sample.sample_message(kind), sample.sample_answers(kind)
            letters.for_partner(message, profile, library, zone, style, answers)
        except ConfigurationError as error:
            yield from error.problems


def _slip_problems(letters: LetterRenderer, library: LibraryInfo, zone: tzinfo) -> Iterator[ConfigurationProblem]:
    for name in SLIPS:
        try:
            letters.render_slip(name, sample.sample_request(), sample.PATRON, library, zone, sample.NOW, sample.SLIP)
        except ConfigurationError as error:
            yield from error.problems


def _find_unknown_templates(folder: Path) -> Iterator[ConfigurationProblem]:
    """Templates that no letter ever uses: a name mistyped. One whose name begins with _ is for other templates."""
    for file in sorted(folder.rglob(f"*{SUFFIX}")):
        name = _template_name(file.relative_to(folder))
        if name.startswith(f"{BEGINNING}/") or file.name.startswith("_"):
            continue
        if name not in (*ALL, *SHARED_TEMPLATES):
            near = nearest_match(name, (*ALL, *SHARED_TEMPLATES))
            yield ConfigurationProblem(display_path(file), 0, (), f"no letter is called '{name}'", suggestion=near)


def _template_name(file: Path) -> str:
    """`de/patron/sent.html.j2`, `patron/sent.j2` -> patron/sent, `layout.html.j2` -> layout"""
    stem = file.name.removesuffix(SUFFIX)
    for format_ in LetterFormat:
        stem = stem.removesuffix(f".{format_.value}")
    parts = file.parts[:-1]
    if parts and parts[0] not in list(LetterAudience):
        parts = parts[1:]  # the language
    return "/".join((*parts, stem))
