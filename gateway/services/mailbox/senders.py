"""Which partners a mail may come from, by the address of its sender. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.profile import Profile


def partners_of(profiles: Iterable[Profile], sender: str, library: str) -> tuple[Profile, ...]:
    """Those that have exactly this address first, then those of its domain; by name. Of this library only."""
    if not sender:
        return ()
    wanted = sender.casefold()
    exact, domain = [], []
    for profile in sorted(profiles, key=lambda one: one.name):
        partner = profile.partner
        if partner is None or profile.abstract:
            continue
        if profile.library and profile.library.casefold() != library.casefold():
            continue
        addresses = {partner.email.casefold(), *(one.casefold() for one in partner.mail.addresses)}
        if wanted in addresses:
            exact.append(profile)
        elif partner.mail.is_from(sender):
            domain.append(profile)
    return (*exact, *domain)
