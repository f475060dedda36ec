"""How many requests of a list have what, on both databases."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LibraryParty,
    RequestedService,
    RequestFlag,
    Role,
    ServiceType,
    State,
)
from gateway.domain.requests.views import ListFacet, RequestFilter
from gateway.ports.shared_store import Store
from gateway.store.requests import request_facets, request_lists, requests
from gateway.store.requests.request_facets import count_list
from tests.unit.store.requests.samples import AT, LIBRARY, borrowing, insert, later, lending

OPEN_BORROWING = RequestFilter(role=Role.BORROWING, open=True)


async def counts(store: Store, wanted: RequestFilter) -> dict[str, dict[str, int] | None]:
    """By name of the facet, without empty ones; `total` beside them."""
    found = await store.read(lambda c: count_list(c, LIBRARY, wanted))
    said = {facet.value: None if one is None else dict(one) for facet, one in found.counts.items() if one != {}}
    return {"total": None if found.total is None else {"": found.total}, **said}


MADE = (
    borrowing(state=BorrowingState.SHIPPED, labels=("rush", "Raum B"), assignee="ruth"),
    borrowing(state=BorrowingState.SHIPPED, branch="south"),
    borrowing(state=BorrowingState.REVIEW, partner=LibraryParty(), service=RequestedService(ServiceType.COPY)),
    borrowing(state=BorrowingState.COMPLETED, assignee="ruth"),
    lending(labels=("rush",)),
)


async def test_the_list_of_a_side_is_counted_as_it_changes(migrated: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await insert(migrated, *MADE)
    monkeypatch.setattr(request_facets, "MAX_COUNTED", 0)

    assert await counts(migrated, OPEN_BORROWING) == {
        "total": {"": 3},
        "task": {"to-receive": 2, "awaiting-review": 1},
        "state": {"shipped": 2, "review": 1, "completed": 1},
        "partner": {"utrecht": 2, "": 1},
        "service": {"loan": 2, "copy": 1},
        "branch": {"north": 2, "south": 1},
        "assignee": {"": 2, "ruth": 1},
        "label": {"rush": 1, "Raum B": 1},
    }
    closed = later(MADE[0], state=BorrowingState.CANCELLED)
    await migrated.write(lambda c: requests.save_request(c, closed))
    await migrated.write(lambda c: requests.amend_request(c, replace(MADE[1], assignee="ada", labels=("rush",))))
    found = await counts(migrated, OPEN_BORROWING)
    assert found["total"] == {"": 2}
    assert found["state"] == {"shipped": 1, "review": 1, "completed": 1, "cancelled": 1}
    assert found["assignee"] == {"": 1, "ada": 1}
    assert found["label"] == {"rush": 1}
    assert (await counts(migrated, replace(OPEN_BORROWING, role=Role.LENDING)))["total"] == {"": 1}


async def test_a_short_list_is_counted_row_by_row(migrated: Store) -> None:
    await insert(migrated, *MADE)
    found = await counts(migrated, replace(OPEN_BORROWING, branches=("north",)))
    assert found["total"] == {"": 2}
    assert found["state"] == {"shipped": 1, "review": 1}
    assert found["branch"] == {"north": 2, "south": 1}, "what there would be if no branch were chosen"
    assert found["label"] == {"rush": 1, "Raum B": 1}


async def test_each_facet_is_counted_as_if_nothing_were_chosen_of_it(migrated: Store) -> None:
    await insert(migrated, *MADE)
    wanted = replace(OPEN_BORROWING, task="to-receive", assignee="ruth")
    found = await counts(migrated, wanted)
    assert found["total"] == {"": 1}
    assert found["assignee"] == {"ruth": 1, "": 1}
    assert found["task"] == {"to-receive": 1}
    labelled = await counts(migrated, replace(OPEN_BORROWING, label="raum b"))
    assert labelled["total"] == {"": 0}, "a label is what was written"
    labelled = await counts(migrated, replace(OPEN_BORROWING, label="Raum B"))
    assert (labelled["total"], labelled["label"]) == ({"": 1}, {"rush": 1, "Raum B": 1})


async def test_hits_of_a_search_are_counted(migrated: Store) -> None:
    await insert(migrated, *MADE)
    found = await counts(migrated, RequestFilter(search="сад"))
    assert (found["total"], found["state"]) == ({"": 5}, {"shipped": 2, "review": 1, "completed": 1, "new": 1})


@pytest.mark.parametrize(("name", "value"), [("MAX_COUNTED", 1), ("SCAN", 2)])
async def test_what_would_take_too_long_is_not_counted(
    migrated: Store, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    await insert(migrated, *MADE)
    monkeypatch.setattr(request_facets if name == "MAX_COUNTED" else request_lists, name, value)
    found = await counts(
        migrated, replace(OPEN_BORROWING, branches=("north",), services=(ServiceType.LOAN, ServiceType.COPY))
    )
    assert found["total"] is None
    assert found["state"] is None
    assert found["branch"] is None
    whole = await counts(migrated, replace(OPEN_BORROWING, branches=("north",)))
    assert whole["branch"] == {"north": 2, "south": 1}, "if no branch were chosen, it would be the whole side"


async def test_the_length_of_a_long_list_is_known_where_it_is_kept(
    migrated: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert(migrated, *MADE)
    monkeypatch.setattr(request_facets, "MAX_COUNTED", 1)
    by_state = await counts(migrated, RequestFilter(role=Role.BORROWING, states=(BorrowingState.SHIPPED,)))
    by_task = await counts(migrated, RequestFilter(role=Role.BORROWING, task="to-receive"))
    assert (by_state["total"], by_task["total"]) == ({"": 2}, {"": 2})
    assert (by_state["branch"], by_task["branch"]) == (None, None)
    assert by_state["state"] == {"shipped": 2, "review": 1, "completed": 1}, "each state is counted as it changes"
    one_facet = {
        "branches": ("north",),
        "partners": ("utrecht",),
        "services": (ServiceType.LOAN, ServiceType.COPY),
        "unassigned": True,
    }
    found = {
        name: await counts(migrated, replace(OPEN_BORROWING, **{name: value})) for name, value in one_facet.items()
    }
    totals = {name: (one["total"] or {})[""] for name, one in found.items()}
    assert totals == {"branches": 2, "partners": 2, "services": 3, "unassigned": 2}


async def test_counts_that_are_kept_are_those_of_the_rows(migrated: Store) -> None:
    """After many changes made at random."""
    chance = random.Random(11)
    kept = {one.id: one for one in (*(borrowing() for _ in range(12)), *(lending() for _ in range(6)))}
    await insert(migrated, *kept.values())
    for step in range(120):
        before = kept[chance.choice(list(kept))]
        states: list[State] = list(BorrowingState if before.role is Role.BORROWING else LendingState)
        changed = later(
            before,
            changed=AT + timedelta(days=1, seconds=step),
            state=chance.choice(states),
            branch=chance.choice(("north", "south", "")),
            assignee=chance.choice(("", "ada", "ruth")),
            labels=tuple(chance.sample(("rush", "Raum B", "نادر"), chance.randrange(3))),
            flags=frozenset(chance.sample(list(RequestFlag), 2)),
        )
        await migrated.write(lambda c, changed=changed: requests.save_request(c, changed))
        kept[changed.id] = changed
    for role in Role:
        whole = RequestFilter(role=role, open=True)
        by_row = await counts(migrated, replace(whole, branches=("north", "south", "")))
        by_change = await counts(migrated, whole)
        still_open = [one for one in kept.values() if one.role is role and one.open]
        assert by_change["total"] == by_row["total"] == {"": len(still_open)}
        for facet in ("partner", "service", "branch", "assignee", "label"):
            assert by_change.get(facet) == by_row.get(facet), facet
        states_of_open = {name: n for name, n in (by_change["state"] or {}).items() if name in (by_row["state"] or {})}
        assert states_of_open == by_row["state"]
        assert sum((by_change["state"] or {}).values()) == sum(1 for one in kept.values() if one.role is role)


def test_every_facet_is_counted() -> None:
    assert {*request_facets.KEPT_FACETS, ListFacet.TASK} == set(ListFacet)
