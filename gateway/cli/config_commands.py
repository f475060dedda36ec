"""`illgate config show`: the settings in force."""

from __future__ import annotations

import click

from gateway.cli.installation import Installation, pass_installation
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.profiles.effective import dump_settings, format_yaml, format_yaml_with_sources, list_sourced_values


@click.group(name="config")
def config_command() -> None:
    """Show the settings in use."""


@config_command.command(name="show")
@click.option("--sources", is_flag=True, help="Show the source of each value: file and line, or default.")
@json_option
@pass_installation
def show_settings(installation: Installation, sources: bool, as_json: bool) -> None:
    """Show gateway.yml as YAML with all defaults. With --json and --sources: one line per value.

    Secrets are shown as references, such as env:NAME.

    \b
    Examples:
      illgate config show
      illgate config show --sources | grep -v '# default'
    """
    settings = installation.settings
    values = dump_settings(settings)
    if as_json and sources:
        print_json_lines(list_sourced_values(values, settings.document))
    elif as_json:
        print_json(values)
    else:
        click.echo(format_yaml_with_sources(values, settings.document) if sources else format_yaml(values), nl=False)
