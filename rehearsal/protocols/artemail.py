"""ARTEmail: how a partner is played."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from adapters.artemail.dialect import Mode, dialect_of
from gateway.domain.profile import Profile
from rehearsal.ports.adapter import RehearsalAdapter


class ArtemailRehearsal:
    """Port `MailRehearsal`: how a partner is played (docs/rehearsing.md)."""

    channel = "artemail"

    def find_address(self, profile: Profile) -> str:
        """See `rehearsal.ports.rehearsals.MailRehearsal`."""
        partner, dialect = profile.partner, dialect_of(profile)
        usual = dialect.address or (partner.email if partner is not None else "")
        return dialect.test.address or usual if dialect.mode is Mode.TEST else usual

    def mirror_dialect(self, profile: Profile) -> BaseModel:
        """See `rehearsal.ports.rehearsals.MailRehearsal`."""
        ours = dialect_of(profile)
        changes: Mapping[str, object] = {"address": ours.reply_to, "sender": "", "reply_to": "", "mode": Mode.LIVE}
        return ours.model_copy(update=dict(changes))


rehearsal = RehearsalAdapter(mail=ArtemailRehearsal)
