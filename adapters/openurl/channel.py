"""The port `PartnerChannel`: a request pushed to a system as an OpenURL."""

from __future__ import annotations

from adapters.openurl.answers import judged
from adapters.openurl.dialect import OpenUrlDialect, dialect_of
from adapters.openurl.template import Push, push_of
from adapters.openurl.transport import Delivery, address, deliver
from gateway.configuration.problems import ConfigurationError
from gateway.domain.problems import About, OutcomeUnknown, Reason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import ChannelContext
from gateway.ports.channel import Delivered, PartnerMessage


class OpenUrlChannel:
    name = "openurl"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> Delivered:
        """See `gateway.ports.channel.PartnerChannel`. Neither errors nor notes say anything about the patron."""
        dialect = dialect_of(profile)
        if dialect is None:
            raise Refused(Reason.DATA_MISSING, "The profile has no section `openurl`.", about=About.RECEIVER)
        if message.kind not in dialect.push:
            detail = f"'{message.kind.value}' is not told by OpenURL (`openurl.push`)."
            raise Refused(Reason.UNSUPPORTED_SERVICE, detail, about=About.SERVICE)
        push = push_of(message, dialect)
        try:
            answer = await deliver(self._delivery(push, dialect))
            number = judged(answer, dialect.answer, (message.request.patron.identifier,))
        except OutcomeUnknown as unknown:
            if dialect.answer.unknown == "again":
                raise
            detail = f"Look whether it is there before it is sent again: {unknown}."
            raise Refused(Reason.TEMPORARY_FAILURE, detail) from unknown
        return Delivered(_note(number, push))

    def _delivery(self, push: Push, dialect: OpenUrlDialect) -> Delivery:
        try:
            secret = self._context.secrets(dialect.auth.secret) if dialect.auth.secret else ""
        except ConfigurationError as error:
            raise Unavailable(f"we can't show who we are: {error}") from error
        posted = dialect.method == "POST"
        return Delivery(
            url=address(dialect.url, "" if posted else push.query),
            body=push.query.encode("ascii") if posted else None,
            content_type=f"application/x-www-form-urlencoded; charset={dialect.charset}",
            auth=dialect.auth,
            secret=secret,
            timing=dialect.timing,
        )


def _note(number: str, push: Push) -> str:
    said = [f"taken as {number}" if number else "taken"]
    if push.left_out:
        said.append(f"left out, since it was too long: {', '.join(push.left_out)}")
    if push.replaced:
        said.append(f"characters that the system doesn't know: {', '.join(push.replaced)}")
    return "; ".join(said)
