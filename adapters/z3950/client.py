"""Port RecordSearch in Z39.50: Init, Search, Present, Scan; queries out, records in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import reduce
from typing import Any, TypeVar

from adapters.marc import holdings, record_reader
from adapters.marc.citation_texts import format_term_value
from adapters.marc.dialect import Records
from adapters.marc.holdings import OpacCirculation, OpacHolding
from adapters.z3950 import codec, pqf
from adapters.z3950.codec import TextDecoder, Z3950Login, decode_opac, load_asn1_module
from adapters.z3950.dialect import NUMBERS, SECTION, IndexAttributes, Z3950Dialect, Z3950SignIn
from adapters.z3950.pqf import attribute_set_identifier
from adapters.z3950.transport import ConnectionGone, ConnectionPool, Z3950Connection, Z3950Endpoint
from adapters.z3950.values import (
    OUT_OF_RANGE,
    SYNTAX_NOT_SUPPORTED,
    BooleanOperator,
    BooleanQuery,
    InitAnswer,
    QueryOperand,
    RawRecord,
    Rpn,
    RpnQuery,
    ScanEntry,
    TermAttribute,
    Z3950Diagnostic,
    Z3950ScanAnswer,
    Z3950SearchAnswer,
    describe_diagnostic,
    error_of_diagnostics,
    syntax_word,
)
from gateway.domain.problems import ConfigurationError, MalformedMessage, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import CatalogueQuery, FoundRecord, HeldItem, SearchHits, SearchTerm, TermMatch
from gateway.ports.secrets import Secrets

T = TypeVar("T")

ELEMENTS_NOT_SUPPORTED = frozenset({24, 25, 26})

WORD = 2
"""Structure: word."""

_HOLDING_TEXTS = (
    "nucCode",
    "localLocation",
    "shelvingLocation",
    "callNumber",
    "shelvingData",
    "copyNumber",
    "publicNote",
    "reproductionNote",
    "termsUseRepro",
    "enumAndChron",
)
_ITEM_TEXTS = {
    "availablityDate": "availabilityDate",
    "availableThru": "availableThru",
    "restrictions": "restrictions",
    "itemId": "itemId",
    "enumAndChron": "enumAndChron",
    "midspine": "midspine",
    "temporaryLocation": "temporaryLocation",
}
_VOLUME_TEXTS = ("enumeration", "chronology", "enumAndChron")


class Z3950Search:
    name = SECTION

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._pools: dict[Z3950Endpoint, ConnectionPool] = {}
        self._understood: dict[tuple[Z3950Endpoint, tuple[str, ...], tuple[str, ...]], str] = {}

    async def search(self, target: Profile, query: CatalogueQuery, *, start: int = 1, count: int = 10) -> SearchHits:
        dialect = target.require_dialect(SECTION, Z3950Dialect)
        rpn = type1_query(query, dialect, target.name)
        key = (Z3950Endpoint.from_dialect(dialect), dialect.databases, dialect.syntax_identifiers)
        syntax = self._understood.get(key, dialect.syntax_identifiers[0])

        async def run_query(connection: Z3950Connection) -> QueryResults:
            return await QueryRunner(connection, dialect, target.name, syntax).run(rpn, start, count)

        results = await self._run_on_connection(dialect, run_query)
        self._understood[key] = results.syntax
        records = tuple(
            read_answer_record(record, position, dialect.records, dialect.charset, target.name)
            for position, record in enumerate(results.records, start=start)
        )
        return SearchHits(total=results.total, records=records, asked=pqf.format_pqf(rpn), notes=results.notes)

    async def terms(self, target: Profile, term: SearchTerm, *, count: int = 10) -> tuple[tuple[str, int], ...]:
        dialect = target.require_dialect(SECTION, Z3950Dialect)
        operand = scan_operand(term, dialect, target.name)
        entries = await self._run_on_connection(
            dialect, lambda connection: scan_terms(connection, operand, count, dialect, target.name)
        )
        return tuple((entry.term, entry.count) for entry in entries[:count])

    async def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    async def _run_on_connection(self, dialect: Z3950Dialect, work: Callable[[Z3950Connection], Awaitable[T]]) -> T:
        """A kept connection may have ended since: then once more, on a new one."""
        if not self._pools:
            await asyncio.to_thread(load_asn1_module)  # takes a tenth of a second, the first time
        pool = self._pool_for_endpoint(Z3950Endpoint.from_dialect(dialect))
        was_kept = False
        try:
            async with pool.lease_connection() as connection:
                was_kept = connection.was_kept
                return await work(connection)
        except ConnectionGone:
            if not was_kept:
                raise
        async with pool.lease_connection(fresh=True) as connection:
            return await work(connection)

    def _pool_for_endpoint(self, place: Z3950Endpoint) -> ConnectionPool:
        if place not in self._pools:
            self._pools[place] = ConnectionPool(place, lambda: self._open_connection(place))
        return self._pools[place]

    async def _open_connection(self, place: Z3950Endpoint) -> Z3950Connection:
        login = self._resolve_login(place.sign_in)
        connection = await Z3950Connection.open(place)
        try:
            await sign_in(connection, login, place.max_bytes, place.charset, str(place))
        except BaseException:
            connection.abort_connection()
            raise
        return connection

    def _resolve_login(self, sign_in: Z3950SignIn) -> Z3950Login:
        """Resolve the login; raises Refused when a secret isn't where the profile says."""
        try:
            return Z3950Login(
                open=self._secrets(sign_in.open) if sign_in.open else "",
                user=sign_in.user,
                group=sign_in.group,
                password=self._secrets(sign_in.password) if sign_in.password else "",
            )
        except ConfigurationError as error:
            raise Refused(
                RefusalReason.SENDER_AUTH_FAILED, write_sentence("Sign-in failed: %(report)s", report=error.detail)
            ) from error


