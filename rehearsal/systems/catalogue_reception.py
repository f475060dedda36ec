"""A catalogue that is played: it answers searches out of a few made-up books in several scripts, unless a scenario says
otherwise."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Sequence

from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.value import value_object
from gateway.ports.responder import RawMessage
from rehearsal.mock.mock_answers import AnswerChanger, MockReply, PassSeconds, describe_change
from rehearsal.mock.mock_log import LoggedMessage, MockParties
from rehearsal.mock.played_system import AnsweringSystem
from rehearsal.ports.rehearsals import (
    CatalogueFinding,
    CatalogueQuestion,
    CatalogueQuestionKind,
    CatalogueRehearsal,
)
from rehearsal.scenarios.scenario import AnswerChange
from rehearsal.scenarios.scenario_choice import ScenarioChoice

MAX_QUESTION_BYTES = 100_000

_BOOKS = """
9780000020017|Fjorden om natten|Ingrid Åsgaard|Tromsø|Nordlys|1998
9780000020024|Das Haus am Deich|Grete Söhnlein|Husum|Wattverlag|2004
9780000020031|Les glaciers de Clarens|Aurélie Bossard|Vevey|Éditions du Quai|2011
9780000020048|Вишни за окном|Вера Лукова|Псков|Река|1987
9780000020055|山中书屋|欧阳思远|成都|竹林|2015
9780000020062|רחוב השקמים|נועה אלמוגי|חיפה|גלים|2009
9780000020079|بيت الياسمين|ليلى شمس|حلب|الربيع|1993
9780000020086|The three-body sonata|Maeve Corrigan|Sligo|Harbour Press|2019
9780000020093|Η βιβλιοθήκη του λιμανιού|Ελένη Καράβη|Βόλος|Άνεμος|2001
9780000020109|Pieśni znad jeziora|Zofia Łęcka|Ełk|Czapla|1976
"""
"""Their ISBNs belong to no publisher."""


def _make_citation(number: int, line: str) -> Citation:
    isbn, title, author, place, publisher, year = line.split("|")
    return Citation(
        type=CitationType.BOOK,
        title=title,
        author=author,
        place=place,
        publisher=publisher,
        published=year,
        call_number=f"MOCK {number:03}",
        identifiers=(RecordId("local", f"mock{number:04}"), RecordId("isbn", isbn)),
    )


CATALOGUE_RECORDS: Sequence[Citation] = [
    _make_citation(n, line) for n, line in enumerate(_BOOKS.strip().splitlines(), start=1)
]


@value_object(kw_only=True)
class CataloguePlay:
    """The catalogue that is played. `protocol`: as profiles call its section; `misbehaviour`: of each answer."""

    protocol: str
    parties: MockParties
    choice: ScenarioChoice
    misbehaviour: str = ""


class PlayedCatalogue(AnsweringSystem):
    """`pass_seconds` is told how long it takes its time."""

    def __init__(
        self, play: CataloguePlay, rehearsal: CatalogueRehearsal, pass_seconds: PassSeconds = asyncio.sleep
    ) -> None:
        changer = AnswerChanger(rehearsal, play.misbehaviour, over_http=True)
        super().__init__(play.parties, play.choice, changer, bytes, pass_seconds)
        self.play = play
        self._rehearsal = rehearsal

    @property
    def protocol(self) -> str:
        return self.play.protocol

    @property
    def max_bytes(self) -> int:
        return MAX_QUESTION_BYTES

    async def receive_message(self, arrival: RawMessage) -> MockReply:
        rehearsal = self._rehearsal
        try:
            question = rehearsal.read_question(arrival)
        except MalformedMessage as malformed:
            answer = self._answer_changer.spoil_answer(rehearsal.refuse_question(arrival, str(malformed)), 1)
            self._record_arrival(_show_question(arrival, ""), answer, f"refused: {malformed}")
            return MockReply(answer=answer)
        chosen = self.play.choice.choose_reaction(question.kind.value, question.text)
        change = chosen.reaction.answer
        if question.kind is CatalogueQuestionKind.OTHER:
            answer = rehearsal.refuse_question(arrival, "only searches are answered here")
        else:
            answer = rehearsal.write_answer(arrival, _find_records(question, change))
        given = self._answer_changer.change_answer(answer, change)
        message = _show_question(arrival, question.kind.value)
        self._record_arrival(message, given, describe_change(change), scenario=chosen.scenario.name)
        return MockReply(answer=given, after_seconds=change.after_seconds)


def _show_question(arrival: RawMessage, service: str) -> LoggedMessage:
    asked = "\n".join(f"{name}={value}" for name, value in arrival.query.items()).encode() or arrival.body
    return LoggedMessage(arrival.received, service, asked)


def _find_records(question: CatalogueQuestion, change: AnswerChange) -> CatalogueFinding:
    if change.refused:
        return CatalogueFinding(refused=change.refused)
    if change.found is not None:
        positions = range(question.start, min(question.start + question.count, change.found + 1))
        repeated: list[Citation] = [CATALOGUE_RECORDS[(n - 1) % len(CATALOGUE_RECORDS)] for n in positions]
        return CatalogueFinding(total=change.found, start=question.start, records=tuple(repeated))
    records = _search_records(question.words)
    citations = records[question.start - 1 : question.start - 1 + question.count] if question.start else ()
    return CatalogueFinding(total=len(records), start=question.start, records=tuple(citations))


def _search_records(words: Sequence[str]) -> Sequence[Citation]:
    """Those in which each word is, without case and accents; marks that name a scenario are no words."""
    wanted = [_fold_text(word) for word in words if not word.casefold().startswith("mock:")]
    return [row for row in CATALOGUE_RECORDS if all(word in _text_of_record(row) for word in filter(None, wanted))]


def _text_of_record(record: Citation) -> str:
    numbers = " ".join(identifier.value for identifier in record.identifiers)
    texts = (record.title, record.author, record.place, record.publisher, record.published, numbers)
    return " ".join(map(_fold_text, texts))


def _fold_text(text: str) -> str:
    """Fold a text, without hyphens either, as ISBNs are written with and without."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return re.sub(r"[-‐:;,./]", "", plain.casefold())
