"""NoMailServer: the mailer of an installation without a mail server."""

from __future__ import annotations

from email.message import EmailMessage

from gateway.domain.problems import RefusalReason, Refused


class NoMailServer:
    """A `Mailer` where there is none, such as with an empty `mail.host`: nothing pretends to be sent."""

    async def send(self, message: EmailMessage) -> str:
        raise Refused(RefusalReason.UNSUPPORTED_SERVICE, "No mail server is configured: see `mail` in gateway.yml.")
