"""Scenarios: what a partner that is played says to which message, as YAML that users can write.

    about: promised, sent, and checked in when it is back
    extends: supplier
    reactions:
      - when: request
        say:
          - event: will-supply
          - {event: shipped, due_days: 28}

Events have the words of `EventKind`, so that one scenario serves every protocol; what a library's system is asked for
has the words that profiles have for commands. Of several reactions to the same word the first is for its first time,
the next for the next; the last one stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import nearest_match, read_yaml
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import RecordId
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, RefusalReason
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import ServiceType
from gateway.services.circulation.dispatch import SERVICES
from rehearsal.ports.rehearsals import CatalogueQuestionKind

SHIPPED_SCENARIOS = Path(__file__).parent / "shipped"

MAX_WAIT_SECONDS = 3600.0

_MARK = re.compile(r"\bmock:([a-z0-9][a-z0-9-]*)(?![:a-z0-9-])", re.IGNORECASE)
"""With a colon behind it CrossLink's mock is meant: MOCK:SYMBOL:SCENARIO."""


ANY_MESSAGE = "any"
"""Where whoever is played is asked: all that the scenario has no other reaction to."""


class PlayedRole(StrEnum):
    """The role that is played."""

    LENDING = "lending"  # a partner that supplies
    BORROWING = "borrowing"  # a partner that asks for something
    LIBRARY = "library"  # a library's system, which answers what it is asked
    CATALOGUE = "catalogue"  # a catalogue, which is searched
    CLIENT = "client"  # a system that manages requests elsewhere, and asks us for the library's work


PARTNER_ROLES = (PlayedRole.LENDING, PlayedRole.BORROWING)
"""Those in which whoever is played follows managed requests."""

_EVENTS = frozenset(EventKind)
WORDS_OF_ROLE: Mapping[PlayedRole, frozenset[str]] = {
    PlayedRole.LENDING: _EVENTS,
    PlayedRole.BORROWING: _EVENTS,
    PlayedRole.LIBRARY: frozenset({*SERVICES.values(), ANY_MESSAGE}),
    PlayedRole.CATALOGUE: frozenset({*CatalogueQuestionKind, ANY_MESSAGE}),
    PlayedRole.CLIENT: frozenset(),  # it is asked nothing
}
"""What may come, by who is played."""


Elements = Mapping[str, str | None]
"""By their path below the message, such as `deliveryInfo/sentVia`: the text, None for no such element."""


class SaidEvent(ProfileSection):
    """One message of the partner's. A date that it doesn't name isn't said."""

    event: EventKind
    after_seconds: float = Field(0.0, ge=0, le=MAX_WAIT_SECONDS, description="it waits so long before it says so")
    due_days: int | None = Field(None, ge=-365, le=365, description="days until the item is due")
    expected_days: int | None = Field(None, ge=0, le=365, description="days until it can be supplied")
    retry_days: int | None = Field(None, ge=0, le=365, description="days until it may be asked again")
    reason: str = Field("", description="a word of ours, such as not-held")
    conditions: tuple[LoanCondition, ...] = ()
    cost: Decimal | None = Field(None, ge=0, description="in the library's currency")
    barcode: str = ""
    volumes: tuple[str, ...] = Field((), description="numbers of those of several that it is about; empty: all")
    link: str = Field("", description="where a copy is")
    note: str = ""
    keeps_number: bool = Field(False, description="a request that is asked again has the same number")
    elements: Elements = Field(
        {},
        description="elements of ISO 18626 that the message has otherwise, by path; ~ for none: other protocols pass "
        "over it",
    )
    times: int = Field(1, ge=1, le=10, description="so often it is sent, with the same octets")


