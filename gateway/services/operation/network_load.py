"""Loads of suppliers, asked of the network's members.

A load only helps to rank suppliers, so nothing waits for it, and a member that is silent is no trouble: what it said
last counts for a while, then nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from yarl import URL

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, Unavailable
from gateway.domain.requests.network_load import (
    NOTHING,
    LoadReport,
    MemberContact,
    NetworkMember,
    ReportedLoad,
    sum_reported_load,
)
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.outgoing_http import HttpClient, HttpFailure, HttpLimits, HttpRequest
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import request_counts

log = structlog.get_logger(component="network")

PATH = "/api/v1/network/load"

SECONDS = 10.0
"""Longest time for the whole of one answer."""

MAX_ANSWER_BYTES = 1_000_000
MAX_SUPPLIERS = 10_000

_Symbol = Annotated[str, StringConstraints(min_length=1, max_length=200)]

LOOK_SECONDS = 15.0
"""So often it is looked whether a library wants to ask again."""

AT_ONCE = 8
"""Members asked at the same time."""

Secrets = Callable[[str], str]
Observe = Callable[[str], None]
"""Gets the outcome of each question: answered, silent."""


class _SupplierLoad(BaseModel):
    """A later release may say more; it isn't read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    symbol: _Symbol
    open: int = Field(ge=0, le=1_000_000_000)


class LoadAnswer(BaseModel):
    """The answer of `networkLoad`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    library: _Symbol
    items: tuple[_SupplierLoad, ...] = Field(max_length=MAX_SUPPLIERS)


class MemberSilentError(Exception):
    """No answer that can be used. `reason` names no key and no content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def ask_member(client: HttpClient, member: NetworkMember, key: str) -> LoadAnswer:
    """Ask a member; raises MemberSilentError."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    request = HttpRequest("GET", URL(member.url + PATH), headers=headers)
    try:
        reply = await client.exchange(request, HttpLimits(None, SECONDS, MAX_ANSWER_BYTES))
    except HttpFailure as failure:
        raise MemberSilentError(failure.describe_place(request.url.origin())) from failure
    if reply.status != 200:
        raise MemberSilentError(f"it answers with status {reply.status}")
    if reply.is_cut:
        raise MemberSilentError(f"its answer has more than {MAX_ANSWER_BYTES:,} bytes")
    try:
        return LoadAnswer.model_validate_json(reply.body)
    except ValidationError as error:
        raise MemberSilentError("its answer is not that of a gateway's API") from error


def observe_nothing(_outcome: str) -> None:
    """Observes nothing."""


class LibraryLoads:
    """The loads that the members among one library's own partners report."""

    def __init__(self, symbol: str, clock: Clock, secrets: Secrets, observe: Observe) -> None:
        self._symbol = symbol
        self._clock = clock
        self._secrets = secrets
        self._observe = observe
        self.reports: dict[str, LoadReport] = {}
        """The newest of each member, by profile, however old."""
        self._silent: dict[str, str] = {}
        self._asked: datetime | None = None

    def reported_load(self, symbols: tuple[str, ...], policy: RequestPolicy) -> ReportedLoad:
        """Return the load of the supplier with these symbols, as it counts now for this library."""
        minutes = policy.ranking.network_minutes
        if not minutes:
            return NOTHING
        age = timedelta(minutes=policy.ranking.network_age_minutes)
        return sum_reported_load(self.reports.values(), symbols, self._symbol, self._clock.now(), age)

    def find_contact(self, member: str) -> MemberContact:
        report = self.reports.get(member)
        return MemberContact(report.at if report is not None else None, self._silent.get(member, ""))

    async def restore_reports(self, context: LibraryContext) -> None:
        """Restore at start what those who are members still had said before; how long it counts is looked at when it is
        used. Raises Unavailable."""
        reports = await context.store.read(lambda c: request_counts.list_reports(c, self._symbol))
        if reports:  # else no profile needs to be read
            members = _members_of_library(context)
            self.reports |= {report.member: report for report in reports if report.member in members}

    async def ask_when_due(self, context: LibraryContext) -> None:
        minutes = context.policy().ranking.network_minutes
        if minutes and (self._asked is None or self._clock.now() - self._asked >= timedelta(minutes=minutes)):
            await self.ask_all_members(context)

    async def ask_all_members(self, context: LibraryContext) -> None:
        """Ask all members now. Never raises for a member's sake."""
        self._asked = self._clock.now()
        members = _members_of_library(context)
        for kept in (self.reports, self._silent):
            for former in kept.keys() - members:
                del kept[former]
        await self._store_reports(context, members, await self._ask_members(members))

    async def _store_reports(
        self, context: LibraryContext, members: Mapping[str, NetworkMember], heard: Collection[str]
    ) -> None:
        """Store reports; nothing but the ranking after a start depends on it: a store that is away is no trouble
        now."""
        new = [report for name, report in self.reports.items() if name in heard]

        def replace_reports(connection: Transaction) -> None:
            request_counts.forget_former_members(connection, self._symbol, members)
            request_counts.store_report(connection, self._symbol, new)

        try:
            await context.store.write(replace_reports)
        except Unavailable as error:
            log.warning("network.not_kept", library=self._symbol, reason=str(error))

    async def _ask_members(self, members: Mapping[str, NetworkMember]) -> Collection[str]:
        """Ask members, and return those that answered."""
        if not members:
            return ()
        heard: list[str] = []
        slots = asyncio.Semaphore(AT_ONCE)
        async with HttpClient() as client:

            async def ask_in_turn(name: str, member: NetworkMember) -> None:
                async with slots:
                    if await self._ask_for_load(client, name, member):
                        heard.append(name)

            async with asyncio.TaskGroup() as group:
                for name, member in members.items():
                    group.create_task(ask_in_turn(name, member))
        return heard

    async def _ask_for_load(self, client: HttpClient, name: str, member: NetworkMember) -> bool:
        """Ask a member, and return whether it answered."""
        try:
            answer = await ask_member(client, member, self._secrets(member.key))
        except (MemberSilentError, ConfigurationError) as problem:
            self._record_silence(
                name, problem.reason if isinstance(problem, MemberSilentError) else "its key can't be read"
            )
            return False
        self._observe("answered")
        self.reports[name] = _report_of_answer(name, answer, self._clock.now())
        if self._silent.pop(name, ""):
            log.info("network.member_recovered", library=self._symbol, member=name)
        return True

    def _record_silence(self, name: str, reason: str) -> None:
        """Record a silence once for each reason, not each time."""
        self._observe("silent")
        if self._silent.get(name) != reason:
            log.warning("network.member_not_responding", library=self._symbol, member=name, reason=reason)
        self._silent[name] = reason


