"""Trials of a system by its protocol: `illgate conformance` sends messages in conversations, and each answer is
compared with what the standard wants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gateway.domain.clock import Clock
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.peer_headers import MakePeerHeaders, refuse_peer_headers
from gateway.ports.responder import RawMessage
from gateway.ports.secrets import Secrets

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


def find_broken(check: str, clause: str, words: str) -> ConformanceFinding:
    return ConformanceFinding(check=check, clause=clause, words=words)


def find_advice(check: str, words: str, clause: str = "no sentence of the standard") -> ConformanceFinding:
    return ConformanceFinding(check=check, clause=clause, words=words, weight=FindingWeight.ADVICE)


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
