"""Ports to a protocol that `illgate mock` uses to play a partner, a library's system or a catalogue.

The partner that is played reads by the protocol's own `Responder` or `MailFormat` and speaks by its own
`PartnerChannel`, under the profile as the partner would have written it for us.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel

from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.value import value_object
from gateway.ports.responder import ExchangeContext, RawMessage, ResponderAnswer
from rehearsal.ports.partner_simulator import PartnerService


class MailRehearsal(Protocol):
    """The rehearsal of partners who write and read mails of a format. A mail has no answer that could be spoiled."""

    @property
    def channel(self) -> str:
        """Name of the channel by which the partner speaks."""
        ...

    def find_address(self, profile: Profile) -> str:
        """Find where we write to the partner; empty: nobody has said."""
        ...

    def mirror_dialect(self, profile: Profile) -> BaseModel:
        """The section of the format as the partner would write it: what it calls us is what we call it there, and
        addresses that are empty are those of its profile and of the partner."""
        ...


class SpoilsAnswers(Protocol):
    @property
    def misbehaviours(self) -> Mapping[str, str]:
        """The mistakes that can be made in answers, in plain words, by name."""
        ...

    def spoil_answer(self, name: str, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        """The answer with what is wrong in it. `number`: its place among the answers to this message, from 1. Raises
        KeyError for a name that isn't in `misbehaviours`."""
        ...


class ProtocolRehearsal(SpoilsAnswers, Protocol):
    @property
    def channel(self) -> str:
        """Name of the channel by which the partner speaks."""
        ...

    def mirror_dialect(self, profile: Profile, address: str) -> BaseModel:
        """The section of the protocol as the partner would write it: its symbols are ours there, and messages go to
        `address`, a URL or host:port. Raises ConfigurationError for a partner that can't be played."""
        ...

    def write_elements(self, profile: Profile, elements: Mapping[str, str | None]) -> Profile:
        """The profile under which the partner writes these elements otherwise, by their path; None: leaves them out.
        A protocol whose elements scenarios don't name passes over them. Raises ConfigurationError for one that there
        isn't."""
        ...

    def change_answer(self, answer: ResponderAnswer, elements: Mapping[str, str | None]) -> ResponderAnswer:
        """The answer with these elements, likewise. Raises ConfigurationError."""
        ...


class SystemRehearsal(SpoilsAnswers, Protocol):
    """The rehearsal of a protocol in which libraries' systems are asked. Under a profile that lets nobody in the
    library's system is played, which answers us; else the partner's system, which asks us: its messages are those of
    the protocol's `PartnerSimulator`."""

    def mirror_dialect(self, profile: Profile) -> BaseModel:
        """The section of the protocol as the library's system would write it."""
        ...

    def is_reached_by_tcp(self, profile: Profile) -> bool:
        """Return whether the profile says that the library's system is spoken with on raw TCP, not by HTTP."""
        ...

    def is_sent(self, service: PartnerService, profile: Profile) -> bool:
        """Return whether the partner of a profile sends it at all."""
        ...

    def change_message(self, body: bytes, elements: Mapping[str, str | None], exchange: ExchangeContext) -> bytes:
        """A message of the partner's system with these elements, by their path below the service; None: without it.
        Raises ConfigurationError for one that can't stand there."""
        ...


class CatalogueQuestionKind(StrEnum):
    SEARCH = "search"  # and what it shows of what was found
    EXPLAIN = "explain"  # what it says of itself
    OTHER = "other"  # what a catalogue that is played doesn't answer, such as a scan


@value_object(kw_only=True)
class CatalogueQuestion:
    """The question to a catalogue. `words`: of all terms, each of which must be found; `text`: the whole query, as it
    came; `start` counts from 1."""

    kind: CatalogueQuestionKind
    words: tuple[str, ...] = ()
    text: str = ""
    start: int = 1
    count: int = 10


@value_object(kw_only=True)
class CatalogueFinding:
    """`records`: those that were asked for, the first of them at `start`; `refused`: why there is none, in words."""

    total: int = 0
    start: int = 1
    records: tuple[Citation, ...] = ()
    refused: str = ""


class CatalogueRehearsal(SpoilsAnswers, Protocol):
    """The rehearsal of a catalogue that is searched by HTTP."""

    def read_question(self, arrival: RawMessage) -> CatalogueQuestion:
        """Read a question; raises MalformedMessage for what can't be answered."""
        ...

    def write_answer(self, arrival: RawMessage, finding: CatalogueFinding) -> ResponderAnswer:
        """Write the answer to a question."""
        ...

    def refuse_question(self, arrival: RawMessage, words: str) -> ResponderAnswer:
        """Refuse what can't be answered."""
        ...
