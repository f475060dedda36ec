"""`illgate partner list|show`. The daemon keeps in memory what members of the network report, so these ask anew."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.managed import json_option, library_option, price, print_json, print_json_line, run
from gateway.cli.opened import library_named
from gateway.cli.texts import table
from gateway.domain.requests.views import PartnerView
from gateway.runtime.managed import Managed
from gateway.web.api.models.desk import PartnerOut


@click.group(name="partner")
def partner_command() -> None:
    """Partners of requests, as they stand: how much is open with them, how quick they are, whether they are closed."""


@partner_command.command(name="list")
@library_option
@json_option
@pass_installation
def list_partners(installation: Installation, symbol: str, as_json: bool) -> None:
    """All partners: the profiles with a section `partner`."""
    library = library_named(installation, symbol)

    async def work(managed: Managed) -> Sequence[PartnerView]:
        await managed.network.ask_all(managed.houses[library.symbol])
        return await managed.partners.partners(library.symbol)

    found = run(installation, work)
    if as_json:
        for one in found:
            print_json_line(PartnerOut.model_validate(one))
        return
    if not found:
        click.echo("no partners: no profile has a section `partner`")
        return
    heading = ("PROFILE", "SYMBOL", "CHANNEL", "ASKED", "BY OTHERS", "ASKS US", "DAYS", "COSTS", "", "NAME")
    for line in table([heading, *map(_row, found)]):
        click.echo(line)


def _row(one: PartnerView) -> tuple[str, ...]:
    return (
        one.profile,
        one.symbols[0] if one.symbols else "",
        one.channel or "-",
        str(one.open_borrowing),
        str(one.reported) if one.reported else "",
        str(one.open_lending),
        _days(one),
        price(one.cost),
        "closed" if one.closed_now else "",
        one.name,
    )


def _days(one: PartnerView) -> str:
    return f"{one.mean_days:.1f}" if one.mean_days is not None else ""


def _member(one: PartnerView) -> str:
    if not one.member:
        return ""
    heard = f"member, it reported at {one.heard:%Y-%m-%d %H:%M} UTC" if one.heard else "member, it has not reported"
    return f"{heard}: {one.silent}" if one.silent else heard


@partner_command.command(name="show")
@click.argument("name", metavar="PROFILE")
@library_option
@json_option
@pass_installation
def show_partner(installation: Installation, name: str, symbol: str, as_json: bool) -> None:
    """One partner. How messages to it look and how requests run with it: `illgate profile show PROFILE`."""
    library = library_named(installation, symbol)

    async def work(managed: Managed) -> PartnerView:
        await managed.network.ask_all(managed.houses[library.symbol])
        return await managed.partners.partner(library.symbol, name)

    one = run(installation, work)
    if as_json:
        print_json(PartnerOut.model_validate(one))
        return
    click.echo(f"{one.profile}  {one.name}".rstrip())
    facts = {
        "symbols": ", ".join(one.symbols),
        "roles": ", ".join(one.roles),
        "channel": one.channel or "none: it can't be asked",
        "e-mail": one.email,
        "telephone": one.phone,
        "today": "closed" if one.closed_now else "open",
        "asked of it": f"{one.open_borrowing} open",
        "by others": f"{one.reported} open, {one.reported_by} members say" if one.reported else "",
        "asked by it": f"{one.open_lending} open",
        "days to supply": _days(one) or "not known yet",
        "network": _member(one),
        "costs": price(one.cost) or "nothing",
    }
    for fact, text in facts.items():
        if text:
            click.echo(f"  {fact + ':':<17}{text}")
