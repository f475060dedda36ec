"""`illgate config show` and `illgate adapters list`: the settings in force, and what is plugged in."""

from __future__ import annotations

import click

from gateway.adapter_registry import list_installed_adapters
from gateway.cli.formatting import format_table
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


@click.group(name="adapters")
def adapters_command() -> None:
    """List installed adapters."""


@adapters_command.command(name="list")
@json_option
def list_adapters(as_json: bool) -> None:
    """List all adapters with their kind and the package that brings each. An adapter that cannot be loaded is listed
    with the reason.

    The names are used in `system.type`, as sections of profiles, and as channels of partners.
    """
    adapters = list_installed_adapters()
    if as_json:
        print_json_lines(adapters)
        return
    rows = [(adapter.name, adapter.kind, adapter.package, adapter.problem) for adapter in adapters]
    for line in format_table([("NAME", "KIND", "PACKAGE", ""), *rows]):
        click.echo(line)
