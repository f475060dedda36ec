"""The channels of an installation, each made when it is asked for; those of a command that looks send nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from datetime import tzinfo
from email.message import EmailMessage

from gateway.domain.clock import Clock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import ChannelAdapter, ChannelContext
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import PLAIN, AnswerLink, LetterStyle, RenderedLetter
from gateway.ports.partner_channel import (
    ChannelMessage,
    InboxResult,
    IncomingPartnerMessage,
    PartnerChannel,
    PartnerMessage,
)
from gateway.settings import Settings

ONLY_LOOKS = "this command only looks: partners are spoken to by the daemon"


class ChannelsOnDemand(MutableMapping[str, PartnerChannel]):
    """The channels of an installation by name, each made when it is first asked for: a command needs one or none, and
    what reads and writes a protocol's messages takes time to load."""

    def __init__(self, adapters: Mapping[str, ChannelAdapter], make_context: Callable[[], ChannelContext]) -> None:
        self._adapters = adapters
        self._make_context = make_context
        self._made: dict[str, PartnerChannel] = {}

    def __getitem__(self, name: str) -> PartnerChannel:
        if name not in self._made:
            self._made[name] = self._adapters[name].make(self._make_context())
        return self._made[name]

    def __setitem__(self, name: str, channel: PartnerChannel) -> None:
        self._made[name] = channel

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._adapters, **self._made})

    def __len__(self) -> int:
        return len({**self._adapters, **self._made})

    def make_all(self) -> None:
        """Make all channels, for a daemon: no message then waits until a protocol is loaded."""
        for name in self._adapters:
            self[name]


class NoMailServer:
    """A `Mailer` where there is none, such as with an empty `mail.host`: nothing pretends to be sent."""

    async def send(self, message: EmailMessage) -> str:
        raise Refused(RefusalReason.UNSUPPORTED_SERVICE, "No mail server is configured: see `mail` in gateway.yml.")


class _UnusedServices:
    """The services with which a channel writes letters, and to which it hands what it gets, in a process where it does
    neither."""

    def for_partner(
        self,
        message: PartnerMessage,
        profile: Profile,
        library: LibraryInfo,
        zone: tzinfo,
        style: LetterStyle = PLAIN,
        answers: Sequence[AnswerLink] = (),
    ) -> RenderedLetter:
        raise Unavailable(ONLY_LOOKS)

    async def read_file(self, library: str, file_id: str) -> bytes:
        raise Unavailable(ONLY_LOOKS)

    async def receive_message(
        self, message: IncomingPartnerMessage, profile: Profile | None, carried: ChannelMessage | None = None
    ) -> InboxResult:
        raise Unavailable(ONLY_LOOKS)


def make_silent_context(settings: Settings, clock: Clock, secrets: Callable[[str], str]) -> ChannelContext:
    """Make a context of channels that are only asked which messages they have: they are of no library, and send
    nothing."""
    unused = _UnusedServices()
    return ChannelContext(
        libraries={},
        clock=clock,
        secrets=secrets,
        folder=settings.folder,
        mailer=NoMailServer(),
        sender=settings.mail.letter_sender,
        letters=unused,
        read_file=unused.read_file,
        receive=unused.receive_message,
    )