class AnswerChange(ProfileSection):
    """The change of an answer that isn't as the protocol wants it."""

    after_seconds: float = Field(0.0, ge=0, le=MAX_WAIT_SECONDS, description="it waits so long before it answers")
    missing: bool = Field(False, description="the connection ends without an answer")
    taken: bool = Field(False, description="the message counts, though no answer is given to it")
    status: int = Field(0, ge=0, le=599, description="an HTTP status, with words instead of an answer; 0: as it is")
    refused: str = Field("", description="the message is refused, with these words")
    reason: RefusalReason = Field(RefusalReason.OTHER, description="why it is refused, where its protocol can say so")
    found: int | None = Field(None, ge=0, le=1_000_000, description="so many records, whatever a catalogue is asked")
    elements: Elements = Field(
        {}, description="elements of ISO 18626 that the answer has otherwise, by path; ~ for none"
    )
    misbehaviour: str = Field("", description="a name that `illgate mock --list` shows")

    @property
    def is_whole_answer(self) -> bool:
        """True if the message has done what it does: the other side has an answer, if only a refusal."""
        return self.taken or not (self.missing or self.status or self.misbehaviour)


class MockReaction(ProfileSection):
    when: str = Field(description="what has come: an event, or what a library's system is asked for")
    answer: AnswerChange = AnswerChange()
    say: tuple[SaidEvent, ...] = ()


class AskedService(ProfileSection):
    """One message of a system that asks us."""

    service: str = Field(min_length=1, description="a service, as `illgate send PROFILE --list` calls it")
    after_seconds: float = Field(0.0, ge=0, le=MAX_WAIT_SECONDS, description="it waits so long before it asks")
    values: Mapping[str, str] = Field({}, description="options of the service, instead of those that it has by itself")
    elements: Elements = Field(
        {}, description="elements of NCIP that the message has otherwise, by their path below the service; ~ for none"
    )
    times: int = Field(1, ge=1, le=10, description="so often it is sent, with the same octets")


class AskedWork(ProfileSection):
    """The work that a requester asks for."""

    title: str = "Fjorden om natten"
    author: str = "Ingrid Åsgaard"
    service: ServiceType = ServiceType.LOAN
    volumes: tuple[str, ...] = Field((), description="names of the volumes, where several are wanted")
    isbn: str = ""
    record: str = Field("", description="number of the record in the supplier's catalogue")
    note: str = ""

    @property
    def citation(self) -> Citation:
        numbers = (RecordId("isbn", self.isbn),) if self.isbn else ()
        return Citation(title=self.title, author=self.author, note=self.note, identifiers=numbers)


class MockScenario(ProfileSection):
    """`name` is that of its file."""

    name: str = ""
    about: str = Field("", description="one line for people")
    abstract: bool = Field(False, description="only to be extended")
    extends: str = Field("", description="a scenario whose reactions hold where this one has none to the same event")
    role: PlayedRole = Field(
        PlayedRole.LENDING,
        description="who is played: a partner (lending, borrowing), library, catalogue or client",
    )
    recorded: tuple[str, ...] = Field(
        (), description="conversations of real systems that our tests compare it with; empty: none was recorded"
    )
    service: ServiceType | None = Field(None, description="for requests of this kind, where no other is chosen")
    answer: AnswerChange = Field(
        AnswerChange(), description="how each message is answered, where its reaction doesn't say that"
    )
    elements: Elements = Field({}, description="as of what is said, in all messages that have such an element")
    forgets_ended: bool = Field(
        False,
        description="it forgets a request that is over: what comes then is confirmed by a supplier and does nothing, "
        "and is refused by a requester",
    )
    refuses_repeats: bool = Field(
        False, description="a request that comes again is refused, as one that is known, though it is the same message"
    )
    work: AskedWork = AskedWork()
    begin: tuple[SaidEvent, ...] = Field((), description="what a requester says by itself")
    ask: tuple[AskedService, ...] = Field((), description="what a client asks, as long as it is done")
    item: Literal["own", "of-library"] = Field(
        "own", description="which item a client asks about: one of its own, or one of the library's"
    )
    reactions: tuple[MockReaction, ...] = ()
    named: tuple[SaidEvent, ...] = Field(
        (), description="what it says besides when the note of what has come names the event, as in mock:overdue"
    )

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        known = WORDS_OF_ROLE[self.role]
        for reaction in self.reactions:
            if reaction.when not in known:
                near = nearest_match(reaction.when, known)
                hint = f"; did you mean {near}?" if near else ""
                raise ValueError(f"reactions: nothing comes that is called {reaction.when}{hint}")
        return self

    def find_reaction(self, kind: str, number: int) -> MockReaction | None:
        """`number`: its place among those of its kind, from 1."""
        fitting = [reaction for reaction in self.reactions if reaction.when == kind]
        return fitting[min(number, len(fitting)) - 1] if fitting else None

    def choose_reaction(self, kind: str, number: int) -> MockReaction:
        """Likewise; where it has none, one that does nothing. What it doesn't say of its answer is as of all."""
        reaction = self.find_reaction(kind, number) or MockReaction(when=kind)
        fields = {name: getattr(reaction.answer, name) for name in reaction.answer.model_fields_set}
        return reaction.model_copy(update={"answer": self.answer.model_copy(update=fields)})

    def find_named_event(self, note: str) -> SaidEvent | None:
        match = _MARK.search(note)
        return next((item for item in self.named if match is not None and item.event.value == match[1].lower()), None)

    def list_elements(self) -> Iterator[Elements]:
        """Those of all its messages and answers."""
        events = (*self.begin, *(event for reaction in self.reactions for event in reaction.say), *self.named)
        answers = (self.answer, *(mock_reaction.answer for mock_reaction in self.reactions))
        every = (self.elements, *(event.elements for event in events), *(answer.elements for answer in answers))
        yield from filter(None, every)

    def list_misbehaviours(self) -> frozenset[str]:
        return frozenset(reaction.answer.misbehaviour for reaction in self.reactions) - {""}