class NetworkLoads:
    """The loads of all libraries of a gateway. While `is_paused` says so, nobody is asked."""

    def __init__(
        self,
        symbols: Iterable[str],
        clock: Clock,
        secrets: Secrets,
        observe: Observe = observe_nothing,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_paused = is_paused
        self._make_loads = partial(LibraryLoads, clock=clock, secrets=secrets, observe=observe)
        self.libraries = {symbol: self._make_loads(symbol) for symbol in symbols}

    def add_library(self, symbol: str) -> LibraryLoads:
        """Add a library, unless it is here already."""
        return self.libraries.setdefault(symbol, self._make_loads(symbol))

    async def restore_reports(self, contexts: Mapping[str, LibraryContext]) -> None:
        """Restore the reports of all libraries. Raises Unavailable."""
        for symbol, loads in self.libraries.items():
            await loads.restore_reports(contexts[symbol])

    async def run(self, contexts: Mapping[str, LibraryContext]) -> None:
        """Run until it is cancelled."""
        while True:
            if not self._is_paused():
                await self.ask_due_libraries(contexts)
            await asyncio.sleep(LOOK_SECONDS)

    async def ask_due_libraries(self, contexts: Mapping[str, LibraryContext]) -> None:
        """Let libraries whose time has come ask all their members."""
        for symbol, context in tuple(contexts.items()):
            await self.libraries[symbol].ask_when_due(context)


def _members_of_library(context: LibraryContext) -> dict[str, NetworkMember]:
    return {profile.name: partner.network for profile, partner in context.partners() if partner.network}


def _report_of_answer(member: str, answer: LoadAnswer, at: datetime) -> LoadReport:
    loads: dict[str, int] = {}
    for item in answer.items:
        loads[item.symbol.casefold()] = loads.get(item.symbol.casefold(), 0) + item.open
    return LoadReport(member=member, library=answer.library, at=at, open=loads)
