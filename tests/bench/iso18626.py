"""ISO 18626 over HTTP: one message in, its event applied and durable, its confirmation out.

A round sends new requests, then a cancellation of each, when the gateway has done what the requests gave it to do. The
bound is the bare handler of the NCIP rows.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.bench import messages
from tests.bench.bare import run_bare_handler
from tests.bench.load import all_good, drive, post, processor_seconds
from tests.bench.setting import with_readers
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file

Row = tuple[str, float, str, bool]

CONNECTIONS = 16
ROUNDS = 5
GOAL = 0.30
PATIENCE = 300.0
"""Seconds in which the gateway has done what a round of requests gave it to do."""

NAMESPACE = "http://illtransactions.org/2013/iso18626"
BJORNAVIK = {
    "extends": "iso18626-2017",
    "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
    "partner": {
        "symbols": ["ISIL:NO-0030100"],
        "name": "Bjørnavik bibliotek",
        "workflow": {"lending": {"cancel": "staff", "clearance": "not-required"}},
    },
}
"""A partner whose cancellations wait for staff, so that nothing is sent to it meanwhile."""


def make_installation(folder: Path) -> Installation:
    made = with_readers(folder)
    write_yaml_file(made.folder / "profiles" / "bjornavik.yml", BJORNAVIK)
    return made


def rows(folder: Path, seconds: float) -> list[Row]:
    """`seconds`: about how long each measurement lasts."""
    made = make_installation(folder / "iso18626")
    numbers = itertools.count(1)
    ratios: dict[str, list[float]] = {"request": [], "cancellation": []}
    with (
        made.serve_by_command() as daemon,
        run_bare_handler(made.folder, made.post(messages.lookup_user())) as (bare_port, bare),
    ):
        bare_request = post("/ncip", messages.lookup_user(), bare_port)
        guess = int(_measure(bare, bare_port, [bare_request] * 500, is_answered).rate * seconds)
        first = _measure(daemon.pid, made.port, _prepare(made, itertools.islice(numbers, 400), write_request), is_taken)
        for number in range(1, ROUNDS + 1):
            taken = list(itertools.islice(numbers, int(first.rate * seconds)))
            for kind, write in (("request", write_request), ("cancellation", write_cancellation)):
                _await_rest(made)
                bound = _measure(bare, bare_port, [bare_request] * guess, is_answered)
                value = _measure(daemon.pid, made.port, _prepare(made, taken, write), is_taken)
                ratios[kind].append(value.rate / bound.rate)
                print(f"ISO 18626 {kind}, round {number}: bare {bound}, illgate {value}, ratio {ratios[kind][-1]:.2f}")
    return [(f"ISO 18626 {kind}, durable / bare aiohttp handler", *_judge(found)) for kind, found in ratios.items()]


def _judge(ratios: list[float]) -> tuple[float, str, bool]:
    median = statistics.median(ratios)
    return median, f"≥ {GOAL:.2f}", median >= GOAL


@dataclass(frozen=True)
class Throughput:
    """`rate`: messages a second; `processor`: seconds of the server's for each, which others' work hardly changes."""

    rate: float
    processor: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s with {self.processor * 1000:.2f} ms of processor each"


def _measure(process: int, port: int, prepared: Sequence[bytes], good: Callable[[bytes], bool]) -> Throughput:
    """Raises RuntimeError where a message wasn't taken."""
    before = processor_seconds(process)
    result = all_good(drive(port, iter(prepared), connections=CONNECTIONS, good=good))
    return Throughput(result.rate, (processor_seconds(process) - before) / len(prepared))


def _prepare(made: Installation, numbers: Iterable[int], write: Callable[[int], bytes]) -> list[bytes]:
    return [post("/iso18626", write(number), made.port) for number in numbers]


def _await_rest(made: Installation) -> None:
    """Until nothing waits in the outbox. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    with closing(sqlite3.connect(f"file:{made.database}?mode=ro", uri=True)) as store:
        while store.execute("SELECT count(*) FROM outbox WHERE status IN ('waiting', 'in-hand')").fetchone()[0]:
            if time.monotonic() > end:
                raise TimeoutError(f"the outbox isn't empty after {PATIENCE:.0f} seconds")
            time.sleep(0.1)


# --- messages --------------------------------------------------------------------------------------------


is_answered = messages.succeeded("LookupUser")


def is_taken(answer: bytes) -> bool:
    return b"<messageStatus>OK</messageStatus>" in answer


def write_request(number: int) -> bytes:
    return _write_message(
        "request",
        number,
        "<bibliographicInfo><title>Brennu-Njáls saga</title><author>Óþekktur</author>"
        "<bibliographicItemId><bibliographicItemIdentifier>9789979530862</bibliographicItemIdentifier>"
        "<bibliographicItemIdentifierCode>ISBN</bibliographicItemIdentifierCode></bibliographicItemId>"
        "</bibliographicInfo><serviceInfo><requestType>New</requestType><serviceType>Loan</serviceType>"
        "<needBeforeDate>2027-12-01T23:59:59Z</needBeforeDate></serviceInfo>",
    )


def write_cancellation(number: int) -> bytes:
    return _write_message("requestingAgencyMessage", number, "<action>Cancel</action>")


def _write_message(name: str, number: int, inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ISO18626Message xmlns="{NAMESPACE}" xmlns:ill="{NAMESPACE}" '
        f'ill:version="1.2"><{name}><header>'
        "<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>DEMO</agencyIdValue></supplyingAgencyId>"
        "<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>NO-0030100</agencyIdValue>"
        "</requestingAgencyId><multipleItemRequestId/><timestamp>2026-11-27T08:00:00Z</timestamp>"
        f"<requestingAgencyRequestId>2026-{number}</requestingAgencyRequestId></header>{inner}</{name}></ISO18626Message>"
    ).encode()
