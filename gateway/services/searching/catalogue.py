"""The `Catalogue` that asks: a partner's own or shared catalogue, by the section `locate` of its profile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from gateway.domain.frozen import frozen
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.locate import LocatePolicy, Unreachable
from gateway.domain.requests.request import ServiceType
from gateway.ports.catalogue import Holding, Holdings
from gateway.profiles import ProfileSet
from gateway.services.searching.asking import Asker, why
from gateway.services.searching.judging import Sought, Verdict, judge
from gateway.services.searching.plan import Question, questions
from gateway.services.searching.targets import Target, catalogue_of


@frozen
class SearchCatalogue:
    """`profiles` gives those in use now: a partner may share another profile's catalogue."""

    asker: Asker
    profiles: Callable[[], ProfileSet]

    async def holds(self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN) -> Holdings:
        policy = partner.locate
        if policy is None:
            return Holdings(Holding.UNKNOWN, "its profile doesn't say how its catalogue is searched")
        try:
            target = catalogue_of(partner, self.profiles(), self.asker.searches)
        except Refused as wrong:
            return Holdings(Holding.UNKNOWN, why(wrong), skip=policy.unreachable is Unreachable.SKIP)
        asked = questions(citation, policy)
        if not asked:
            return Holdings(Holding.UNKNOWN, "the citation has no number and no title that could be looked up")
        clock = asyncio.get_running_loop().time
        begun = clock()
        found = await _Search(self.asker, target, Sought(citation, service, policy)).run(asked)
        return Holdings(found.holding, f"{target.name}: {found.note}", clock() - begun, found.skip)


@frozen
class _Found:
    holding: Holding
    note: str
    skip: bool = False


class _Search:
    """All questions of one plan, until a record is found. `said` grows with each answer."""

    def __init__(self, asker: Asker, target: Target, sought: Sought) -> None:
        self._asker = asker
        self._target = target
        self._sought = sought
        self._said: list[str] = []
        self._verdicts: list[Verdict] = []

    async def run(self, asked: tuple[Question, ...]) -> _Found:
        policy = self._sought.policy
        try:
            async with asyncio.timeout(policy.seconds):
                for question in asked:
                    if (verdict := await self._ask(question, policy)) is not None and verdict.found:
                        return _Found(verdict.holding, self._note())
        except TimeoutError:
            return self._unreachable(f"no answer within {policy.seconds:g} seconds")
        except Unavailable as error:
            return self._unreachable(why(error))
        if not self._verdicts:
            return self._unreachable("")  # it refused every question
        unclear = any(verdict.holding is Holding.UNKNOWN for verdict in self._verdicts)
        return _Found(Holding.UNKNOWN if unclear else Holding.NOT, self._note())

    async def _ask(self, question: Question, policy: LocatePolicy) -> Verdict | None:
        """None: the catalogue can't be asked this. Raises Unavailable."""
        keep = timedelta(minutes=policy.cache_minutes)
        try:
            hits = await self._asker.ask(
                self._target, question.query, count=policy.looked_at, seconds=policy.seconds, keep=keep
            )
        except Refused as refused:
            self._said.append(f"{question.says}: refused, {why(refused)}")
            return None
        verdict = judge(question.step, hits, self._sought)
        self._said.append(f"{question.says}: {verdict.note}")
        self._verdicts.append(verdict)
        return verdict

    def _unreachable(self, reason: str) -> _Found:
        if reason:
            self._said.append(reason)
        return _Found(Holding.UNKNOWN, self._note(), self._sought.policy.unreachable is Unreachable.SKIP)

    def _note(self) -> str:
        return "; ".join(self._said)