@value_object
class QueryResults:
    """`records` from the position that was asked for on. `syntax`: object identifier of what they were asked in."""

    total: int
    records: tuple[RawRecord | Z3950Diagnostic, ...]
    notes: tuple[str, ...]
    syntax: str


async def sign_in(connection: Z3950Connection, login: Z3950Login, size: int, charset: str, name: str) -> None:
    """Sign in; raises Refused when the target doesn't let us in, Unavailable."""
    try:
        answer = await connection.exchange_apdu(codec.init_apdu(login, size, charset))
    except UnicodeEncodeError:
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED,
            write_sentence(
                "%(name)s: the user name or password cannot be written in %(charset)s.", name=name, charset=charset
            ),
        ) from None
    if not isinstance(answer, InitAnswer):
        raise Unavailable(
            write_about(name, write_sentence("the answer to an Init was %(kind)s", kind=type(answer).__name__))
        )
    if not answer.accepted:
        why = "; ".join(describe_diagnostic(diagnostic) for diagnostic in answer.diagnostics)
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED,
            write_sentence("%(name)s rejected our sign-in: %(reason)s.", name=name, reason=why)
            if why
            else write_sentence("%(name)s rejected our sign-in.", name=name),
        )
    connection.options = answer.options


async def scan_terms(
    connection: Z3950Connection, term: QueryOperand, count: int, dialect: Z3950Dialect, name: str
) -> tuple[ScanEntry, ...]:
    """Scan; raises Refused, Unavailable."""
    if codec.SCAN not in connection.options:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("%(name)s: the server does not support term lists (Scan).", name=name),
        )
    try:
        apdu = codec.scan_apdu(
            term,
            dialect.databases,
            count,
            charset=dialect.charset,
            attribute_set=attribute_set_identifier(dialect.attribute_set),
        )
    except UnicodeEncodeError:
        raise _encoding_refusal(name, dialect) from None
    answer = await connection.exchange_apdu(apdu)
    if not isinstance(answer, Z3950ScanAnswer):
        raise Unavailable(
            write_about(name, write_sentence("the answer to a Scan was %(kind)s", kind=type(answer).__name__))
        )
    if not answer.entries and answer.diagnostics:
        raise error_of_diagnostics(answer.diagnostics, name)
    return answer.entries


