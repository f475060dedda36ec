"""`illgate replay-job begin|list|show|pause|resume|stop`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from datetime import tzinfo
from typing import Any, TypeVar

import click

from gateway.cli.formatting import format_local_time, format_table, print_lines
from gateway.cli.installation import (
    REFUSED,
    CommandFailed,
    Installation,
    library_option,
    pass_installation,
    require_library,
    staff_option,
)
from gateway.cli.journal_commands import add_filter_options, include_whole_conversation, make_journal_filter
from gateway.cli.message_exchange import open_journal
from gateway.cli.replay_command import count_messages, format_selection
from gateway.domain.requests.views import NotFound
from gateway.domain.value import replace
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.ports.responder import OutcomeClass
from gateway.services.desks.replay_jobs import (
    JobAct,
    JobProgress,
    ListedReplay,
    ReplayJobs,
    ReplayStatus,
    SelectionChangedError,
)
from gateway.services.exchange.replay_selection import TooManyMessagesError
from gateway.services.people.users import AuditOrigin
from gateway.settings import LibrarySettings
from gateway.store.library_store import LibraryStore

T = TypeVar("T")

MAX_SHOWN = 5_000

_ID = click.argument("job", metavar="ID")


@click.group(name="replay-job")
def replay_job_command() -> None:
    """Begin, list, pause, resume and stop replays of many messages.

    A job begins with `begin`, or at the message journal of the staff pages. The daemon replays its messages one after
    the other, and continues after a restart.
    """


@replay_job_command.command(name="begin")
@add_filter_options
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@staff_option
@pass_installation
def begin_replay_job(installation: Installation, /, symbol: str, yes: bool, actor: str, **options: Any) -> None:
    """Replay matching received messages in the background.

    The messages are replayed in order of arrival. Replays, messages already replayed successfully and messages in
    progress are skipped. You are asked to confirm the number of messages.

    \b
    Examples:
      illgate replay-job begin --outcome refused --reason bad-pickup-location --since 2h
      illgate replay-job begin --outcome failed --since today --yes
    """
    library = require_library(installation, symbol)
    if not any(options.values()):
        raise click.UsageError("give a selection: --outcome, --profile, --since …")
    if options["outcome"] == OutcomeClass.PENDING:
        raise click.UsageError("messages in progress are finished by the gateway, at the latest when it next starts")
    asyncio.run(_begin_job(installation, library, options, yes, AuditOrigin(actor)))


async def _begin_job(
    installation: Installation, library: LibrarySettings, options: dict[str, Any], yes: bool, origin: AuditOrigin
) -> None:
    async with open_journal(installation) as (journal, store):
        journal_filter = await include_whole_conversation(store, make_journal_filter(installation, library, options))
        if journal_filter.until is None:  # what comes while somebody is asked isn't meant
            journal_filter = replace(journal_filter, until=installation.clock.now())
        jobs = ReplayJobs(LibraryStore(symbol=library.symbol, store=store, clock=installation.clock), journal)
        try:
            selection = await jobs.select_messages(journal_filter)
            print_lines(format_selection(selection, library.zone))
            count = len(selection.messages)
            if not count:
                return
            if not yes:
                click.confirm(f"Replay {count_messages(count)} in the background?", abort=True)
            job = await jobs.begin_job(journal_filter, count, origin)
        except TooManyMessagesError as why:
            raise click.UsageError(str(why)) from why
        except SelectionChangedError as why:
            raise CommandFailed("nothing was done: other messages match now") from why
    click.echo(f"job {job.id}: the daemon replays the messages; see illgate replay-job show {job.id}")


@replay_job_command.command(name="list")
@library_option
@json_option
@pass_installation
def list_replay_jobs(installation: Installation, symbol: str, as_json: bool) -> None:
    """List the jobs, newest first.

    \b
    Example:
      illgate replay-job list
    """
    library = require_library(installation, symbol)
    jobs = asyncio.run(_ask_jobs(installation, library, lambda service: service.list_jobs()))
    if as_json:
        print_json_lines(map(_document_of_job, jobs))
        return
    if not jobs:
        click.echo("no jobs")
        return
    rows = [("BEGUN", "STATUS", "DONE", "BY", "ID"), *(_format_job(job, library.zone) for job in jobs)]
    print_lines(format_table(rows))


@replay_job_command.command(name="show")
@_ID
@library_option
@json_option
@pass_installation
def show_replay_job(installation: Installation, job: str, symbol: str, as_json: bool) -> None:
    """Show the messages of a job and the result of each.

    \b
    Example:
      illgate replay-job show 0006430d0c7a1b0000a1b2c3
    """
    library = require_library(installation, symbol)

    async def read_job(service: ReplayJobs) -> tuple[JobProgress, tuple[ListedReplay, ...]]:
        progress = await service.find_job(job)
        return progress, tuple(await service.list_items(job, MAX_SHOWN))

    progress, listed = asyncio.run(_ask_jobs(installation, library, read_job))
    if as_json:
        print_json({**_document_of_job(progress), "messages": [_document_of_replay(replay) for replay in listed]})
        return
    click.echo(f"{progress.job.status}, {progress.ended} of {progress.total}")
    print_lines(_format_counts(progress))
    for replay in listed:
        moment = format_local_time(replay.at, library.zone) if replay.at is not None else "-"
        reason = f": {replay.item.reason}" if replay.item.reason else ""
        click.echo(f"{moment}  {replay.item.message}  {replay.service or '(unknown)'}  {replay.item.status}{reason}")


_CHANGES = {
    JobAct.PAUSE: "Pause a job after the message in progress.",
    JobAct.RESUME: "Resume a paused job. Failed messages are replayed again.",
    JobAct.STOP: "Stop a job for good. Its remaining messages are not replayed.",
}


def _add_change_command(act: JobAct, text: str) -> None:
    example = f"\b\nExample:\n  illgate replay-job {act} 0006430d0c7a1b0000a1b2c3"

    @replay_job_command.command(name=act.value, help=f"{text}\n\n{example}")
    @_ID
    @library_option
    @staff_option
    @pass_installation
    @click.pass_context
    def change_replay_job(ctx: click.Context, installation: Installation, job: str, symbol: str, actor: str) -> None:
        _change_job(ctx, installation, symbol, job, act, actor)


for _act, _text in _CHANGES.items():
    _add_change_command(_act, _text)


def _change_job(ctx: click.Context, installation: Installation, symbol: str, job: str, act: JobAct, actor: str) -> None:
    library = require_library(installation, symbol)
    origin = AuditOrigin(actor)
    if not asyncio.run(_ask_jobs(installation, library, lambda service: service.change_job(job, act, origin))):
        click.echo(f"nothing was done: the job's status does not allow {act}", err=True)
        ctx.exit(REFUSED)
    click.echo(f"job {job}: {act}")


async def _ask_jobs(
    installation: Installation, library: LibrarySettings, ask: Callable[[ReplayJobs], Awaitable[T]]
) -> T:
    async with open_journal(installation) as (journal, store):
        try:
            return await ask(
                ReplayJobs(LibraryStore(symbol=library.symbol, store=store, clock=installation.clock), journal)
            )
        except NotFound as error:
            raise click.UsageError("job not found") from error


def _document_of_job(progress: JobProgress) -> dict[str, object]:
    return {**asdict(progress.job), "counts": progress.counts}


def _document_of_replay(replay: ListedReplay) -> dict[str, object]:
    item = replay.item
    return {
        "message": item.message,
        "at": replay.at,
        "profile": replay.profile,
        "service": replay.service,
        "status": item.status,
        "reason": item.reason,
        "replay": item.replay,
    }


def _format_job(progress: JobProgress, zone: tzinfo) -> tuple[str, ...]:
    job = progress.job
    done = f"{progress.ended} of {progress.total}"
    return format_local_time(job.begun, zone), job.status.value, done, job.begun_by, job.id


def _format_counts(progress: JobProgress) -> Iterator[str]:
    for status in ReplayStatus:
        if count := progress.counts.get(status, 0):
            yield f"  {count} {status}"
