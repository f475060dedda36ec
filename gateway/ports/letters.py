"""Letters to partners, rendered: what a channel that writes mail asks of the gateway."""

from __future__ import annotations

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


class PartnerLetters(Protocol):
    def for_partner(
        self,
        message: PartnerMessage,
        profile: Profile,
        library: LibraryInfo,
        zone: tzinfo,
        style: LetterStyle = PLAIN,
    ) -> Letter:
        """Raises Refused (there is no letter for this kind), ConfigurationError (a template, with file and line)."""
        ...
