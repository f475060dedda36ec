"""Generic Script: how a partner is played."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from adapters.tagged_mail.dialect import dialect_of
from gateway.domain.profile import Profile
from rehearsal.ports.adapter import RehearsalAdapter


class TaggedMailRehearsal:
    """Port `MailRehearsal`: how a partner is played (docs/rehearsing.md)."""

    channel = "tagged-mail"

    def find_address(self, profile: Profile) -> str:
        """See `rehearsal.ports.rehearsals.MailRehearsal`."""
        partner = profile.partner
        return dialect_of(profile).address or (partner.email if partner is not None else "")

    def mirror_dialect(self, profile: Profile) -> BaseModel:
        """See `rehearsal.ports.rehearsals.MailRehearsal`."""
        ours = dialect_of(profile)
        changes: Mapping[str, object] = {
            "our_symbol": ours.their_symbol,
            "their_symbol": ours.our_symbol,
            "address": ours.reply_to,
            "sender": "",
            "reply_to": "",
        }
        return ours.model_copy(update=dict(changes))


rehearsal = RehearsalAdapter(mail=TaggedMailRehearsal)
