"""`illgate translations add|update|check`: catalogues of the installation's own, in its folder of letters."""

from __future__ import annotations

import click

from gateway.cli.installation import Installation, pass_installation
from gateway.ports.command_output import json_option, print_json_lines
from gateway.translations.maintenance import (
    add_catalogue,
    list_all_shortcomings,
    report_shortcomings,
    update_catalogues,
)


@click.group(name="translations")
def translations_command() -> None:
    """Translate the texts of pages and letters into another language, in your letters folder."""


@translations_command.command(name="add")
@click.argument("language", metavar="LANGUAGE")
@pass_installation
def add_language(installation: Installation, language: str) -> None:
    """Begin the catalogue of LANGUAGE with all texts to translate. Patrons and staff can choose the language then.

    For French, the pages of patrons and the letters are translated already.

    \b
    Examples:
      illgate translations add fr
      illgate translations add pt-br
    """
    folder = installation.settings.letters_folder
    folder.mkdir(parents=True, exist_ok=True)
    add_catalogue(folder, language)


@translations_command.command(name="update")
@pass_installation
def update_languages(installation: Installation) -> None:
    """Update your catalogues: new texts are added, obsolete ones removed."""
    update_catalogues(installation.settings.letters_folder)


@translations_command.command(name="check")
@click.option("--patrons", is_flag=True, help="Only pages of patrons, and letters.")
@json_option
@pass_installation
def check_languages(installation: Installation, patrons: bool, as_json: bool) -> None:
    """List the texts that are not translated yet. Exit code 1: there are some."""
    found = list_all_shortcomings(installation.settings.letters_folder, for_patrons=patrons)
    if as_json:
        print_json_lines({"catalogue": name, "problem": text} for name, text in found)
        raise SystemExit(1 if found else 0)
    report_shortcomings(found)
