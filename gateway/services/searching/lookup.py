"""Does a partner's catalogue hold and lend what is asked for?

The plan and the judging are pure: records and rules in, a verdict with its reason out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from gateway.domain.library import RecordId
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.catalogue_policy import (
    Beside,
    EvidenceNeeded,
    LendingVerdict,
    LocatePolicy,
    LookupStep,
    TitleSearch,
    UnreachablePolicy,
    WantedPart,
    is_serial,
    naming_number_types,
    statement_covers,
)
from gateway.domain.requests.citation import Citation, canonical_type, format_issn, list_isbn_forms, normalize_number
from gateway.domain.requests.citation_matching import compare_with_hit
from gateway.domain.requests.request import ServiceType
from gateway.domain.sentences import Sentence, join_sentences, mark_template, write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.catalogue import (
    CatalogueQuery,
    FoundRecord,
    HeldItem,
    HoldingAnswer,
    HoldingsReport,
    LocationReport,
    SearchHits,
    SearchIndex,
    SearchTerm,
    TermMatch,
)
from gateway.profiles import ProfileSet
from gateway.services.searching.targets import CatalogueClient, CatalogueTarget, failure_reason, find_catalogue

_REMAINDER = re.compile(r"\s+[:/;=]\s+|\s*\[[^\]]*\]")
"""ISBD: subtitle, parallel title, author; and what a cataloguer put in brackets."""

_BEST_FIRST = (HoldingAnswer.OWNS, HoldingAnswer.UNKNOWN, HoldingAnswer.NOT_LENT, HoldingAnswer.NOT)


@value_object
class SearchCatalogue:
    """`profiles` gives those in use now: a partner may share another profile's catalogue."""

    asker: CatalogueClient
    profiles: Callable[[], ProfileSet]

    async def holds(
        self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN
    ) -> HoldingsReport:
        policy = partner.locate
        if policy is None:
            return HoldingsReport(HoldingAnswer.UNKNOWN, write_sentence("its profile has no catalogue settings"))
        try:
            target = find_catalogue(partner, self.profiles().of_library(partner.library), self.asker.searches)
        except Refused as wrong:
            return HoldingsReport(
                HoldingAnswer.UNKNOWN, failure_reason(wrong), skip=policy.unreachable is UnreachablePolicy.SKIP
            )
        questions = plan_questions(citation, policy)
        if not questions:
            return HoldingsReport(
                HoldingAnswer.UNKNOWN,
                write_sentence("the citation has no number or title to search for"),
            )
        clock = asyncio.get_running_loop().time
        begun = clock()
        result = await _CatalogueLookup(self.asker, target, SoughtCitation(citation, service, policy)).run(questions)
        is_own = target.name == partner.name and not policy.locations  # numbers of a shared catalogue are not its own
        note = write_about(target.name, result.note)
        return HoldingsReport(result.holding, note, clock() - begun, result.skip, result.record if is_own else "")

    async def list_holders(self, citation: Citation, union: Profile, service: ServiceType) -> Sequence[LocationReport]:
        """See `gateway.ports.catalogue.ListsHolders`. The answers of one question count, as in `holds`."""
        policy = union.locate or LocatePolicy()
        target = find_catalogue(union, self.profiles().of_library(union.library), self.asker.searches)
        sought, keep = SoughtCitation(citation, service, policy), timedelta(minutes=policy.cache_minutes)
        refusals: list[Refused] = []
        questions = plan_questions(citation, policy)
        try:
            async with asyncio.timeout(policy.seconds):
                for question in questions:
                    try:
                        hits = await self.asker.search(
                            target, question.query, count=policy.looked_at, seconds=policy.seconds, keep=keep
                        )
                    except Refused as refused:
                        refusals.append(refused)
                        continue
                    if locations := judge_locations(question, hits, sought):
                        return locations
        except TimeoutError as error:
            raise Unavailable(
                write_about(union.name, write_sentence("no answer within %(seconds)s seconds", seconds=policy.seconds))
            ) from error
        if refusals and len(refusals) == len(questions):
            raise refusals[0]
        return ()


@value_object
class _LookupResult:
    holding: HoldingAnswer
    note: str
    skip: bool = False
    record: str = ""


