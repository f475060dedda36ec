"""`illgate letter list|preview`."""

from __future__ import annotations

from dataclasses import replace

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.texts import table
from gateway.configuration.problems import ConfigurationError, nearest
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Kind
from gateway.ports.letters import LetterStyle
from gateway.ports.mailer import Letter
from gateway.services.check.letters import letters_of
from gateway.services.letters import ALL, Letters, To, named, sample
from gateway.settings import Settings


@click.group(name="letter")
def letter_command() -> None:
    """List letters to patrons and partners and slips for items, and show how they look."""


@letter_command.command(name="list")
@pass_installation
def list_letters(installation: Installation) -> None:
    """All letters, and the languages that each is in; * marks where a template of your own counts."""
    settings = installation.settings
    letters = letters_of(settings)
    rows: list[tuple[str, ...]] = [("LETTER", *letters.languages)]
    rows += [(name, *(_kind(letters, name, language) for language in letters.languages)) for name in ALL]
    for line in table(rows):
        click.echo(line)
    click.echo(f"\nYour own templates go into {settings.letters_folder}, such as en/{ALL[0]}.j2")


def _kind(letters: Letters, name: str, language: str) -> str:
    sources = letters.sources(name, language)
    return "-" if not sources else "*" if any(letters.is_own(file) for file in sources) else "shipped"


@letter_command.command(name="preview")
@click.argument("name", metavar="NAME")
@click.option("--language", default="", metavar="CODE", help="Such as de; else the installation's.")
@click.option("--html", is_flag=True, help="The HTML part instead of the plain text.")
@click.option("--script", type=click.Choice(tuple(sample.CITATIONS)), default="latin", help="Of the citation.")
@click.option("--profile", default="", metavar="PROFILE", help="As this partner gets it (letters to partners).")
@pass_installation
def preview_letter(installation: Installation, name: str, language: str, html: bool, script: str, profile: str) -> None:
    """How a letter looks, for a made-up request.

    NAME as in `illgate letter list`; what stands before the stroke may be left out where only one fits.

    \b
    Examples:
      illgate letter preview available
      illgate letter preview partner/overdue --language de
      illgate letter preview slip/return
      illgate letter preview request --script arabic --html > request.html
      illgate letter preview request --profile seeberg
    """
    settings = installation.settings
    to, _, rest = _full(name).partition("/")
    letters = letters_of(settings)
    if language and language not in letters.languages:
        raise click.UsageError(f"no letters in '{language}'; there are: {', '.join(letters.languages)}")
    zone = settings.libraries[0].zone
    if to == To.SLIP.value:
        by = Letters(settings.letters_folder, language or settings.letters.language)
        request = sample.request(script)
        letter = by.slip(rest, request, sample.PATRON, sample.LIBRARY, zone, sample.NOW, sample.SLIP)
    elif to == To.PATRON.value:
        request = sample.request(script)
        request = replace(request, patron=replace(request.patron, language=language))
        letter = letters.for_patron(rest, request, sample.PATRON, sample.LIBRARY, zone, sample.NOW, sample.FACTS)
    else:
        partner, style = _partner(installation, profile, settings)
        style = replace(style, language=language or style.language)
        message = sample.message(Kind(rest), script)
        letter = letters.for_partner(message, partner, sample.LIBRARY, zone, style)
    click.echo(letter.html if html else _shown(letter), nl=False)


def _full(name: str) -> str:
    found = named(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"which one? {' or '.join(found)}")
    near = nearest(name, (*ALL, *(one.partition("/")[2] for one in ALL)))
    hint = f"; did you mean '{near}'?" if near else ""
    raise click.UsageError(f"no such letter: {name}{hint}")


def _partner(installation: Installation, name: str, settings: Settings) -> tuple[Profile, LetterStyle]:
    """Raises click.UsageError, ConfigurationError."""
    if not name:
        return Profile(name="sample"), LetterStyle()
    loading = installation.profiles
    profile = loading.profiles.by_name(name)
    if profile is None:
        if loading.problems:
            raise ConfigurationError(loading.problems)
        raise click.UsageError(f"no such profile: {name}")
    for channel in installation.adapters.channels.values():
        dialect = profile.dialects.get(channel.section)
        if dialect is not None and channel.style is not None:
            return profile, channel.style(dialect, settings.folder)
    return profile, LetterStyle()


def _shown(letter: Letter) -> str:
    return f"To: {letter.to}\nSubject: {letter.subject}\n\n{letter.text}"
