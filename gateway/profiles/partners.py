"""What must fit in the sections `partner` of profiles, each and all together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.configuration.problems import Path, Problem
from gateway.domain.policy import Manages
from gateway.domain.requests.partner import PartnerPolicy, PartnerRole
from gateway.ports.adapter import ChannelAdapter

if TYPE_CHECKING:
    from gateway.profiles.loading import LoadedProfile


def partner_problems(loaded: Mapping[str, LoadedProfile], channels: Mapping[str, ChannelAdapter]) -> Iterator[Problem]:
    """`channels`: those that are installed, by name; empty: none is looked at."""
    partners = [(one, one.profile.partner) for one in loaded.values() if not one.profile.abstract]
    for one, partner in partners:
        if partner is not None:
            yield from _within(one, partner, channels)
    for one in loaded.values():
        if not one.profile.abstract:
            yield from _managed(one)
    yield from _between((one, partner) for one, partner in partners if partner is not None)


def _within(one: LoadedProfile, partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]) -> Iterator[Problem]:
    if not partner.symbols:
        yield one.problem(("partner", "symbols"), "a partner needs a symbol, so that its messages are known as its own")
    if partner.channel and channels and partner.channel not in channels:
        yield one.problem(("partner", "channel"), "no such channel", partner.channel, tuple(channels))
    if partner.channel in channels:
        yield from _has_section(one, channels[partner.channel])
    if partner.mail.gather is not None and channels and not _gathers(partner, channels):
        able = tuple(name for name, channel in channels.items() if channel.gathers)
        yield one.problem(("partner", "mail", "gather"), "its channel sends one order at a time", partner.channel, able)
    for key in ("push_new", "push_states"):
        if getattr(partner, key) and not partner.channel:
            yield one.problem(("partner", key), "needs a `channel` by which it is told")
    if _by_mail(one, partner, channels) and not partner.email:
        yield one.problem(("partner", "email"), f"the channel {partner.channel} needs an e-mail address")


def _by_mail(one: LoadedProfile, partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]) -> bool:
    channel = channels.get(partner.channel)
    if channel is None or channel.by_mail is None:
        return False
    return channel.by_mail(one.profile.dialects.get(channel.section) or channel.dialect())


def _gathers(partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]) -> bool:
    return partner.channel in channels and channels[partner.channel].gathers


def _has_section(one: LoadedProfile, channel: ChannelAdapter) -> Iterator[Problem]:
    """A channel whose section must say something, such as an address, can't do without it."""
    required = [name for name, field in channel.dialect.model_fields.items() if field.is_required()]
    if required and channel.section not in one.profile.dialects:
        message = f"needs the section `{channel.section}` with {' and '.join(required)}"
        yield one.problem(("partner", "channel"), message, channel.name)


def _managed(one: LoadedProfile) -> Iterator[Problem]:
    """Requests of a broker are lent to a partner."""
    if one.profile.circulation.requests.managed is not Manages.LENDING:
        return
    path: Path = ("circulation", "requests", "managed")
    partner = one.profile.partner
    if partner is None:
        yield one.problem(path, "needs the section `partner`: to whom is lent", "lending")
    elif PartnerRole.REQUESTER not in partner.roles:
        yield one.problem(path, "needs the role requester in `partner.roles`", "lending")


def _between(partners: Iterable[tuple[LoadedProfile, PartnerPolicy]]) -> Iterator[Problem]:
    """A symbol that two partners of one library have: it would be chance whose message it is."""
    seen: dict[tuple[str, str], str] = {}
    for one, partner in partners:
        for index, symbol in enumerate(partner.symbols):
            path: Path = ("partner", "symbols", index)
            first = seen.setdefault((one.profile.library, symbol.casefold()), one.profile.name)
            if first != one.profile.name:
                yield one.problem(path, f"profile '{first}' has this symbol too", symbol)
