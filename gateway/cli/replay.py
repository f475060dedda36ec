"""`illgate replay`: a message of the journal once more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.exits import REFUSED, UNREACHABLE
from gateway.cli.opened import library_named, open_exchange, open_journal, readable_bodies
from gateway.cli.texts import pretty, value_lines
from gateway.ports.protocol import OutcomeClass
from gateway.services.replay import NotReplayable, Rehearsal, Replayed

EXIT = {OutcomeClass.OK: 0, OutcomeClass.FAILED: UNREACHABLE}
"""Everything else is a refusal."""


@click.command(name="replay")
@click.argument("identifier", metavar="ID")
@click.option("--library", "symbol", default="", metavar="SYMBOL", help="Of this library, where there are several.")
@click.option("--dry-run", is_flag=True, help="Show what it asks for; the library is not touched.")
@pass_installation
@click.pass_context
def replay_command(ctx: click.Context, installation: Installation, identifier: str, symbol: str, dry_run: bool) -> None:
    """Carry out a message of the journal again, for the profile that it had; nobody gets the answer but you.

    What was done already is not done twice. The replay has its own row in the journal. Exit code 0: done; 1: refused,
    or it can't be replayed; 4: the library can't be reached.

    \b
    Examples:
      illgate journal list --outcome failed
      illgate replay 0006430d0c7a1b0000a1b2c3-1 --dry-run
      illgate replay 0006430d0c7a1b0000a1b2c3-1
    """
    library = library_named(installation, symbol)
    try:
        done = asyncio.run(_replay(installation, library.symbol, identifier, dry_run))
    except NotReplayable as why:
        click.echo(f"{identifier} can't be replayed: {why}", err=True)
        ctx.exit(REFUSED)
    for line in _rehearsed(done) if isinstance(done, Rehearsal) else _replayed(done):
        click.echo(line)
    if isinstance(done, Replayed):
        ctx.exit(EXIT.get(done.outcome, REFUSED))


async def _replay(installation: Installation, library: str, identifier: str, dry_run: bool) -> Replayed | Rehearsal:
    with readable_bodies():
        async with open_journal(installation) as (journal, store):
            kept = await journal.get(library, identifier)
            if kept is None:
                raise click.UsageError(f"no such message: {identifier}")
            exchange = await open_exchange(installation, journal, store)
            return await (exchange.rehearse(kept) if dry_run else exchange.replay(kept))


def _replayed(done: Replayed) -> Iterator[str]:
    yield f"{done.outcome.value}: {done.reason}" if done.reason else done.outcome.value
    if done.note:
        yield f"  {done.note}"
    yield ""
    yield pretty(done.answer.body)


def _rehearsed(done: Rehearsal) -> Iterator[str]:
    if done.command is not None:
        yield f"{done.service} asks for {type(done.command).__name__}"
        yield from value_lines(done.command, 1)
    elif done.told is not None:
        yield f"{done.service} tells of request {done.told.transaction}: {done.told.kind.value}"
        yield from value_lines(done.told.details, 1)
        if done.refusal is not None:
            yield f"  It would be refused: {_why(done)}"
    elif done.refusal is not None:
        yield f"{done.service or 'The message'} would be refused: {_why(done)}"
    else:
        yield f"{done.service} is answered without the library"
    yield ""
    if done.carried_out_as:
        yield f"It was carried out as {done.carried_out_as}; the answer was:"
    elif done.answer is None:
        yield "What would be answered only the library can tell; it was not asked."
    else:
        yield "The answer would be:"
    if done.answer is not None:
        yield pretty(done.answer.body)


def _why(done: Rehearsal) -> str:
    refusal = done.refusal
    return getattr(refusal, "detail", "") or str(refusal)