class _CatalogueLookup:
    """All questions of one plan, until a record is found. `said` grows with each answer."""

    def __init__(self, asker: CatalogueClient, target: CatalogueTarget, sought: SoughtCitation) -> None:
        self._asker = asker
        self._target = target
        self._sought = sought
        self._said: list[str] = []
        self._verdicts: list[HoldingVerdict] = []

    async def run(self, asked: tuple[CatalogueQuestion, ...]) -> _LookupResult:
        policy = self._sought.policy
        try:
            async with asyncio.timeout(policy.seconds):
                for question in asked:
                    if (verdict := await self._ask_question(question, policy)) is not None and verdict.found:
                        return _LookupResult(verdict.holding, self._format_lookup_note(), record=verdict.record)
        except TimeoutError:
            return self._unreachable_result(
                write_sentence("no answer within %(seconds)s seconds", seconds=policy.seconds)
            )
        except Unavailable as error:
            return self._unreachable_result(failure_reason(error))
        if not self._verdicts:
            return self._unreachable_result("")  # it refused every question
        unclear = any(verdict.holding is HoldingAnswer.UNKNOWN for verdict in self._verdicts)
        return _LookupResult(HoldingAnswer.UNKNOWN if unclear else HoldingAnswer.NOT, self._format_lookup_note())

    async def _ask_question(self, question: CatalogueQuestion, policy: LocatePolicy) -> HoldingVerdict | None:
        """None: the catalogue can't be asked this. Raises Unavailable."""
        keep = timedelta(minutes=policy.cache_minutes)
        try:
            hits = await self._asker.search(
                self._target, question.query, count=policy.looked_at, seconds=policy.seconds, keep=keep
            )
        except Refused as refused:
            refusal = write_sentence("refused, %(reason)s", reason=failure_reason(refused))
            self._said.append(write_about(question.says, refusal))
            return None
        verdict = judge_answer(question.step, hits, self._sought)
        self._said.append(write_about(question.says, verdict.note))
        self._verdicts.append(verdict)
        return verdict

    def _unreachable_result(self, reason: str) -> _LookupResult:
        if reason:
            self._said.append(reason)
        return _LookupResult(
            HoldingAnswer.UNKNOWN, self._format_lookup_note(), self._sought.policy.unreachable is UnreachablePolicy.SKIP
        )

    def _format_lookup_note(self) -> str:
        return join_sentences("; ", self._said)


@value_object
class CatalogueQuestion:
    """`says`: what is asked, for staff."""

    step: LookupStep
    query: CatalogueQuery
    says: str


def plan_questions(citation: Citation, policy: LocatePolicy) -> tuple[CatalogueQuestion, ...]:
    """Plan questions in the order of the plan. Empty: the citation says nothing that could be looked for."""
    questions: list[CatalogueQuestion] = []
    for step in policy.plan:
        questions += (
            _title_questions(citation, policy.title) if step is LookupStep.TITLE else _number_questions(citation, step)
        )
    return tuple(dict.fromkeys(questions))


# --- numbers ---------------------------------------------------------------------------------------------

_Forms = Callable[[str], tuple[str, ...]]


def queries_for_number(number: RecordId) -> tuple[CatalogueQuery, ...]:
    """The questions for one number, in the forms in which catalogues have it. Empty: it isn't one, or none that
    catalogues know."""
    index, forms = _NUMBERS.get(canonical_type(number.type), (SearchIndex.STANDARD, lambda _: ()))
    return tuple(CatalogueQuery((SearchTerm(index, form),)) for form in forms(number.value))


def _issn_forms(value: str) -> tuple[str, ...]:
    return tuple(filter(None, (format_issn(value),)))


def _make_normalizer(type_: str) -> _Forms:
    return lambda value: tuple(filter(None, (normalize_number(type_, value).partition(":")[2],)))


_NUMBERS: Mapping[str, tuple[SearchIndex, _Forms]] = {
    "isbn": (SearchIndex.ISBN, list_isbn_forms),
    "issn": (SearchIndex.ISSN, _issn_forms),
    "oclc": (SearchIndex.OCLC, _make_normalizer("oclc")),
    "lccn": (SearchIndex.LCCN, _make_normalizer("lccn")),
    "doi": (SearchIndex.STANDARD, _make_normalizer("doi")),
    "ismn": (SearchIndex.STANDARD, _make_normalizer("ismn")),
}


def _number_questions(citation: Citation, step: LookupStep) -> Iterator[CatalogueQuestion]:
    if step.value not in naming_number_types(citation):
        return
    for identifier in citation.identifiers:
        if canonical_type(identifier.type) == step.value:
            for query in queries_for_number(identifier):
                yield CatalogueQuestion(step, query, f"{step.value} {query.terms[0].value}")


# --- the title -------------------------------------------------------------------------------------------


