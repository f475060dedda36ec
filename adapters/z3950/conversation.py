"""What is said on one connection, in the order of the standard: Init; Search and Present; Scan."""

from __future__ import annotations

from adapters.z3950 import codec
from adapters.z3950.codec import Login
from adapters.z3950.diagnostics import OUT_OF_RANGE, SYNTAX_NOT_SUPPORTED, raised, words
from adapters.z3950.dialect import Z3950Dialect
from adapters.z3950.pqf import set_identifier
from adapters.z3950.transport import Connection
from adapters.z3950.values import Diagnostic, Found, InitAnswer, Operand, RawRecord, RpnQuery, ScanEntry, Scanned
from gateway.domain.frozen import frozen
from gateway.domain.problems import Reason, Refused, Unavailable

ELEMENTS_NOT_SUPPORTED = frozenset({24, 25, 26})


@frozen
class Results:
    """`records` from the position that was asked for on. `syntax`: object identifier of what they were asked in."""

    total: int
    records: tuple[RawRecord | Diagnostic, ...]
    notes: tuple[str, ...]
    syntax: str


async def sign_in(connection: Connection, login: Login, size: int, charset: str, name: str) -> None:
    """Raises Refused when the target doesn't let us in, Unavailable."""
    try:
        answer = await connection.ask(codec.init(login, size, charset))
    except UnicodeEncodeError:
        raise Refused(
            Reason.SENDER_AUTH_FAILED, f"{name}: the user name or password can't be said in {charset}."
        ) from None
    if not isinstance(answer, InitAnswer):
        raise Unavailable(f"{name}: the answer to an Init was {type(answer).__name__}")
    if not answer.accepted:
        why = "; ".join(words(one) for one in answer.diagnostics)
        raise Refused(Reason.SENDER_AUTH_FAILED, f"{name} does not let us in{f': {why}' if why else ''}.")
    connection.options = answer.options


async def scan(
    connection: Connection, term: Operand, count: int, dialect: Z3950Dialect, name: str
) -> tuple[ScanEntry, ...]:
    """Raises Refused, Unavailable."""
    if codec.SCAN not in connection.options:
        raise Refused(Reason.UNSUPPORTED_SERVICE, f"{name}: it has no lists of terms (Scan).")
    try:
        apdu = codec.scan(
            term,
            dialect.databases,
            count,
            charset=dialect.charset,
            attribute_set=set_identifier(dialect.attribute_set),
        )
    except UnicodeEncodeError:
        raise _unsayable(name, dialect) from None
    answer = await connection.ask(apdu)
    if not isinstance(answer, Scanned):
        raise Unavailable(f"{name}: the answer to a Scan was {type(answer).__name__}")
    if not answer.entries and answer.diagnostics:
        raise raised(answer.diagnostics, name)
    return answer.entries


class Search:
    """One query on one connection. `syntax`: the one to begin with, of those in the dialect."""

    def __init__(self, connection: Connection, dialect: Z3950Dialect, name: str, syntax: str) -> None:
        self._connection = connection
        self._dialect = dialect
        self._name = name
        self._syntaxes = [syntax, *(one for one in dialect.wanted if one != syntax)]
        self._elements = dialect.elements
        self._notes: list[str] = []

    async def run(self, query: RpnQuery, start: int, count: int) -> Results:
        """Raises Refused, Unavailable."""
        found = await self._search(query, start, count)
        wanted = min(count, max(0, found.hits - start + 1))
        records = found.records if not self._is_no(found) else ()
        if len(records) < wanted:
            records = await self._present(records, start, wanted)
        return Results(found.hits, records[:wanted], tuple(self._notes), self._syntaxes[0])

    async def _search(self, query: RpnQuery, start: int, count: int) -> Found:
        comes_along = start == 1 and self._dialect.along == "first-records"
        try:
            apdu = codec.search(
                query,
                self._dialect.databases,
                charset=self._dialect.charset,
                along=min(count, self._dialect.slice) if comes_along else 0,
                syntax=self._syntaxes[0],
                elements=self._elements,
            )
        except UnicodeEncodeError:
            raise _unsayable(self._name, self._dialect) from None
        found = await self._ask(apdu)
        if not found.succeeded:
            raise raised(found.diagnostics, self._name)
        return found

    async def _present(
        self, records: tuple[RawRecord | Diagnostic, ...], start: int, wanted: int
    ) -> tuple[RawRecord | Diagnostic, ...]:
        while (missing := wanted - len(records)) > 0:
            begin = start + len(records)
            apdu = codec.present(
                begin, min(missing, self._dialect.slice), syntax=self._syntaxes[0], elements=self._elements
            )
            found = await self._ask(apdu)
            if self._is_no(found) and not records:
                continue  # in another syntax, or without the element set
            if found.diagnostics:
                self._partly(found.diagnostics, records)
            if not found.records:
                self._notes.append(f"{len(records)} of {wanted} records came")
                break
            records += found.records
        return records

    def _is_no(self, found: Found) -> bool:
        """What was asked in isn't known to the target; the next that is asked will be something else."""
        about = found.diagnostics or tuple(one for one in found.records if isinstance(one, Diagnostic))
        if not about or (found.records and len(about) < len(found.records)):
            return False
        conditions = {one.condition for one in about}
        if conditions <= SYNTAX_NOT_SUPPORTED and len(self._syntaxes) > 1:
            self._syntaxes.pop(0)
            return True
        if conditions <= ELEMENTS_NOT_SUPPORTED and self._elements:
            self._elements = ""
            return True
        return False

    def _partly(self, diagnostics: tuple[Diagnostic, ...], records: tuple[RawRecord | Diagnostic, ...]) -> None:
        """With something in hand, a no is a note; otherwise it is the answer."""
        if not records and not any(one.condition == OUT_OF_RANGE for one in diagnostics):
            raise raised(diagnostics, self._name)
        self._notes += [words(one) for one in diagnostics]

    async def _ask(self, apdu: bytes) -> Found:
        answer = await self._connection.ask(apdu)
        if not isinstance(answer, Found):
            raise Unavailable(f"{self._name}: the answer to a search was {type(answer).__name__}")
        return answer


def _unsayable(name: str, dialect: Z3950Dialect) -> Refused:
    return Refused(Reason.INVALID_VALUE, f"{name}: the query can't be said in {dialect.charset}.")
