"""What a PostgreSQL server was asked to do, as it says itself: statements by their text, and transactions."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tests.support.postgresql import Server

TOLD = ("log_statement=all", "log_line_prefix=@@%d %v@@ ")
"""Settings of a server that writes down each statement, with its database and its transaction."""

_ENTRY = re.compile(
    r"^@@(?P<database>\S+) (?P<transaction>\S+)@@ LOG:  (?:execute [^:]*|statement): (?P<sql>.*?)(?=^@@|\Z)",
    re.DOTALL | re.MULTILINE,
)
_IN_ANY_CASE = re.compile(
    r"\b(FROM|INTO|UPDATE) node\b|\bleader\b|clock_timestamp|^NOTIFY\b"
    r"|FROM request_timer WHERE request_timer.at IS NOT NULL|FROM replay_job\b",
    re.IGNORECASE,
)
"""What a node does every second or so, whatever else it does: it says that it lives, looks for due timers and for
jobs, and tells others that there is work."""


@dataclass(frozen=True)
class ServerLoad:
    """`statements`: by text, with begin and commit; a statement that is carried out for several rows, each time."""

    statements: Counter[str]
    transactions: int

    @property
    def count(self) -> int:
        return self.statements.total()

    def describe(self, times: int) -> str:
        """What was done most, of so many times the same."""
        lines = (f"{count / times:6.2f}  {sql[:230]}" for sql, count in self.statements.most_common())
        return "\n".join(lines)


class StatementCounter:
    """For one database of a server with the settings `TOLD`."""

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database
        self._read = 0

    def reset(self) -> None:
        self._read = len(self._server.read_log())

    def read(self) -> ServerLoad:
        """Since the last reset, without what nodes do in any case."""
        statements: Counter[str] = Counter()
        transactions = set()
        entries = [
            (entry["transaction"], " ".join(entry["sql"].split()))
            for entry in _ENTRY.finditer(self._server.read_log()[self._read :])
            if entry["database"] == self._database
        ]
        beats = {transaction for transaction, sql in entries if _IN_ANY_CASE.search(sql)}
        for transaction, sql in entries:
            if transaction not in beats:
                statements[sql] += 1
                transactions.add(transaction)
        return ServerLoad(statements, len(transactions))
