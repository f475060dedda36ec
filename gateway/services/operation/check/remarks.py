"""Remarks of `illgate check`: what may be meant so, but lets strangers in or leaves a partner without our messages.

A problem is wrong in any installation; a remark isn't, so it doesn't change the exit code.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.profile import Authentication, AuthKind
from gateway.domain.requests.partner_policy import PartnerPolicy, PartnerRole
from gateway.policies import LoadedPolicy
from gateway.profiles import LoadedProfile
from gateway.profiles.checks import can_name_other_side, is_written_by_mail
from gateway.settings import Settings
from gateway.settings.sections import MailboxSettings

MANY_SERVICES = 15
"""No partner that we know uses so many kinds of messages."""

_KINDS_WITHOUT_PROOF = (AuthKind.NONE, AuthKind.NETWORK)


def find_remarks(
    profiles: Iterable[LoadedProfile], settings: Settings, adapters: AdapterRegistry
) -> tuple[ConfigurationProblem, ...]:
    """Each once, though several profiles may share it. An abstract profile gets none: it is never chosen."""
    problems = (
        remark
        for loaded_profile in profiles
        if not loaded_profile.profile.abstract
        for remark in (
            *_remark_unguarded_access(loaded_profile),
            *_remark_inherited_services(loaded_profile),
            *_remark_ways_around_token(loaded_profile),
            *_remark_certificates(loaded_profile, settings),
            *_remark_partner(loaded_profile, settings, adapters),
        )
    )
    return tuple(dict.fromkeys((*_remark_proxies(settings), *problems)))


# --- proxies before us -----------------------------------------------------------------------------------


def _remark_proxies(settings: Settings) -> Iterator[ConfigurationProblem]:
    """Remark on proxies of gateway.yml: one that nobody named, one that is named for a part only, and anybody named as
    one."""
    http = settings.http
    yield from _remark_unnamed_proxy(settings)
    named: list[tuple[KeyPath, tuple[str, ...]]] = [(("http", "certificate_proxies"), http.certificate_proxies)]
    named += [
        (("libraries", index, "sign_in", "header", "proxies"), library.sign_in.header.proxies)
        for index, library in enumerate(settings.libraries)
    ]
    for path, networks in named:
        for network in networks:
            if not _is_within(network, http.trusted_proxies):
                message = "what this proxy forwards is refused as long as http.trusted_proxies doesn't name it too"
                yield settings.make_problem(path, message, network)
    for path, networks in (*named, (("http", "trusted_proxies"), http.trusted_proxies)):
        for network in networks:
            if ipaddress.ip_network(network, strict=False).prefixlen == 0:
                yield settings.make_problem(path, "whoever reaches this gateway can say to be somebody else", network)


def _remark_unnamed_proxy(settings: Settings) -> Iterator[ConfigurationProblem]:
    """Remark on a proxy that nobody named. That there is one can be told from the address outside: it is another
    machine's than the one that we listen on, or is reached by TLS, which we don't speak."""
    http = settings.http
    outside = urlsplit(http.public_url)
    if not outside.hostname or _is_this_machine(outside.hostname):
        return
    if _is_this_machine(http.host) and not any(_is_this_machine(network) for network in http.trusted_proxies):
        message = (
            f"http.public_url is reached from outside, but http.host is {http.host}, so a proxy on this machine stands "
            "between; unless it is named here, what it forwards is refused or counts as sent from this machine"
        )
        yield settings.make_problem(("http", "trusted_proxies"), message)
    elif outside.scheme == "https" and not http.tls.certificate and not http.trusted_proxies:
        message = (
            "http.public_url is https, but there is no http.tls, so a proxy stands between; unless it is named here, "
            "what it forwards is refused or counts as sent from its own address"
        )
        yield settings.make_problem(("http", "trusted_proxies"), message)


def _is_this_machine(host: str) -> bool:
    """Return whether a host, by name, address or network, is this machine."""
    try:
        return ipaddress.ip_network(host, strict=False).is_loopback
    except ValueError:
        return host == "localhost"


def _is_within(network: str, networks: Iterable[str]) -> bool:
    inner = ipaddress.ip_network(network, strict=False)
    outer = (ipaddress.ip_network(net, strict=False) for net in networks)
    return any(net.version == inner.version and inner.subnet_of(net) for net in outer)  # type: ignore[arg-type]


# --- who is let in ---------------------------------------------------------------------------------------


def _remark_certificates(owner: LoadedProfile, settings: Settings) -> Iterator[ConfigurationProblem]:
    """Entries by which nobody gets in, since nobody tells us what they ask for."""
    http = settings.http
    is_asked_for_here = any(tls.client_ca for tls in (http.tls, *(listener.tls for listener in settings.tcp)))
    for index, entry in enumerate(owner.profile.auth):
        if entry.kind is not AuthKind.CERTIFICATE or is_asked_for_here:
            continue
        if not http.certificate_proxies:
            message = "lets nobody in: certificates are asked for by no listener (tls.client_ca) and no proxy "
            yield owner.make_problem(("auth", index, "kind"), message + "(http.certificate_proxies)", entry.kind.value)
        elif not http.certificate_header and (entry.san or entry.fingerprint):
            key = "san" if entry.san else "fingerprint"
            message = "lets nobody in: without http.certificate_header the proxy tells the subject alone"
            yield owner.make_problem(("auth", index, key), message, getattr(entry, key))


def _remark_unguarded_access(loaded_profile: LoadedProfile) -> Iterator[ConfigurationProblem]:
    for index, entry in enumerate(loaded_profile.profile.auth):
        if entry.kind in _KINDS_WITHOUT_PROOF and _lets_all_addresses_in(entry):
            message = "lets everybody in who reaches this gateway, without any proof of who it is"
            yield loaded_profile.make_problem(("auth", index, "kind"), message, entry.kind.value)


def _remark_inherited_services(loaded_profile: LoadedProfile) -> Iterator[ConfigurationProblem]:
    """A partner that may use every service, since its profile names none and extends one that has them all."""
    place = loaded_profile.document.places.get(("ncip", "services"))
    if place is None or place.file == loaded_profile.document.file or not loaded_profile.profile.auth:
        return
    services = getattr(loaded_profile.profile.dialects.get("ncip"), "services", None) or ()
    if len(services) >= MANY_SERVICES:
        message = (
            f"inherits {len(services)} services: name those that this partner uses in ncip.services, and in "
            "circulation.rights what it may do with the library's own items"
        )
        yield loaded_profile.make_problem(("extends",), message, loaded_profile.profile.extends or "")


def _remark_ways_around_token(loaded_profile: LoadedProfile) -> Iterator[ConfigurationProblem]:
    if all(entry.kind is not AuthKind.SIGNED_TOKEN for entry in loaded_profile.profile.auth):
        return
    for index, entry in enumerate(loaded_profile.profile.auth):
        if entry.kind is not AuthKind.SIGNED_TOKEN and not _lets_all_addresses_in(entry):
            message = "lets in without a signed token, which another entry asks for: any one entry will do"
            yield loaded_profile.make_problem(("auth", index, "kind"), message, entry.kind.value)


def _lets_all_addresses_in(entry: Authentication) -> bool:
    """Return whether all addresses of IPv4 or of IPv6 are let in. Kind `none` may have networks as a further
    condition."""
    if not entry.networks:
        return entry.kind is AuthKind.NONE
    return any(ipaddress.ip_network(network, strict=False).prefixlen == 0 for network in entry.networks)


def _remark_partner(
    loaded_profile: LoadedProfile, settings: Settings, adapters: AdapterRegistry
) -> Iterator[ConfigurationProblem]:
    partner = loaded_profile.profile.partner
    if partner is None:
        return
    yield from _remark_forged_senders(loaded_profile, partner, settings)
    if is_written_by_mail(loaded_profile, partner, adapters.channels):
        if not settings.mail.host:
            message = "can't be reached: gateway.yml has no mail.host and mail.sender, so no mail is sent"
            yield loaded_profile.make_problem(("partner", "channel"), message, partner.channel)
    else:
        yield from _remark_missing_address(loaded_profile, partner, adapters)


def _remark_forged_senders(
    loaded_profile: LoadedProfile, partner: PartnerPolicy, settings: Settings
) -> Iterator[ConfigurationProblem]:
    """Remark on forged senders, only where its mails are read at all."""
    mailboxes = list(_iter_mailboxes(loaded_profile, settings))
    if not mailboxes or not (partner.email or partner.mail.addresses):
        return
    if not partner.mail.require:
        message = (
            "mails in its name are believed whoever sent them, and change its requests: say what the mail server must "
            "have found right about them, such as [dmarc]"
        )
        yield loaded_profile.make_problem(("partner", "mail", "require"), message)
        return
    for mailbox in mailboxes:
        if not mailbox.authserv_id:
            message = (
                f"its mails all wait for staff: mailbox '{mailbox.name}' in gateway.yml has no authserv_id, so nothing "
                "says what the mail server found"
            )
            yield loaded_profile.make_problem(("partner", "mail", "require"), message, ", ".join(partner.mail.require))


def _iter_mailboxes(loaded_profile: LoadedProfile, settings: Settings) -> Iterator[MailboxSettings]:
    """Iterate over mailboxes of the library whose partner it is; a mailbox or a profile that names none belongs to the
    only one."""
    wanted = loaded_profile.profile.library.casefold()
    for mailbox in settings.mailboxes:
        if not wanted or mailbox.library.casefold() in ("", wanted):
            yield mailbox


def _remark_missing_address(
    loaded_profile: LoadedProfile, partner: PartnerPolicy, adapters: AdapterRegistry
) -> Iterator[ConfigurationProblem]:
    """A supplier whose protocol knows no address of it. A requester may be answered on its own connection."""
    channel = adapters.channels.get(partner.channel)
    protocol = adapters.protocols.get(channel.section) if channel is not None else None
    if channel is None or protocol is None or protocol.addresses is None or PartnerRole.SUPPLIER not in partner.roles:
        return
    dialect = loaded_profile.profile.dialects.get(channel.section)
    if not protocol.addresses(dialect if dialect is not None else channel.dialect()):
        message = f"can't be asked: section `{channel.section}` has no address of it"
        yield loaded_profile.make_problem(("partner", "channel"), message, partner.channel)


# --- what is brokered ------------------------------------------------------------------------------------


def remark_unnamed_requesters(
    policies: Iterable[LoadedPolicy], profiles: Iterable[LoadedProfile], adapters: AdapterRegistry
) -> Iterator[ConfigurationProblem]:
    """Suppliers that we ask as a broker and that can't be told for whom, though requesters are to know of them."""
    partners = {own.profile.name: own.profile.partner for own in profiles if own.profile.partner is not None}
    for loaded in policies:
        brokering = loaded.policy.brokering
        rota = loaded.policy.rotas.get(brokering.rota)
        requesters = (partners[name] for name in brokering.requesters or partners if name in partners)
        if rota is None or not any(partner.brokered == "transparent" for partner in requesters):
            continue
        tiers = rota.list_tiers()
        for line in rota.lines:
            partner = partners.get(line.partner)
            if partner is not None and not can_name_other_side(partner, adapters.channels):
                message = f"doesn't hear for whom we ask: messages of its channel {partner.channel} name us alone"
                path = ("rotas", brokering.rota, "lines", tiers[line.partner], line.written_key)
                yield loaded.make_problem(path, message, line.partner)
