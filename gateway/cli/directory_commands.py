"""`illgate directory`: the sources of partners in `directory.sources` of gateway.yml."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import CommandFailed, Installation, pass_installation
from gateway.domain.problems import Unavailable
from gateway.ports.command_output import json_option, print_json_lines
from gateway.secrets import resolve_secret
from gateway.services.directory.pull import DirectoryPull, PullReport, read_report
from gateway.settings import Settings
from gateway.settings.directory import DirectorySource


@click.group(name="directory")
def directory_command() -> None:
    """List and pull directories of partners."""


@directory_command.command(name="list")
@json_option
@pass_installation
def list_sources(installation: Installation, as_json: bool) -> None:
    """List the sources, and how the last pull of each went."""
    settings = installation.settings
    reports = [(source, read_report(settings, source)) for source in settings.directory.sources]
    if as_json:
        print_json_lines({"source": source.name, **report.model_dump(mode="json")} for source, report in reports)
        return
    if not reports:
        click.echo("no sources: gateway.yml has no `directory.sources`")
        return
    heading = ("SOURCE", "PULLED", "ENTRIES", "HELD", "PROBLEMS", "FAILURE")
    print_lines(format_table([heading, *(_format_row(source, report) for source, report in reports)]))


def _format_row(source: DirectorySource, report: PullReport) -> tuple[str, ...]:
    pulled = report.pulled.isoformat(timespec="minutes") if report.pulled is not None else "never"
    return (
        source.name,
        pulled,
        str(report.entries),
        str(len(report.held)),
        str(len(report.problems)),
        report.failure,
    )


@directory_command.command(name="pull")
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--accept", "accepted", metavar="PARTNER", multiple=True, help="Take its endpoint on another host.")
@pass_installation
def pull_sources(installation: Installation, names: Sequence[str], accepted: Sequence[str]) -> None:
    """Pull sources now: those named, else all.

    The daemon reads the changed entries automatically.
    """
    settings = installation.settings
    pull = DirectoryPull(settings, lambda secret: resolve_secret(secret, settings.folder), installation.clock)
    chosen = _choose_sources(settings, names)
    pull.make_folders()
    failed = False
    for source in chosen:
        try:
            report = asyncio.run(pull.pull(source, accepted))
        except Unavailable as error:
            failed = True
            click.echo(f"{source.name}: {error}; the entries are as before", err=True)
            continue
        click.echo(f"{source.name}: {report.entries} entries")
        for problem in report.problems:
            click.echo(f"  {problem}; as it was before")
        for name, url in report.held.items():
            click.echo(f"  {name}: another endpoint, {url}; `--accept {name}` takes it")
    if failed:
        raise CommandFailed("not all sources could be pulled")


def _choose_sources(settings: Settings, names: Sequence[str]) -> tuple[DirectorySource, ...]:
    sources = {source.name: source for source in settings.directory.sources}
    for name in names:
        if name not in sources:
            known = ", ".join(sources) or "none"
            raise click.UsageError(f"no such source: {name}; `directory.sources` of gateway.yml has: {known}")
    return tuple(sources[name] for name in names) or tuple(sources.values())
