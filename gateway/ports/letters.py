"""Letters to partners, rendered: what a channel that writes mail asks of the gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.ports.channel import PartnerMessage
from gateway.ports.library import LibraryInfo
from gateway.ports.mailer import Letter


@frozen
class LetterStyle:
    """How one partner's letters differ. `language` empty: the installation's. `subject`: with {reference}, {number},
    {kind}, {title}, {symbol}, {subject} (as the letter itself has it); empty: the letter's own. `folder`: templates
    that come before all others."""

    language: str = ""
    subject: str = ""
    folder: Path | None = None


PLAIN = LetterStyle()


@frozen
class AnswerLink:
    """An address that answers a letter. `answer`: a name of `domain.requests.partner_answers`."""

    answer: str
    address: str


AnswerLinks = Callable[[PartnerMessage, int], Awaitable[tuple[AnswerLink, ...]]]
"""Those of a message, good for so many days from when it was said; the same whenever it is sent. None where nobody can
reach the gateway from outside. Raises Unavailable."""


async def no_answers(_message: PartnerMessage, _days: int) -> tuple[AnswerLink, ...]:
    """Letters without links."""
    return ()


class PartnerLetters(Protocol):
    def for_partner(
        self,
        message: PartnerMessage,
        profile: Profile,
        library: LibraryInfo,
        zone: tzinfo,
        style: LetterStyle = PLAIN,
        answers: Sequence[AnswerLink] = (),
    ) -> Letter:
        """Raises Refused (there is no letter for this kind), ConfigurationError (a template, with file and line)."""
        ...