def _title_questions(citation: Citation, rules: TitleSearch) -> Iterator[CatalogueQuestion]:
    """Ask for the title as it is cited; then without what may be a subtitle, since catalogues don't always have
    that."""
    beside = [(name, term) for name in rules.beside if (term := _BESIDE[name](citation)) is not None]
    says = write_sentence(_TITLE_QUESTIONS[tuple(name for name, _ in beside)])
    for title in dict.fromkeys(map(_trim_title, (citation.title, citation.title.partition(": ")[0]))):
        if any(char.isalnum() for char in title):
            terms = (SearchTerm(SearchIndex.TITLE, title, TermMatch.PHRASE), *(term for _, term in beside))
            yield CatalogueQuestion(LookupStep.TITLE, CatalogueQuery(terms), says)


_TITLE_QUESTIONS = {
    (): mark_template("title"),
    (Beside.AUTHOR,): mark_template("title and author"),
    (Beside.YEAR,): mark_template("title and year"),
    (Beside.AUTHOR, Beside.YEAR): mark_template("title and author and year"),
    (Beside.YEAR, Beside.AUTHOR): mark_template("title and author and year"),
}


def _trim_title(title: str) -> str:
    return _REMAINDER.split(title.strip(), maxsplit=1)[0].strip(" .,:;/")


def _author_term(citation: Citation) -> SearchTerm | None:
    """The first author's name as it is filed: `Borges, Jorge Luis` and `Jorge Luis Borges` both give Borges."""
    first = re.split(r"\s*[;&]\s*|\s+and\s+|\s+und\s+", citation.author.strip(), maxsplit=1)[0]
    surname, comma, _ = first.partition(",")
    name = surname if comma else first.split()[-1] if first else ""
    return SearchTerm(SearchIndex.AUTHOR, name.strip(" .")) if name.strip(" .") else None


def _year_term(citation: Citation) -> SearchTerm | None:
    match = re.search(r"\d{4}", citation.published)
    return SearchTerm(SearchIndex.YEAR, match[0]) if match is not None and not is_serial(citation) else None


_BESIDE: Mapping[Beside, Callable[[Citation], SearchTerm | None]] = {
    Beside.AUTHOR: _author_term,
    Beside.YEAR: _year_term,
}


@value_object
class SoughtCitation:
    """The citation that is asked for, and how answers are taken."""

    citation: Citation
    service: ServiceType
    policy: LocatePolicy


@value_object
class HoldingVerdict:
    """`found`: a record is the one that is asked for; else NOT, or UNKNOWN where the answer decides nothing. `record`:
    its number in this catalogue."""

    holding: HoldingAnswer
    note: str
    found: bool = False
    record: str = ""


def judge_answer(step: LookupStep, hits: SearchHits, sought: SoughtCitation) -> HoldingVerdict:
    """Judge the answer to one question: the best of the records that are what is asked for."""
    if not hits.total:
        return HoldingVerdict(HoldingAnswer.NOT, write_sentence("no hits"))
    if step is LookupStep.TITLE and hits.total > sought.policy.title.most_hits:
        return HoldingVerdict(
            HoldingAnswer.UNKNOWN, write_sentence("%(count)s hits, too many to compare", count=hits.total)
        )
    agreed = [
        (record, compare_with_hit(sought.citation, record.citation, sought.policy.title)) for record in hits.records
    ]
    same = [(record, agreement.how) for record, agreement in agreed if agreement.same]
    if same:
        judged = [_judge_record(record, how, sought) for record, how in same]
        return min(judged, key=lambda verdict: _BEST_FIRST.index(verdict.holding))
    return _judge_no_match(hits, [agreement.how for _, agreement in agreed])


def judge_locations(
    question: CatalogueQuestion, hits: SearchHits, sought: SoughtCitation
) -> tuple[LocationReport, ...]:
    """Judge the answer of a union catalogue by location: all holdings there of records that are what is asked for."""
    if question.step is LookupStep.TITLE and hits.total > sought.policy.title.most_hits:
        return ()
    items: dict[str, list[HeldItem]] = {}
    for record in hits.records:
        if compare_with_hit(sought.citation, record.citation, sought.policy.title).same:
            for item in record.holdings or ():
                items.setdefault(item.location, []).append(item)
    reports = []
    for location, held in items.items():
        if location:
            holding, note = _judge_holdings(tuple(held), sought)
            reports.append(LocationReport(location, holding, write_about(question.says, note or location)))
    return tuple(reports)


