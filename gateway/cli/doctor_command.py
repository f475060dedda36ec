"""`illgate doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import click

from gateway.cli.check_command import check_installation
from gateway.cli.check_report import count_things
from gateway.cli.formatting import print_lines
from gateway.cli.installation import REFUSED, Installation, pass_installation
from gateway.cli.mail_commands import open_mailboxes
from gateway.domain.problems import ConfigurationError, Refused, Unavailable
from gateway.domain.secret_reference import is_secret_reference
from gateway.ports.command_output import json_option, print_json_lines
from gateway.runtime.doctor import (
    Finding,
    FindingState,
    examine_backups,
    examine_clock,
    examine_daemon,
    examine_files,
    examine_machine,
    examine_mail_server,
    examine_report,
    examine_store,
)
from gateway.settings.loader import iter_words
from gateway.store.engine import SqliteTooOld
from gateway.store.migration import SchemaTooNew, SchemaTooOld

_UNUSABLE = (ConfigurationError, SchemaTooNew, SchemaTooOld, SqliteTooOld, Unavailable)
"""Why a database cannot be opened; each has its remedy in its text."""


@click.command(name="doctor")
@json_option
@pass_installation
@click.pass_context
def doctor_command(ctx: click.Context, installation: Installation, as_json: bool) -> None:
    """Find out what is wrong with the machine, the installation and its network, with remedies.

    This includes all that `illgate check --live` finds, and what a running daemon reports about itself. Nothing is
    changed, and nothing is sent to partners. Exit code 0: no problems; 1: problems found.

    \b
    Examples:
      illgate doctor
      sudo -u illgate illgate --config /etc/illgate/gateway.yml doctor
    """
    findings = asyncio.run(_collect_findings(installation))
    if as_json:
        print_json_lines(findings)
    else:
        print_lines(_format_findings(findings))
    if any(finding.state is FindingState.PROBLEM for finding in findings):
        ctx.exit(REFUSED)


async def _collect_findings(installation: Installation) -> list[Finding]:
    return [finding async for finding in _iter_findings(installation)]


async def _iter_findings(installation: Installation) -> AsyncIterator[Finding]:
    try:
        settings, database = installation.settings, installation.store_parts.database
    except ConfigurationError as error:
        for problem in error.problems:
            yield Finding("configuration", FindingState.PROBLEM, str(problem))
        return
    documents = (settings.document, *(loaded.document for loaded in installation.profiles.profiles.loaded.values()))
    references = {word for document in documents for word in iter_words(document.data) if is_secret_reference(word)}
    folder = database.parent if database is not None and database.parent.is_dir() else settings.folder
    for finding in (
        *examine_machine(folder),
        *examine_files(settings, database, references),
    ):
        yield finding
    try:
        async with installation.open_current_store() as store:
            async for finding in examine_store(store, installation.clock.now()):
                yield finding
            for finding in examine_clock(database, installation.clock):
                yield finding
    except _UNUSABLE as error:
        yield Finding("database", FindingState.PROBLEM, str(error))
    yield examine_backups(settings, installation.clock.now())
    async for finding in examine_daemon(settings):
        yield finding
    async for finding in examine_mail_server(settings):
        yield finding
    if settings.mailboxes:
        async for finding in _examine_mailboxes(installation):
            yield finding
    for finding in examine_report(await check_installation(installation, (), live=True)):
        yield finding


async def _examine_mailboxes(installation: Installation) -> AsyncIterator[Finding]:
    """Sign in to each, as `illgate mail test` does."""
    try:
        async with open_mailboxes(installation) as boxes:
            for poller in boxes.pollers:
                name = poller.box.name
                try:
                    waiting, seconds, _ = await poller.probe_mailbox()
                except (Refused, Unavailable) as error:
                    remedy = "Check its section under `mailboxes` in gateway.yml, and its password"
                    yield Finding("mail", FindingState.PROBLEM, f"mailbox {name}: {error}", remedy)
                else:
                    text = f"mailbox {name}: {waiting} emails waiting, answered in {seconds:.2f} s"
                    yield Finding("mail", FindingState.OK, text)
    except _UNUSABLE:
        return  # the database or a profile, which has its own finding


def _format_findings(findings: list[Finding]) -> Iterator[str]:
    for area in dict.fromkeys(finding.area for finding in findings):
        yield area
        for finding in (finding for finding in findings if finding.area == area):
            yield f"  {finding.state:<8} {finding.text}"
            if finding.remedy:
                yield f"  {'':<8} Remedy: {finding.remedy}"
    counts = {state: sum(finding.state is state for finding in findings) for state in FindingState}
    yield ", ".join(count_things(counts[state], state) for state in (FindingState.PROBLEM, FindingState.WARNING))