class QueryRunner:
    """One query on one connection. `syntax`: the one to begin with, of those in the dialect."""

    def __init__(self, connection: Z3950Connection, dialect: Z3950Dialect, name: str, syntax: str) -> None:
        self._connection = connection
        self._dialect = dialect
        self._name = name
        self._syntaxes = [syntax, *(identifier for identifier in dialect.syntax_identifiers if identifier != syntax)]
        self._elements = dialect.elements
        self._notes: list[str] = []

    async def run(self, query: RpnQuery, start: int, count: int) -> QueryResults:
        """Run a query; raises Refused, Unavailable."""
        answer = await self._send_search(query, start, count)
        wanted = min(count, max(0, answer.hits - start + 1))
        records = answer.records if not self._switch_format(answer) else ()
        if len(records) < wanted:
            records = await self._fetch_records(records, start, wanted)
        return QueryResults(answer.hits, records[:wanted], tuple(self._notes), self._syntaxes[0])

    async def _send_search(self, query: RpnQuery, start: int, count: int) -> Z3950SearchAnswer:
        comes_along = start == 1 and self._dialect.along == "first-records"
        try:
            apdu = codec.search_apdu(
                query,
                self._dialect.databases,
                charset=self._dialect.charset,
                along=min(count, self._dialect.slice) if comes_along else 0,
                syntax=self._syntaxes[0],
                elements=self._elements,
            )
        except UnicodeEncodeError:
            raise _encoding_refusal(self._name, self._dialect) from None
        answer = await self._request_records(apdu)
        if not answer.succeeded:
            raise error_of_diagnostics(answer.diagnostics, self._name)
        return answer

    async def _fetch_records(
        self, records: tuple[RawRecord | Z3950Diagnostic, ...], start: int, wanted: int
    ) -> tuple[RawRecord | Z3950Diagnostic, ...]:
        while (missing := wanted - len(records)) > 0:
            begin = start + len(records)
            apdu = codec.present_apdu(
                begin, min(missing, self._dialect.slice), syntax=self._syntaxes[0], elements=self._elements
            )
            answer = await self._request_records(apdu)
            if self._switch_format(answer) and not records:
                continue  # in another syntax, or without the element set
            if answer.diagnostics:
                self._note_or_raise(answer.diagnostics, records)
            if not answer.records:
                self._notes.append(f"{len(records)} of {wanted} records came")
                break
            records += answer.records
        return records

    def _switch_format(self, answer: Z3950SearchAnswer) -> bool:
        """Switch to another format, if what was asked in isn't known to the target."""
        about = answer.diagnostics or tuple(record for record in answer.records if isinstance(record, Z3950Diagnostic))
        if not about or (answer.records and len(about) < len(answer.records)):
            return False
        conditions = {diagnostic.condition for diagnostic in about}
        if conditions <= SYNTAX_NOT_SUPPORTED and len(self._syntaxes) > 1:
            self._syntaxes.pop(0)
            return True
        if conditions <= ELEMENTS_NOT_SUPPORTED and self._elements:
            self._elements = ""
            return True
        return False

    def _note_or_raise(
        self, diagnostics: tuple[Z3950Diagnostic, ...], records: tuple[RawRecord | Z3950Diagnostic, ...]
    ) -> None:
        """Note a no where something is in hand; otherwise raise it as the answer."""
        if not records and not any(diagnostic.condition == OUT_OF_RANGE for diagnostic in diagnostics):
            raise error_of_diagnostics(diagnostics, self._name)
        self._notes += [describe_diagnostic(diagnostic) for diagnostic in diagnostics]

    async def _request_records(self, apdu: bytes) -> Z3950SearchAnswer:
        answer = await self._connection.exchange_apdu(apdu)
        if not isinstance(answer, Z3950SearchAnswer):
            raise Unavailable(
                write_about(
                    self._name, write_sentence("the answer to a search was %(kind)s", kind=type(answer).__name__)
                )
            )
        return answer


def _encoding_refusal(name: str, dialect: Z3950Dialect) -> Refused:
    return Refused(
        RefusalReason.INVALID_VALUE,
        write_sentence("%(name)s: the query cannot be written in %(charset)s.", name=name, charset=dialect.charset),
    )


def type1_query(query: CatalogueQuery, dialect: Z3950Dialect, name: str) -> RpnQuery:
    """`name`: of the target. Raises Refused for what can't be said to it."""
    if query.native:
        try:
            return pqf.parse_pqf(query.native)
        except pqf.PqfSyntaxError as error:
            raise Refused(
                RefusalReason.INVALID_VALUE,
                write_sentence("%(name)s: not a valid PQF query: %(report)s.", name=name, report=error),
            ) from error
    operands: list[Rpn] = [operand for term in query.terms for operand in _term_operands(term, dialect, name)]
    if not operands:
        raise Refused(RefusalReason.DATA_MISSING, write_sentence("%(name)s: the query is empty.", name=name))
    return RpnQuery(reduce(_join_by_and, operands), pqf.attribute_set_identifier(dialect.attribute_set))


def scan_operand(term: SearchTerm, dialect: Z3950Dialect, name: str) -> QueryOperand:
    """Make the operand of a scan: the whole term. Raises Refused."""
    index = _find_index_attributes(term, dialect, name)
    pairs = {**dialect.always.attribute_pairs(), **index.attribute_pairs()}
    return QueryOperand(_build_attributes(pairs), format_term_value(term.index, term.value, index.form))


def _join_by_and(left: Rpn, right: Rpn) -> Rpn:
    return BooleanQuery(BooleanOperator.AND, left, right)


