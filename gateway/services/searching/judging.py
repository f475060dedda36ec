"""What the answer of a catalogue means for a rota. Pure: records and rules in, a verdict with its reason out."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.frozen import frozen
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.locate import Lends, LocatePolicy, Need, Step
from gateway.domain.requests.locate_match import agreement
from gateway.domain.requests.locate_volumes import Wanted, covers
from gateway.domain.requests.request import ServiceType
from gateway.ports.catalogue import Holding
from gateway.ports.search import FoundRecord, HeldItem, Hits

_BEST_FIRST = (Holding.OWNS, Holding.UNKNOWN, Holding.NOT_LENT, Holding.NOT)


@frozen
class Sought:
    """What is asked for, and how answers are taken."""

    citation: Citation
    service: ServiceType
    policy: LocatePolicy


@frozen
class Verdict:
    """`found`: a record is the one that is asked for; else NOT, or UNKNOWN where the answer decides nothing."""

    holding: Holding
    note: str
    found: bool = False


def judge(step: Step, hits: Hits, sought: Sought) -> Verdict:
    """Of one question: the best of the records that are what is asked for."""
    if not hits.total:
        return Verdict(Holding.NOT, "no hits")
    if step is Step.TITLE and hits.total > sought.policy.title.most_hits:
        return Verdict(Holding.UNKNOWN, f"{hits.total} hits, too many to tell")
    agreed = [(record, agreement(sought.citation, record.citation, sought.policy.title)) for record in hits.records]
    same = [(record, one.how) for record, one in agreed if one.same]
    if same:
        judged = [_judge_record(record, how, sought) for record, how in same]
        return min(judged, key=lambda verdict: _BEST_FIRST.index(verdict.holding))
    return _none_same(hits, [one.how for _, one in agreed])


def _none_same(hits: Hits, reasons: list[str]) -> Verdict:
    unread = next((record.problem for record in hits.records if record.problem), "")
    if unread or not hits.records:
        return Verdict(Holding.UNKNOWN, f"{_hits(hits.total)} that can't be read" + (f": {unread}" if unread else ""))
    if hits.total > len(hits.records):
        return Verdict(Holding.UNKNOWN, f"{_hits(hits.total)}, none of the first {len(hits.records)} is the one")
    return Verdict(Holding.NOT, f"{_hits(hits.total)}, not the one: {', '.join(dict.fromkeys(reasons))}")


def _hits(total: int) -> str:
    return f"{total} hit{'s' if total != 1 else ''}"


# --- one record ------------------------------------------------------------------------------------------


def _judge_record(record: FoundRecord, how: str, sought: Sought) -> Verdict:
    holding, note = _holdings(record.holdings, sought)
    return Verdict(holding, f"{how}; {note}" if note else how, found=True)


def _holdings(held: tuple[HeldItem, ...] | None, sought: Sought) -> tuple[Holding, str]:
    policy = sought.policy
    if policy.holdings is Need.IGNORED:
        return Holding.OWNS, ""
    if held is None:
        if policy.holdings is Need.REQUIRED:
            return Holding.NOT, "no holdings are shown"
        if policy.locations:
            return Holding.UNKNOWN, "who holds it is not shown"
        return Holding.OWNS, "no holdings are shown"
    here = [one for one in held if policy.is_here(one)]
    if not here:
        return Holding.NOT, "none of its holdings is there" if held else "without holdings"
    return _covering(here, sought)


def _covering(here: list[HeldItem], sought: Sought) -> tuple[Holding, str]:
    """A holding that says nothing about volumes may have all of them."""
    wanted = Wanted.of(sought.citation) if sought.policy.volumes else Wanted()
    if not wanted:
        return _lent(here, sought)
    said = [(one, covers(one.volumes, wanted) if one.volumes.strip() else True) for one in here]
    if covering := [one for one, answer in said if answer]:
        return _lent(covering, sought)
    if unclear := [one for one, answer in said if answer is None]:
        holding, note = _lent(unclear, sought)
        if holding is Holding.OWNS:
            return Holding.UNKNOWN, f"whether {_part(wanted)} is there can't be read from '{unclear[0].volumes}'"
        return holding, note
    return Holding.NOT, f"{_part(wanted)} is not in {_few(one.volumes for one in here)}"


def _lent(held: list[HeldItem], sought: Sought) -> tuple[Holding, str]:
    rated = [(one, sought.policy.lends(one, sought.service)) for one in held]
    for wanted in (Lends.YES, Lends.ASK):
        if (found := next((one for one, lends in rated if lends is wanted), None)) is not None:
            return Holding.OWNS, f"{_place(found)}{', lent by decision' if wanted is Lends.ASK else ''}"
    return Holding.NOT_LENT, _few(map(_place, held))


def _part(wanted: Wanted) -> str:
    return f"volume {wanted.volume}" if wanted.volume is not None else f"the year {wanted.year}"


def _place(one: HeldItem) -> str:
    words = (one.location, one.sublocation, one.volumes, one.policy, one.status)
    return ", ".join(filter(None, words)) or "a holding"


def _few(texts: Iterable[str], most: int = 3) -> str:
    different = list(dict.fromkeys(texts))
    return "; ".join([*different[:most], *(["…"] if len(different) > most else [])])
