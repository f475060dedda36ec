"""Remarks of `illgate check`: what may be meant so, but lets strangers in or leaves a partner without our messages.

A problem is wrong in any installation; a remark isn't, so it doesn't change the exit code.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.problems import ConfigurationProblem
from gateway.domain.profile import Authentication, AuthKind
from gateway.domain.requests.partner_policy import PartnerPolicy, PartnerRole
from gateway.profiles import LoadedProfile
from gateway.profiles.checks import is_written_by_mail
from gateway.settings import Settings
from gateway.settings.sections import MailboxSettings

_KINDS_WITHOUT_PROOF = (AuthKind.NONE, AuthKind.NETWORK)


def find_remarks(
    profiles: Iterable[LoadedProfile], settings: Settings, adapters: AdapterRegistry
) -> tuple[ConfigurationProblem, ...]:
    """Each once, though several profiles may share it. An abstract profile gets none: it is never chosen."""
    found = (
        remark
        for one in profiles
        if not one.profile.abstract
        for remark in (*_remark_open_doors(one), *_remark_partner(one, settings, adapters))
    )
    return tuple(dict.fromkeys(found))


def _remark_open_doors(one: LoadedProfile) -> Iterator[ConfigurationProblem]:
    for index, entry in enumerate(one.profile.auth):
        if entry.kind in _KINDS_WITHOUT_PROOF and _lets_all_addresses_in(entry):
            message = "lets everybody in who reaches this gateway, without any proof of who it is"
            yield one.make_problem(("auth", index, "kind"), message, entry.kind.value)


def _lets_all_addresses_in(entry: Authentication) -> bool:
    """Of IPv4 or of IPv6. Kind `none` may have networks as a further condition."""
    if not entry.networks:
        return entry.kind is AuthKind.NONE
    return any(ipaddress.ip_network(network, strict=False).prefixlen == 0 for network in entry.networks)


def _remark_partner(
    one: LoadedProfile, settings: Settings, adapters: AdapterRegistry
) -> Iterator[ConfigurationProblem]:
    partner = one.profile.partner
    if partner is None:
        return
    yield from _remark_forged_senders(one, partner, settings)
    if is_written_by_mail(one, partner, adapters.channels):
        if not settings.mail.host:
            message = "can't be reached: gateway.yml has no mail.host and mail.sender, so no mail is sent"
            yield one.make_problem(("partner", "channel"), message, partner.channel)
    else:
        yield from _remark_missing_address(one, partner, adapters)


def _remark_forged_senders(
    one: LoadedProfile, partner: PartnerPolicy, settings: Settings
) -> Iterator[ConfigurationProblem]:
    """Only where its mails are read at all."""
    mailboxes = list(_iter_mailboxes(one, settings))
    if not mailboxes or not (partner.email or partner.mail.addresses):
        return
    if not partner.mail.require:
        message = (
            "mails in its name are believed whoever sent them, and change its requests: say what the mail server must "
            "have found right about them, such as [dmarc]"
        )
        yield one.make_problem(("partner", "mail", "require"), message)
        return
    for mailbox in mailboxes:
        if not mailbox.authserv_id:
            message = (
                f"its mails all wait for staff: mailbox '{mailbox.name}' in gateway.yml has no authserv_id, so nothing "
                "says what the mail server found"
            )
            yield one.make_problem(("partner", "mail", "require"), message, ", ".join(partner.mail.require))


def _iter_mailboxes(one: LoadedProfile, settings: Settings) -> Iterator[MailboxSettings]:
    """Of the library whose partner it is; a mailbox or a profile that names none belongs to the only one."""
    wanted = one.profile.library.casefold()
    for mailbox in settings.mailboxes:
        if not wanted or mailbox.library.casefold() in ("", wanted):
            yield mailbox


def _remark_missing_address(
    one: LoadedProfile, partner: PartnerPolicy, adapters: AdapterRegistry
) -> Iterator[ConfigurationProblem]:
    """A supplier whose protocol knows no address of it. A requester may be answered on its own connection."""
    channel = adapters.channels.get(partner.channel)
    protocol = adapters.protocols.get(channel.section) if channel is not None else None
    if channel is None or protocol is None or protocol.addresses is None or PartnerRole.SUPPLIER not in partner.roles:
        return
    dialect = one.profile.dialects.get(channel.section)
    if not protocol.addresses(dialect if dialect is not None else channel.dialect()):
        message = f"can't be asked: section `{channel.section}` has no address of it"
        yield one.make_problem(("partner", "channel"), message, partner.channel)
