"""`illgate replay`: one message of the journal, or all that a filter finds, carried out again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

import click

from gateway.cli.formatting import format_local_time, format_table, print_lines
from gateway.cli.installation import (
    REFUSED,
    UNREACHABLE,
    Installation,
    pass_installation,
    require_library,
)
from gateway.cli.journal_commands import add_filter_options, include_whole_conversation, make_journal_filter
from gateway.cli.message_exchange import body_errors_as_configuration, open_exchange, open_journal
from gateway.ports.responder import OutcomeClass
from gateway.services.desks.replay_jobs import MAX_FAILURES, MAX_MESSAGES
from gateway.services.exchange import MessageExchange
from gateway.services.exchange.message_context import NotReplayableError, RehearsalResult, ReplayResult
from gateway.services.exchange.replay_selection import ReplaySelection, TooManyMessagesError, select_messages
from gateway.settings import LibrarySettings
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalFilter, JournalMessage
from gateway.web.message_texts import format_value_lines, pretty_print

EXIT = {OutcomeClass.OK: 0, OutcomeClass.FAILED: UNREACHABLE}
"""Everything else is a refusal."""

NOT_REPLAYABLE = "can't be replayed"


@click.command(name="replay")
@click.argument("identifier", metavar="[ID]", default="")
@add_filter_options
@click.option("--dry-run", is_flag=True, help="Show what the message would do without calling the library system.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation when a filter selects messages.")
@pass_installation
@click.pass_context
def replay_command(
    ctx: click.Context,
    installation: Installation,
    /,
    identifier: str,
    symbol: str,
    dry_run: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Replay messages from the journal with their original profile. The answers are shown to you and not sent to the
    partner.

    ID is the ID of a message, its answer or the exchange. Without ID, the options select messages: all received
    messages that match, in order of arrival. Replays, messages already replayed successfully and messages in progress
    are skipped. You are asked to confirm the number of messages.

    To let the daemon replay many messages in the background, use `illgate replay-job begin`.

    Steps that have already been done are not repeated. A replay has its own journal entry. Exit code 0: done; 1:
    refused, or not replayable; 4: the library system cannot be reached.

    \b
    Examples:
      illgate journal list --outcome failed
      illgate replay 0006430d0c7a1b0000a1b2c3-1 --dry-run
      illgate replay 0006430d0c7a1b0000a1b2c3-1
      illgate replay --outcome refused --profile illiad-alma --since 2h --dry-run
      illgate replay --outcome failed --since today --yes
    """
    library = require_library(installation, symbol)
    if bool(identifier) == any(options.values()):
        raise click.UsageError("give either one ID or a selection: --outcome, --profile, --since …")
    if not identifier:
        if options["outcome"] == OutcomeClass.PENDING:
            raise click.UsageError(
                "messages in progress are finished by the gateway, at the latest when it next starts"
            )
        journal_filter = make_journal_filter(installation, library, options)
        ctx.exit(asyncio.run(_replay_selection(installation, library, journal_filter, dry_run, yes)))
    try:
        done = asyncio.run(_replay_message(installation, library.symbol, identifier, dry_run))
    except NotReplayableError as why:
        click.echo(f"{identifier} {NOT_REPLAYABLE}: {why}", err=True)
        ctx.exit(REFUSED)
    print_lines(_format_rehearsal(done) if isinstance(done, RehearsalResult) else _format_replay(done))
    if isinstance(done, ReplayResult):
        ctx.exit(EXIT.get(done.outcome, REFUSED))


# --- one -----------------------------------------------------------------------------------------------------


async def _replay_message(
    installation: Installation, library: str, identifier: str, dry_run: bool
) -> ReplayResult | RehearsalResult:
    with body_errors_as_configuration():
        async with open_journal(installation) as (journal, store):
            rows = await journal.get_exchange(library, identifier)
            if not rows:
                raise click.UsageError(f"message not found: {identifier}")
            exchange = await open_exchange(installation, journal, store)
            row = rows[0]  # the other is the answer to it
            return await (exchange.rehearse_message(row) if dry_run else exchange.replay_message(row))


def _format_replay(done: ReplayResult) -> Iterator[str]:
    yield f"{done.outcome.value}: {done.reason}" if done.reason else done.outcome.value
    if done.note:
        yield f"  {done.note}"
    yield ""
    yield pretty_print(done.answer.body)


def _format_rehearsal(done: RehearsalResult) -> Iterator[str]:
    if done.command is not None:
        yield f"{done.service} asks for {type(done.command).__name__}"
        yield from format_value_lines(done.command, 1)
    elif done.told is not None:
        yield f"{done.service} tells of request {done.told.transaction}: {done.told.kind.value}"
        yield from format_value_lines(done.told.details, 1)
        if done.is_repeat:
            yield "  It was here before: nothing would change."
        if done.refusal is not None:
            yield f"  It would be refused: {_explain_refusal(done)}"
    elif done.refusal is not None:
        yield f"{done.service or 'The message'} would be refused: {_explain_refusal(done)}"
    else:
        yield f"{done.service} is answered without the library"
    yield ""
    if done.carried_out_as:
        yield f"It was carried out as {done.carried_out_as}; the answer was:"
    elif done.answer is None:
        yield "The answer depends on the library system, which was not called."
    else:
        yield "The answer would be:"
    if done.answer is not None:
        yield pretty_print(done.answer.body)


