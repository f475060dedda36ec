"""A channel in a house whose mailer keeps what it gets, and what its mails are when they arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.mailbox.mime_parser import parse_mail
from gateway.domain.clock import FixedClock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.ports.adapter import ChannelAdapter, ChannelContext, ChannelLibrary
from gateway.ports.incoming_mail import IncomingMail
from gateway.ports.outgoing_mail import LetterSender
from gateway.ports.partner_channel import DeliveryResult, InboxResult, IncomingPartnerMessage, PartnerMessage
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer

SECRETS = {"env:BLDSS_PASSWORD": "OPENSESAME"}


class Kept:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> str:
        self.mails.append(message)
        return "250 2.0.0 Ok: queued as 7F3A"


async def _nobody(_said: IncomingPartnerMessage, _profile: Profile | None) -> InboxResult:
    raise AssertionError("a mail brings nothing back at once")


def secret(reference: str) -> str:
    if reference not in SECRETS:
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"{reference} is not set")])
    return SECRETS[reference]


class House:
    """One library with this channel."""

    def __init__(
        self,
        adapter: ChannelAdapter,
        folder: Path,
        files: Mapping[str, bytes] | None = None,
        secrets: Callable[[str], str] = secret,
    ) -> None:
        self.kept = Kept()
        self._files = dict(files or {})
        self._channel = adapter.make(
            ChannelContext(
                libraries={"NO-01": ChannelLibrary(sample.LIBRARY, ZoneInfo("Europe/Zurich"), "EUR")},
                clock=FixedClock(sample.NOW),
                secrets=secrets,
                folder=folder,
                mailer=self.kept,
                sender=LetterSender("post@northfield.example"),
                letters=LetterRenderer(LetterPlace((folder / "letters",), "en")),
                read_file=self._read,
                receive=_nobody,
            )
        )

    async def _read(self, _library: str, id_: str) -> bytes:
        return self._files[id_]

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        return await self._channel.send(message, profile)

    @property
    def mail(self) -> EmailMessage:
        (only,) = self.kept.mails
        return only

    @property
    def arrived(self) -> IncomingMail:
        """As the other side's mailbox takes it apart."""
        return parse_mail(self.mail.as_bytes(), sample.NOW).mail