def load_scenarios(folders: Iterable[Path]) -> Mapping[str, MockScenario]:
    """Load scenarios by name; those of later folders come before those of the same name in earlier ones. Raises
    ConfigurationError with file and line."""
    files = {file.stem: file for folder in folders for file in sorted(folder.glob("*.yml"))}
    read = {name: _read_scenario(file) for name, file in files.items()}
    return {name: _extend_scenario(scenario, read, files[name]) for name, scenario in read.items()}


def choose_scenario(service: ServiceType, candidates: Sequence[MockScenario]) -> MockScenario:
    """Choose for a request that has come without a mark: the first that is for its kind, else the first. `candidates`
    are in the order in which their turn is, and not empty."""
    fitting = (candidate for candidate in candidates if candidate.service in (None, service))
    return next(fitting, candidates[0])


def find_marked_name(citation: Citation) -> str:
    """The scenario that a title or note names, as in `Sult mock:unfilled`; empty: none."""
    texts = (citation.title, citation.component_title, citation.note, *(extra.value for extra in citation.extras))
    return next(filter(None, map(find_mark, texts)), "")


def find_mark(text: str) -> str:
    """The scenario that a text names as in `mock:unfilled`; empty: none."""
    match = _MARK.search(text)
    return match[1].lower() if match is not None else ""


def _read_scenario(file: Path) -> MockScenario:
    document = read_yaml(file)
    scenario = validate_section(MockScenario, document)
    return scenario.model_copy(update={"name": file.stem})


def _extend_scenario(scenario: MockScenario, known: Mapping[str, MockScenario], file: Path) -> MockScenario:
    """Extend a scenario with what those say that it extends, where it doesn't say that itself."""
    reactions, extended, seen = scenario.reactions, scenario.extends, {scenario.name}
    elements = scenario.elements
    inherited: dict[str, object] = {}
    while extended:
        base = known.get(extended)
        if base is None or extended in seen:
            words = "extends itself" if extended in seen else f"no such scenario: {extended}"
            near = nearest_match(extended, known) if base is None else ""
            hint = f"; did you mean {near}?" if near else ""
            raise ConfigurationError([ConfigurationProblem(str(file), 0, ("extends",), f"{words}{hint}")])
        seen.add(extended)
        own = {reaction.when for reaction in reactions}
        reactions = (*reactions, *(reaction for reaction in base.reactions if reaction.when not in own))
        elements = {**base.elements, **elements}
        unsaid = (_INHERITED & base.model_fields_set) - scenario.model_fields_set - set(inherited)
        inherited |= {name: getattr(base, name) for name in unsaid}
        extended = base.extends
    return scenario.model_copy(update={**inherited, "reactions": reactions, "elements": elements})


_INHERITED = frozenset({"answer", "forgets_ended", "refuses_repeats", "work"})
