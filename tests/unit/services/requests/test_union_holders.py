"""Holders that a union catalogue shows: whose location it is, and what happens while it gives no answer."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.catalogue_policy import LocatePolicy
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.request import RotaLine, RotaLineStatus, ServiceType
from gateway.ports.catalogue import HoldingAnswer, HoldingsReport, LocationReport
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.suppliers import KnownHoldings, find_holders, find_holders_if_possible
from tests.support.requests import borrowing

PROFILES = {
    "union": Profile(name="union"),
    "oak": Profile(name="oak", partner=PartnerPolicy(symbols=("ISIL:US-OAK", "OCLC:OAK"))),
    "elm": Profile(
        name="elm",
        partner=PartnerPolicy(symbols=("ISIL:US-ELM",)),
        locate=LocatePolicy(target="union", locations=("ELM-*",)),
    ),
    "fir": Profile(name="fir", partner=PartnerPolicy(symbols=("ISIL:US-FIR",))),
}
ROTA = tuple(RotaLine(name, catalogue="union") for name in ("oak", "elm"))


class Union:
    """A catalogue that answers so, or with this error."""

    def __init__(self, answer: Sequence[str] | Exception) -> None:
        self._answer = answer

    async def holds(
        self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN
    ) -> HoldingsReport:
        return HoldingsReport(HoldingAnswer.UNKNOWN)

    async def list_holders(self, citation: Citation, union: Profile, service: ServiceType) -> Sequence[LocationReport]:
        assert union.name == "union"
        if isinstance(self._answer, Exception):
            raise self._answer
        return [LocationReport(location, HoldingAnswer.OWNS, location) for location in self._answer]


def context_of(answer: Sequence[str] | Exception) -> LibraryContext:
    pairs = tuple((profile, profile.partner) for profile in PROFILES.values() if profile.partner is not None)
    made = SimpleNamespace(profile=PROFILES.get, partners=lambda: pairs, catalogue=KnownHoldings(Union(answer)))
    return cast(LibraryContext, made)


async def list_lines(*locations: str) -> list[tuple[str, str]]:
    request = await find_holders(context_of(locations), borrowing(rota=ROTA))
    return [(line.partner, line.held or line.standing.value) for line in request.rota]


@pytest.mark.parametrize("location", ["US-OAK", "us-oak", "ISIL:US-OAK", "OAK"])
async def test_a_location_is_a_members_by_each_of_its_symbols(location: str) -> None:
    assert await list_lines(location) == [("oak", f"union: {location}")]


async def test_a_location_is_a_members_by_the_patterns_of_its_profile_before_its_symbols() -> None:
    assert await list_lines("ELM-2", "US-ELM") == [("elm", "union: ELM-2"), ("US-ELM", "skipped")]


async def test_a_partner_without_a_line_is_neither_asked_nor_called_unknown() -> None:
    assert await list_lines("US-FIR", "US-YEW") == [("US-YEW", "skipped")]


async def test_a_catalogue_that_was_looked_into_is_not_asked_again() -> None:
    request = borrowing(rota=(RotaLine("oak", held="union: US-OAK"),))

    assert await find_holders(context_of(Unavailable("away")), request) == request


@pytest.mark.parametrize("error", [Unavailable("no answer"), Refused(RefusalReason.INVALID_VALUE, "no answer")])
async def test_while_it_gives_no_answer_nobody_is_asked(error: Exception) -> None:
    context, request = context_of(error), borrowing(rota=(*ROTA, RotaLine("fir")))

    with pytest.raises(Unavailable, match="no answer"):
        await find_holders(context, request)
    explained = await find_holders_if_possible(context, request)

    assert [(line.partner, line.standing) for line in explained.rota] == [
        ("oak", RotaLineStatus.SKIPPED),
        ("elm", RotaLineStatus.SKIPPED),
        ("fir", RotaLineStatus.WAITING),
    ]
    assert "no answer" in explained.rota[0].why