def _term_operands(term: SearchTerm, dialect: Z3950Dialect, name: str) -> list[QueryOperand]:
    index = _find_index_attributes(term, dialect, name)
    value = format_term_value(term.index, term.value, index.form)
    if not value:
        return []
    match = (
        {}
        if term.index in NUMBERS and term.match is TermMatch.WORDS
        else dialect.match_attributes(term.match).attribute_pairs()
    )
    operand = QueryOperand(
        _build_attributes({**dialect.always.attribute_pairs(), **match, **index.attribute_pairs()}), value
    )
    words = value.split()
    if dialect.each_word and term.match is TermMatch.WORDS and len(words) > 1:
        single = _build_attributes({**dialect.always.attribute_pairs(), **match, 4: WORD, **index.attribute_pairs()})
        return [replace(operand, attributes=single, term=word) for word in words]
    return [operand]


def _find_index_attributes(term: SearchTerm, dialect: Z3950Dialect, name: str) -> IndexAttributes:
    index = dialect.index_attributes(term.index)
    if index is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("%(name)s: index '%(value)s' not found.", name=name, value=term.index.value),
        )
    return index


def _build_attributes(pairs: dict[int, int | str]) -> tuple[TermAttribute, ...]:
    return tuple(TermAttribute(type_, pairs[type_]) for type_ in sorted(pairs))


def read_answer_record(
    record: RawRecord | Z3950Diagnostic, position: int, how: Records, charset: str = "utf-8", source: str = ""
) -> FoundRecord:
    """Read a record; never raises: what can't be read is its `problem`. `charset`: of texts in OPAC records that aren't
    UTF-8."""
    if isinstance(record, Z3950Diagnostic):
        return FoundRecord(position=position, problem=describe_diagnostic(record))
    syntax = syntax_word(record.syntax)
    if not syntax:
        syntax_name = record.syntax or write_sentence("without a name")
        problem = write_sentence("record syntax %(name)s is not supported", name=syntax_name)
        return FoundRecord(position=position, raw=record.data, problem=problem)
    if syntax != "opac":
        return record_reader.record_from_bytes(syntax, record.data, position, how, source)
    try:
        decoded = decode_opac(record.data)
    except MalformedMessage as malformed:
        return FoundRecord(
            position=position,
            syntax=syntax,
            raw=record.data,
            problem=write_sentence("not an OPAC record: %(words)s", words=str(malformed)),
        )
    return _read_opac_record(decoded, record.data, position, how, TextDecoder(charset), source)


def _read_opac_record(
    decoded: dict[str, Any], raw: bytes, position: int, how: Records, texts: TextDecoder, source: str
) -> FoundRecord:
    bibliographic = None
    if "bibliographicRecord" in decoded:
        inner = _raw_record(decoded["bibliographicRecord"])
        if syntax_word(inner.syntax) != "opac":  # one in another would have no end
            bibliographic = read_answer_record(inner, position, how, texts.charset, source)
    items = None
    if "holdingsData" in decoded:
        items = tuple(item for holding in decoded["holdingsData"] for item in _read_opac_holding(holding, how, texts))
    return record_reader.record_from_opac(bibliographic, items, position, raw)


def _read_opac_holding(holding: tuple[str, Any], how: Records, texts: TextDecoder) -> tuple[HeldItem, ...]:
    kind, inner = holding
    if kind == "marcHoldingsRecord":
        return record_reader.holdings_from_marc(_raw_record(inner).data, how)
    volumes = (" ".join(_pick_texts(volume, _VOLUME_TEXTS, texts).values()) for volume in inner.get("volumes", ()))
    circulations = tuple(_read_circulation(circulation, texts) for circulation in inner.get("circulationData", ()))
    opac_holding = OpacHolding(_pick_texts(inner, _HOLDING_TEXTS, texts), tuple(filter(None, volumes)), circulations)
    return holdings.items_of_opac_holdings((opac_holding,), how)


def _read_circulation(item: Mapping[str, Any], texts: TextDecoder) -> OpacCirculation:
    item_texts = {_ITEM_TEXTS[key]: value for key, value in _pick_texts(item, tuple(_ITEM_TEXTS), texts).items()}
    return OpacCirculation(item_texts, item.get("availableNow"), item.get("onHold"))


def _pick_texts(values: Mapping[str, Any], names: tuple[str, ...], texts: TextDecoder) -> dict[str, str]:
    return {name: text for name in names if name in values and (text := texts(values[name]).strip())}


def _raw_record(external: dict[str, Any]) -> RawRecord:
    kind, value = external["encoding"]
    return RawRecord(external.get("direct-reference", ""), bytes(value[0] if kind == "arbitrary" else value))
