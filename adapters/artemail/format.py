"""The port `MailFormat`: orders of partners that ask us, answers of those that we ask; and `NamesFiles`."""

from __future__ import annotations

from adapters.artemail import answers, codec, orders
from adapters.artemail.dialect import SECTION, dialect_of
from adapters.artemail.replies import read
from gateway.domain.problems import Fault, MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.partner import PartnerRole
from gateway.ports.mail_format import IncomingMail, Understood


class ArtemailFormat:
    name = SECTION

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """See `gateway.ports.mail_format.MailFormat`."""
        dialect = dialect_of(profile)
        if codec.is_file(mail.text, dialect.layout.of_codec):
            return True
        if not _may(profile, PartnerRole.SUPPLIER):
            return False
        found = read(mail.subject, mail.text, dialect)
        if found.replies or found.files:
            return True
        return not mail.automatic and bool(found.reference or found.numbers)  # a note of absence names them too

    def decode(self, mail: IncomingMail, profile: Profile) -> Understood:
        """See `gateway.ports.mail_format.MailFormat`. A partner that only supplies sends no orders: what looks like
        one is our own, quoted."""
        dialect = dialect_of(profile)
        if _may(profile, PartnerRole.REQUESTER) and codec.is_file(mail.text, dialect.layout.of_codec):
            return orders.understood(mail, profile, dialect)
        if not _may(profile, PartnerRole.SUPPLIER):
            raise MalformedMessage("", "no order file: the customer code or a request is missing", Fault.DATA_MISSING)
        return answers.understood(mail, dialect)

    def files_named(self, mail: IncomingMail, profile: Profile) -> tuple[str, ...]:
        """See `gateway.ports.mail_format.NamesFiles`."""
        return answers.files_named(mail, dialect_of(profile))


def _may(profile: Profile, role: PartnerRole) -> bool:
    return profile.partner is None or role in profile.partner.roles
