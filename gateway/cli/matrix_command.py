"""`illgate matrix`: what a broker carries between two protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.formatting import format_table
from gateway.cli.installation import (
    Installation,
    library_option,
    pass_installation,
    require_library,
)
from gateway.cli.managed_requests import run_on_requests
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.ports.partner_channel import CarryWay
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.brokering.carry_matrix import CarriedPair, compute_carried_pair
from gateway.services.requests.library_context import LibraryContext


@click.command(name="matrix")
@click.option(
    "--requester", default="", metavar="PROFILE", help="Profile of the requester. Default: one profile of each channel."
)
@click.option(
    "--supplier", default="", metavar="PROFILE", help="Profile of the supplier. Default: one profile of each channel."
)
@library_option
@pass_installation
def matrix_command(installation: Installation, requester: str, supplier: str, symbol: str) -> None:
    """Show which events are passed on between a requester and a supplier in brokering.

    The table shows which events are passed on unchanged, which become a note, and which are lost, so that staff have
    to tell the partner. The reasons are listed below the table. For a single pair, every event is listed.

    \b
    Examples:
      illgate matrix
      illgate matrix --requester reshare-18626
      illgate matrix --requester iso18626-2021 --supplier bldss
    """
    library = require_library(installation, symbol)

    async def compute_pairs(managed: ManagedRequests) -> list[CarriedPair]:
        context = managed.contexts[library.symbol]
        requesters, suppliers = _choose_profiles(context, requester), _choose_profiles(context, supplier)
        pairs = (compute_carried_pair(one, other, context.channels) for one in requesters for other in suppliers)
        return [pair for pair in pairs if pair is not None]

    pairs = run_on_requests(installation, compute_pairs)
    if not pairs:
        raise click.UsageError("one of the profiles has no channel that can send or receive requests")
    lines = _format_events(pairs[0]) if requester and supplier else _format_pairs(pairs)
    for line in (*lines, *_format_limits(pairs, installation.adapters, whole=not (requester or supplier))):
        click.echo(line)


def _choose_profiles(context: LibraryContext, name: str) -> tuple[Profile, ...]:
    """The one of this name, else the first of each channel; of the library's own and those that name none."""
    ours = [one for one in context.profiles() if context.profile(one.name) is not None]
    partners = {one.name: one for one in ours if one.partner is not None and one.partner.channel}
    if name and name not in partners:
        hint = nearest_match(name, partners)
        raise click.UsageError(
            f"no profile '{name}' of {context.symbol} with a `partner.channel`"
            + (f"; did you mean '{hint}'?" if hint else "")
        )
    if name:
        return (partners[name],)
    firsts: dict[str, Profile] = {}
    for one in sorted(partners.values(), key=lambda profile: profile.name):
        assert one.partner is not None
        firsts.setdefault(one.partner.channel, one)
    return tuple(firsts[channel] for channel in sorted(firsts))


def _format_pairs(pairs: Iterable[CarriedPair]) -> Iterator[str]:
    rows = [
        (
            _name_partner(pair.requester),
            _name_partner(pair.supplier),
            str(len(pair.list_kinds(CarryWay.CARRIED))),
            ", ".join(pair.list_kinds(CarryWay.NOTE)) or "-",
            ", ".join(pair.list_kinds(CarryWay.LOST)) or "-",
        )
        for pair in pairs
    ]
    return iter(format_table([("REQUESTER", "SUPPLIER", "CARRIED", "AS NOTE", "LOST"), *rows]))


def _format_limits(pairs: Iterable[CarriedPair], adapters: AdapterRegistry, *, whole: bool) -> Iterator[str]:
    """Why something is not carried as it is; of the whole table also why a protocol isn't in it."""
    shown = tuple(pairs)
    limited = {one for pair in shown for one in _list_limited_channels(pair)}
    listed = {_get_channel(profile) for pair in shown for profile in (pair.requester, pair.supplier)}
    reasons = {name: adapters.channels[name].limits for name in sorted(limited)}
    if whole:
        protocols = {name: one.limits for name, one in adapters.protocols.items()}
        absent = protocols | {name: one.limits for name, one in adapters.channels.items()}
        reasons |= {f"{name}, not in the table": text for name, text in sorted(absent.items()) if name not in listed}
    told = [f"{name}: {text}" for name, text in reasons.items() if text]
    yield from ("", *told) if told else ()


def _list_limited_channels(pair: CarriedPair) -> Iterator[str]:
    """List the channels of those who can't hear something as it is."""
    for event in pair.events:
        if event.way in (CarryWay.NOTE, CarryWay.LOST):
            yield _get_channel(pair.requester if event.speaker is Role.LENDING else pair.supplier)


def _format_events(pair: CarriedPair) -> Iterator[str]:
    rows = [
        (one.kind.value, _name_speaker(one.speaker), one.way.value if one.way is not None else "is not said")
        for one in pair.events
    ]
    return iter(format_table([("EVENT", "SAID BY", "ON THE OTHER SIDE"), *rows]))


def _name_partner(profile: Profile) -> str:
    return f"{_get_channel(profile)} ({profile.name})"


def _get_channel(profile: Profile) -> str:
    assert profile.partner is not None
    return profile.partner.channel


def _name_speaker(role: Role) -> str:
    return "requester" if role is Role.BORROWING else "supplier"
