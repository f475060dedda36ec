"""Whether letters can be written: every template is rendered for a made-up request, in every language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.adapters import Adapters
from gateway.configuration.problems import ConfigurationError, Problem, nearest
from gateway.configuration.source import shown
from gateway.domain.profile import Profile
from gateway.ports.letters import LetterStyle
from gateway.profiles import LoadedProfile
from gateway.services.letters import ALL, PARTNER_LETTERS, PATRON_LETTERS, SLIPS, Letters, sample
from gateway.services.letters.templates import SUFFIX, Format
from gateway.settings import Settings

SHARED = ("layout", "slip", "fields", "quote", "link", "answers")
"""Templates that all letters are built with."""


def of_installation(settings: Settings) -> list[Problem]:
    letters = letters_of(settings)
    found = list(_strangers(settings.letters_folder))
    if settings.letters.language not in letters.languages:
        path = ("letters", "language")
        found.append(settings.problem(path, "no such language", settings.letters.language, letters.languages))
    for language in letters.languages:
        found += _patron_problems(letters, language, settings)
        found += _partner_problems(letters, LetterStyle(language), settings)
    found += _slip_problems(letters, settings)
    return list(dict.fromkeys(found))


def of_profile(loaded: LoadedProfile, adapters: Adapters, settings: Settings) -> list[Problem]:
    """Of a partner with letters of its own."""
    found: list[Problem] = []
    for channel in adapters.channels.values():
        dialect = loaded.profile.dialects.get(channel.section)
        if dialect is None or channel.style is None:
            continue
        style = channel.style(dialect, settings.folder)
        if style.folder is None:
            continue
        if not style.folder.is_dir():
            found.append(loaded.problem((channel.section, "folder"), "no such folder", shown(style.folder)))
            continue
        letters = letters_of(settings)
        found += _strangers(style.folder)
        for language in letters.languages:
            found += _partner_problems(letters, replace(style, language=language), settings)
    return list(dict.fromkeys(found))


def letters_of(settings: Settings) -> Letters:
    return Letters(settings.letters_folder, settings.letters.language)


def _patron_problems(letters: Letters, language: str, settings: Settings) -> Iterator[Problem]:
    zone = settings.libraries[0].zone
    request = sample.request()
    request = replace(request, patron=replace(request.patron, language=language))
    for name in PATRON_LETTERS:
        try:
            letters.for_patron(name, request, sample.PATRON, sample.LIBRARY, zone, sample.NOW, sample.FACTS)
        except ConfigurationError as error:
            yield from error.problems


def _partner_problems(letters: Letters, style: LetterStyle, settings: Settings) -> Iterator[Problem]:
    zone, profile = settings.libraries[0].zone, Profile(name="sample")
    for kind in PARTNER_LETTERS:
        try:
            message, answers = sample.message(kind), sample.answers(kind)
            letters.for_partner(message, profile, sample.LIBRARY, zone, style, answers)
        except ConfigurationError as error:
            yield from error.problems


def _slip_problems(letters: Letters, settings: Settings) -> Iterator[Problem]:
    zone = settings.libraries[0].zone
    for name in SLIPS:
        try:
            letters.slip(name, sample.request(), sample.PATRON, sample.LIBRARY, zone, sample.NOW, sample.SLIP)
        except ConfigurationError as error:
            yield from error.problems


def _strangers(folder: Path) -> Iterator[Problem]:
    """Templates that no letter ever uses: a name mistyped. One whose name begins with _ is for other templates."""
    for file in sorted(folder.rglob(f"*{SUFFIX}")):
        name = _name(file.relative_to(folder))
        if name not in (*ALL, *SHARED) and not file.name.startswith("_"):
            near = nearest(name, (*ALL, *SHARED))
            yield Problem(shown(file), 0, (), f"no letter is called '{name}'", suggestion=near)


def _name(file: Path) -> str:
    """`de/patron/sent.html.j2` -> patron/sent, `layout.html.j2` -> layout"""
    stem = file.name.removesuffix(SUFFIX)
    for format_ in Format:
        stem = stem.removesuffix(f".{format_.value}")
    parts = file.parts[1:-1] if len(file.parts) > 1 else ()
    return "/".join((*parts, stem))
