"""NCIP as initiator: asks another system and says what came of it. What a channel or a library backend builds on."""

from __future__ import annotations

from collections.abc import Callable

from adapters.ncip.client import (
    MessageBuilder,
    MessageParties,
    MessageValues,
    ServiceRequest,
    SuccessReply,
    build_message,
    read_reply,
)
from adapters.ncip.codec import encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.transport import HttpCredentials, NcipTransport
from adapters.ncip.wire_dialect import HttpDialect
from gateway.ports.secrets import Secrets


class NcipInitiator:
    """Speaks to the partner of one profile over one transport."""

    def __init__(self, speaker: Callable[[], MessageBuilder], transport: NcipTransport) -> None:
        self._speaker = speaker
        self._transport = transport

    async def send_request(self, ask: ServiceRequest, values: MessageValues) -> SuccessReply:
        """Send a request; raises Refused, UnsupportedValueError, Unavailable (nothing was done), OutcomeUnknown (ask
        before repeating), MalformedMessage (an answer that is not NCIP)."""
        speaker = self._speaker()
        message = build_message(ask, values, speaker)
        reply = await self._transport.exchange(encode_message(message, speaker.dialect.xml, speaker.zone))
        return read_reply(reply, message, speaker.dialect, speaker.zone)

    async def close(self) -> None:
        await self._transport.close()


def make_own_parties(symbol: str, dialect: NcipDialect, secrets: Secrets) -> MessageParties:
    """We as the sender, the partner as the receiver; `symbol` is the library's. Raises ConfigurationError when a secret
    isn't there."""
    header = dialect.header
    return MessageParties(
        from_agency=header.our_agency or symbol,
        to_agency=header.partner_agency,
        profile_type=header.profile_type,
        from_system=header.our_system,
        to_system=header.partner_system,
        agency_secret=secrets(header.agency_authentication) if header.agency_authentication else "",
    )


def load_own_credentials(http: HttpDialect, secrets: Secrets) -> HttpCredentials:
    """Load the credentials of `ncip.http.auth` in the profile. Raises ConfigurationError when the secret isn't
    there."""
    auth = http.auth
    secret = secrets(auth.secret) if auth.secret else ""
    return HttpCredentials(auth.kind, auth.user, secret, auth.parameter, auth.token_url, auth.scope)