def _judge_no_match(hits: SearchHits, reasons: list[str]) -> HoldingVerdict:
    unread = next((record.problem for record in hits.records if record.problem), "")
    if unread or not hits.records:
        cant_read = (
            write_sentence("1 hit, not readable")
            if hits.total == 1
            else write_sentence("%(count)s hits, none readable", count=hits.total)
        )
        return HoldingVerdict(HoldingAnswer.UNKNOWN, write_about(cant_read, unread) if unread else cant_read)
    if hits.total > len(hits.records):
        first = len(hits.records)
        return HoldingVerdict(
            HoldingAnswer.UNKNOWN,
            write_sentence("%(count)s hits, the first %(first)s do not match", count=hits.total, first=first),
        )
    why = join_sentences(", ", dict.fromkeys(reasons))
    not_the_one = (
        write_sentence("1 hit, not a match: %(words)s", words=why)
        if hits.total == 1
        else write_sentence("%(count)s hits, none matches: %(words)s", count=hits.total, words=why)
    )
    return HoldingVerdict(HoldingAnswer.NOT, not_the_one)


# --- one record ------------------------------------------------------------------------------------------


def _judge_record(record: FoundRecord, how: str, sought: SoughtCitation) -> HoldingVerdict:
    holding, note = _judge_holdings(record.holdings, sought)
    number = record.citation.identifier("local")
    return HoldingVerdict(holding, join_sentences("; ", (how, note)), found=True, record=number)


def _judge_holdings(items: tuple[HeldItem, ...] | None, sought: SoughtCitation) -> tuple[HoldingAnswer, str]:
    policy = sought.policy
    if policy.holdings is EvidenceNeeded.IGNORED:
        return HoldingAnswer.OWNS, ""
    if items is None:
        if policy.holdings is EvidenceNeeded.REQUIRED:
            return HoldingAnswer.NOT, write_sentence("no holdings information")
        if policy.locations:
            return HoldingAnswer.UNKNOWN, write_sentence("no information about holding libraries")
        return HoldingAnswer.OWNS, write_sentence("no holdings information")
    held_items = [item for item in items if policy.is_own_holding(item)]
    if not held_items:
        not_there = write_sentence("none of its holdings is available") if items else write_sentence("without holdings")
        return HoldingAnswer.NOT, not_there
    return _judge_volumes(held_items, sought)


def _judge_volumes(items: list[HeldItem], sought: SoughtCitation) -> tuple[HoldingAnswer, str]:
    """A holding that says nothing about volumes may have all of them."""
    part = WantedPart.part_of_citation(sought.citation) if sought.policy.volumes else WantedPart()
    if not part:
        return _judge_lending(items, sought)
    answers = [(item, statement_covers(item.volumes, part) if item.volumes.strip() else True) for item in items]
    if covering := [held_item for held_item, answer in answers if answer]:
        return _judge_lending(covering, sought)
    if unclear := [held_item for held_item, answer in answers if answer is None]:
        holding, note = _judge_lending(unclear, sought)
        if holding is HoldingAnswer.OWNS:
            return HoldingAnswer.UNKNOWN, _write_unclear(part, unclear[0].volumes)
        return holding, note
    return HoldingAnswer.NOT, _write_missing(part, _join_first_texts(item.volumes for item in items))


def _judge_lending(items: list[HeldItem], sought: SoughtCitation) -> tuple[HoldingAnswer, str]:
    rated = [(item, sought.policy.lending_verdict(item, sought.service)) for item in items]
    for verdict in (LendingVerdict.YES, LendingVerdict.ASK):
        if (held_item := next((item for item, lends in rated if lends is verdict), None)) is not None:
            holding = _describe_holding(held_item)
            if verdict is LendingVerdict.ASK:
                return HoldingAnswer.OWNS, write_sentence("%(words)s, lendable by rule", words=holding)
            return HoldingAnswer.OWNS, holding
    return HoldingAnswer.NOT_LENT, _join_first_texts(map(_describe_holding, items))


def _write_unclear(part: WantedPart, volumes: str) -> Sentence:
    if part.volume is not None:
        return write_sentence(
            "cannot tell from '%(words)s' whether volume %(volume)s is held", volume=part.volume, words=volumes
        )
    return write_sentence(
        "cannot tell from '%(words)s' whether the year %(year)s is held", year=part.year, words=volumes
    )


def _write_missing(part: WantedPart, volumes: str) -> Sentence:
    if part.volume is not None:
        return write_sentence("volume %(volume)s is not in %(words)s", volume=part.volume, words=volumes)
    return write_sentence("the year %(year)s is not in %(words)s", year=part.year, words=volumes)


def _describe_holding(item: HeldItem) -> str:
    words = (item.location, item.sublocation, item.volumes, item.policy, item.status)
    return ", ".join(filter(None, words)) or write_sentence("a holding")


def _join_first_texts(texts: Iterable[str], most: int = 3) -> str:
    different = list(dict.fromkeys(texts))
    return join_sentences("; ", [*different[:most], *(["…"] if len(different) > most else [])])
