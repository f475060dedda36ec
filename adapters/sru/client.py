"""The port `RecordSearch` in SRU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from adapters.marc import record_reader
from adapters.sru import codec
from adapters.sru.codec import (
    OUT_OF_RANGE,
    SCHEMA_NOT_KNOWN,
    ServerExplanation,
    SruDiagnostic,
    SruRecord,
    SruSearchAnswer,
    describe_diagnostic,
    diagnostic_number,
    error_of_diagnostics,
)
from adapters.sru.dialect import SECTION, SruDialect
from adapters.sru.transport import SruEndpoint, SruHttp
from gateway.domain.problems import ConfigurationError, MalformedMessage, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.adapter import SearchContext
from gateway.ports.catalogue import CatalogueQuery, FoundRecord, SearchHits, SearchTerm

T = TypeVar("T")


class SruSearch:
    name = SECTION

    def __init__(self, context: SearchContext) -> None:
        self._secrets = context.secrets
        self._http = SruHttp(context.addresses)

    async def search(self, target: Profile, query: CatalogueQuery, *, start: int = 1, count: int = 10) -> SearchHits:
        dialect = target.require_dialect(SECTION, SruDialect)
        cql = codec.format_cql(query, dialect, target.name)
        reply, schema = await self._search_first_schema(target, dialect, cql, start, count)
        if reply.total is None or (reply.diagnostics and not reply.total):
            raise error_of_diagnostics(reply.diagnostics, target.name)
        notes = [describe_diagnostic(fault) for fault in reply.diagnostics if diagnostic_number(fault) != OUT_OF_RANGE]
        wanted = min(count, max(0, reply.total - start + 1))
        collected = list(reply.records)
        while len(collected) < wanted:
            begin, size = start + len(collected), min(wanted - len(collected), dialect.slice)
            more = await self._search_once(target, dialect, cql, begin, size, schema)
            notes += [describe_diagnostic(diagnostic) for diagnostic in more.diagnostics]
            if not more.records and not collected and more.diagnostics:
                raise error_of_diagnostics(more.diagnostics, target.name)
            if not more.records:
                notes.append(f"{len(collected)} of {wanted} records came")
                break
            collected += more.records
        records = tuple(
            _read_found_record(record, position, dialect, target.name)
            for position, record in enumerate(collected[:wanted], start=start)
        )
        return SearchHits(total=reply.total, records=records, asked=cql, notes=tuple(notes))

    async def terms(self, target: Profile, term: SearchTerm, *, count: int = 10) -> tuple[tuple[str, int], ...]:
        dialect = target.require_dialect(SECTION, SruDialect)
        clause = codec.format_scan_clause(term, dialect, target.name)
        parameters = codec.scan_parameters(dialect.version, clause, count)
        scanned = await self._request_answer(target, dialect, parameters, codec.parse_scan_answer)
        if not scanned.terms and scanned.diagnostics:
            raise error_of_diagnostics(scanned.diagnostics, target.name)
        return scanned.terms[:count]

    async def explain_server(self, target: Profile) -> ServerExplanation:
        """Return what the server says of itself: indexes and schemas, for whoever writes the profile.

        Raises Unavailable, Refused.
        """
        dialect = target.require_dialect(SECTION, SruDialect)
        return await self._request_answer(
            target, dialect, codec.explain_parameters(dialect.version), codec.parse_explain_answer
        )

    async def close(self) -> None:
        await self._http.close()

    async def _search_first_schema(
        self, target: Profile, dialect: SruDialect, asked: str, start: int, count: int
    ) -> tuple[SruSearchAnswer, str]:
        """Search in the first schema that the target knows."""
        for schema in dialect.schemas:
            answer = await self._search_once(target, dialect, asked, start, min(count, dialect.slice), schema)
            if not _is_schema_unknown(answer):
                break
        return answer, schema

    async def _search_once(
        self, target: Profile, dialect: SruDialect, asked: str, start: int, count: int, schema: str
    ) -> SruSearchAnswer:
        parameters = codec.search_parameters(dialect.version, asked, start, count, schema)
        return await self._request_answer(target, dialect, parameters, codec.parse_search_answer)

    async def _request_answer(
        self, target: Profile, dialect: SruDialect, parameters: Mapping[str, str], read: Callable[[bytes], T]
    ) -> T:
        answer = await self._http.request(self._build_endpoint(dialect), {**parameters, **dialect.parameters})
        try:
            return read(answer)
        except MalformedMessage as malformed:
            raise Unavailable(
                write_about(target.name, write_sentence("the answer is not SRU: %(report)s", report=malformed))
            ) from malformed

    def _build_endpoint(self, dialect: SruDialect) -> SruEndpoint:
        """Build the endpoint; raises Refused when a secret isn't where the profile says."""
        who = dialect.sign_in
        try:
            password = self._secrets(who.password) if who.password else ""
            key = (who.parameter, self._secrets(who.key)) if who.key else ("", "")
        except ConfigurationError as error:
            raise Refused(
                RefusalReason.SENDER_AUTH_FAILED, write_sentence("Sign-in failed: %(report)s", report=error.detail)
            ) from error
        return SruEndpoint(
            dialect.url,
            dialect.method,
            dialect.seconds.connect,
            dialect.seconds.answer,
            dialect.redirects,
            dialect.max_bytes,
            who.user,
            password,
            key,
        )


def _is_schema_unknown(answer: SruSearchAnswer) -> bool:
    """The schema isn't known to the target: for the whole, or for each record."""
    about = answer.diagnostics or tuple(hit.data for hit in answer.records if isinstance(hit.data, SruDiagnostic))
    return (
        bool(about)
        and {diagnostic_number(diagnostic) for diagnostic in about} <= SCHEMA_NOT_KNOWN
        and len(about) >= len(answer.records)
    )


def _read_found_record(record: SruRecord, position: int, dialect: SruDialect, source: str) -> FoundRecord:
    if isinstance(record.data, SruDiagnostic):
        return FoundRecord(position=position, problem=describe_diagnostic(record.data))
    return record_reader.record_from_xml(record.data, position, dialect.records, source)