def _explain_refusal(done: RehearsalResult) -> str:
    refusal = done.refusal
    return getattr(refusal, "detail", "") or str(refusal)


# --- many ----------------------------------------------------------------------------------------------------


async def _replay_selection(
    installation: Installation, library: LibrarySettings, wanted: JournalFilter, dry_run: bool, yes: bool
) -> int:
    """The exit code."""
    with body_errors_as_configuration():
        async with open_journal(installation) as (journal, store):
            try:
                wanted = await include_whole_conversation(store, wanted)
                selection = await select_messages(journal, wanted, MAX_MESSAGES)
            except TooManyMessagesError as why:
                raise click.UsageError(str(why)) from why
            print_lines(format_selection(selection, library.zone))
            if not selection.messages:
                return 0
            if not dry_run and not yes:
                click.confirm(f"Replay {count_messages(len(selection.messages))}?", abort=True)
            exchange = await open_exchange(installation, journal, store)
            if dry_run:
                return await _rehearse_all(journal, exchange, selection, library.zone)
            return await _replay_all(journal, exchange, selection, library.zone)


async def _rehearse_all(journal: Journal, exchange: MessageExchange, selection: ReplaySelection, zone: tzinfo) -> int:
    for message in selection.messages:
        full_message = await journal.get_message(message.library, message.id)
        if full_message is None:
            continue  # forgotten on schedule, a moment ago
        try:
            text = _summarise_rehearsal(await exchange.rehearse_message(full_message))
        except NotReplayableError as why:
            text = f"{NOT_REPLAYABLE}: {why}"
        click.echo(_format_line(message, zone, text))
    return 0


async def _replay_all(journal: Journal, exchange: MessageExchange, selection: ReplaySelection, zone: tzinfo) -> int:
    ended: Counter[str] = Counter()
    failures = 0
    for message in selection.messages:
        full_message = await journal.get_message(message.library, message.id)
        if full_message is None:
            continue
        try:
            done = await exchange.replay_message(full_message)
        except NotReplayableError as why:
            ended[NOT_REPLAYABLE] += 1
            click.echo(_format_line(message, zone, f"{NOT_REPLAYABLE}: {why}"))
            continue
        ended[done.outcome.value] += 1
        reason = f"{done.outcome.value}: {done.reason}" if done.reason else done.outcome.value
        click.echo(_format_line(message, zone, f"{reason}  {done.note}".rstrip()))
        failures = failures + 1 if done.outcome is OutcomeClass.FAILED else 0
        if failures == MAX_FAILURES:
            left = len(selection.messages) - ended.total()
            click.echo(
                f"{failures} consecutive failures; not replayed: {count_messages(left)} left as they are", err=True
            )
            break
    click.echo(", ".join(f"{count} {how}" for how, count in ended.items()))
    if ended[OutcomeClass.FAILED.value]:
        return UNREACHABLE
    return 0 if set(ended) <= {OutcomeClass.OK.value} else REFUSED


def format_selection(selection: ReplaySelection, zone: tzinfo) -> Iterator[str]:
    messages = selection.messages
    yield count_messages(len(messages)) + (
        f", {format_local_time(messages[0].at, zone)} to {format_local_time(messages[-1].at, zone)}" if messages else ""
    )
    kinds = Counter((m.profile, m.service, _format_outcome(m)) for m in messages)
    if kinds:
        heading = ("", "PROFILE", "SERVICE", "OUTCOME")
        yield from format_table([heading, *((str(count), *kind) for kind, count in kinds.most_common())])
    if selection.redone:
        yield f"{selection.redone} more have been replayed since and are skipped"


def count_messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _format_outcome(message: JournalMessage) -> str:
    return f"{message.outcome.value}: {message.reason}" if message.reason else message.outcome.value


def _format_line(message: JournalMessage, zone: tzinfo, text: str) -> str:
    return f"{format_local_time(message.at, zone)}  {message.id}  {message.service or '(unknown)'}  {text}"


def _summarise_rehearsal(done: RehearsalResult) -> str:
    if done.refusal is not None:
        return f"would be refused: {_explain_refusal(done)}"
    if done.carried_out_as:
        return f"was carried out as {done.carried_out_as}"
    if done.command is not None:
        return f"asks for {type(done.command).__name__}"
    if done.told is not None:
        return f"tells of request {done.told.transaction}: {done.told.kind.value}"
    return "is answered without the library"
