"""Rehearsal of a protocol: what `illgate mock` needs of it to play a partner, and `illgate conformance` to try one.

The partner that is played reads by the protocol's own `Responder` or `MailFormat` and speaks by its own
`PartnerChannel`, under the profile as the partner would have written it for us. A partner that is tried gets messages
by conversations, and each answer is compared with what the standard wants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from gateway.domain.clock import Clock
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.value import value_object
from gateway.ports.partner_simulator import PartnerService, Secrets
from gateway.ports.peer_headers import MakePeerHeaders, refuse_peer_headers
from gateway.ports.responder import ExchangeContext, RawMessage, ResponderAnswer

R = TypeVar("R", bound="RecordsExchanges")


class FindingWeight(StrEnum):
    BROKEN = "broken"  # against the standard
    ADVICE = "advice"  # no sentence forbids it, but partners are known that stumble over it


@value_object(kw_only=True)
class ConformanceFinding:
    """`check`: its name, the same in every report; `clause`: the sentence of the standard, and where it stands; of an
    advice, that there is none, or who stumbles; `words`: what was found, without values of the message."""

    check: str
    clause: str
    words: str
    weight: FindingWeight = FindingWeight.BROKEN


@value_object(kw_only=True)
class CheckedExchange:
    """A message that was sent, what came, and what is wrong with that. `sent` and `answer` are without secrets by which
    we show who we are. `came`: what the tried system said of itself; then `sent` is our answer, and without
    octets it is about nothing of the trial. `untried`: why it wasn't sent, since there would be nothing to prove by it;
    then nothing else is said."""

    title: str
    sent: bytes = field(default=b"", repr=False)
    came: bool = False
    untried: str = ""
    status: int = 0
    content_type: str = ""
    answer: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    findings: tuple[ConformanceFinding, ...] = ()


@value_object(kw_only=True)
class ConformanceConversation:
    """`hold` never raises for what the partner does: that it doesn't answer is a finding. It raises ConfigurationError
    for secrets that aren't there."""

    name: str
    title: str
    hold: Callable[[], Awaitable[tuple[CheckedExchange, ...]]]


class RecordsExchanges(Protocol):
    """A conversation that is being held: what was exchanged in it so far."""

    exchanges: list[CheckedExchange]


@value_object
class ArrivedMessage:
    """A message that the tried system has sent by itself, and the answer to it. `is_of_trial`: it is about a request of
    the trial; what isn't may have patrons of others in it."""

    arrival: RawMessage
    answer: bytes = field(repr=False)
    is_of_trial: bool = False


def report_arrival(
    arrived: ArrivedMessage,
    title: str,
    findings: tuple[ConformanceFinding, ...],
    conceal_secrets: Callable[[bytes], bytes],
) -> CheckedExchange:
    """Make the exchange for the report; of what isn't about the trial it has no octet."""
    if not arrived.is_of_trial:
        return CheckedExchange(title=title, came=True, findings=findings)
    arrival = arrived.arrival
    return CheckedExchange(
        title=title,
        came=True,
        content_type=arrival.content_type,
        sent=arrived.answer,
        answer=conceal_secrets(arrival.body),
        findings=findings,
    )


class TrialArrivals(Protocol):
    """The place where what the tried system says of itself comes in (`--listen`)."""

    async def wait_for_message(self, seconds: float) -> ArrivedMessage | None:
        """The next one; None: nothing has come in that time."""
        ...


def make_conversation(
    name: str, title: str, hold: Callable[[R], Awaitable[None]], make_trial: Callable[[], R]
) -> ConformanceConversation:
    """`make_trial`: a new one each time it is held."""

    async def hold_trial() -> tuple[CheckedExchange, ...]:
        trial = make_trial()
        await hold(trial)
        return tuple(trial.exchanges)

    return ConformanceConversation(name=name, title=title, hold=hold_trial)


class TriedSide(StrEnum):
    """The side of a profile that is tried."""

    PARTNER = "partner"
    OURSELVES = "ourselves"


@value_object(kw_only=True)
class ConformanceContext:
    """The system that is tried, and where. `library`: our symbol; `partner`: that of the partner, empty where the
    profile names none; `run`: a word that is another one each time, for the numbers of requests; `values`: what may be
    used for the trial, by the names of `ConformanceTrials.value_names`; `folder`: where gateway.yml is; `arrivals`:
    where the tried system's own messages come in, None where nobody listens; `wait_seconds`: so long each of them is
    waited for; `make_peer_headers`: what our messages by HTTP have besides."""

    profile: Profile
    tried: TriedSide
    library: str
    partner: str
    zone: tzinfo
    currency: str
    url: str
    run: str
    values: Mapping[str, str]
    clock: Clock
    secrets: Secrets
    folder: Path
    arrivals: TrialArrivals | None = None
    wait_seconds: float = 10.0
    make_peer_headers: MakePeerHeaders = refuse_peer_headers


class ConformanceTrials(Protocol):
    @property
    def can_listen(self) -> bool:
        """True if a system that is tried says anything of itself, by the protocol."""
        ...

    @property
    def value_names(self) -> Mapping[str, str]:
        """The values that whoever tries a system may name, such as a patron, in plain words, by name."""
        ...

    def describe_version(self, profile: Profile) -> str:
        """Describe the version of the protocol, as the profile says, for people."""
        ...

    def aim_section(self, section: Mapping[str, Any], address: str) -> Mapping[str, Any]:
        """The protocol's section of a profile as it is written, with this address of the partner."""
        ...

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """Those by which a system is tried, in this order. Raises ConfigurationError for a profile that doesn't say
        what is needed."""
        ...


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
    OPEN = "open"  # a connection begins
    SEARCH = "search"  # and what it shows of what was found
    EXPLAIN = "explain"  # what it says of itself
    CLOSE = "close"
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


class MessageSplitter(Protocol):
    """Cuts a stream into messages, one of which is whole when the next begins."""

    def add_octets(self, data: bytes) -> None: ...

    def take_message(self) -> bytes | None:
        """The next whole message, None if there is none yet. Raises MalformedMessage."""
        ...


class CatalogueConversation(Protocol):
    """The questions of one connection; of a protocol that knows no connections, all that is asked."""

    @property
    def is_over(self) -> bool:
        """True if nothing follows what was said last."""
        ...

    def read_question(self, arrival: RawMessage) -> CatalogueQuestion:
        """Read a question; raises MalformedMessage for what can't be answered."""
        ...

    def write_answer(self, arrival: RawMessage, finding: CatalogueFinding) -> ResponderAnswer:
        """Write the answer to the question that was read last."""
        ...

    def refuse_question(self, arrival: RawMessage, words: str) -> ResponderAnswer:
        """Refuse what can't be answered."""
        ...


class CatalogueRehearsal(SpoilsAnswers, Protocol):
    """The rehearsal of a catalogue that is searched."""

    @property
    def cut_messages(self) -> Callable[[int], MessageSplitter] | None:
        """A function that cuts a stream into messages of so many bytes at most; None: it is spoken by HTTP."""
        ...

    def open_conversation(self) -> CatalogueConversation: ...
