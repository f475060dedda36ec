"""`illgate check --live` on FOLIO says what is wrong, where, and how it is put right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.library.folio.system import FolioLibrary
from gateway.domain.clock import FixedClock
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import ProbeStep
from rehearsal.fakes.folio import FakeFolio
from tests.library_contract.embedded_world import KNOWN, START
from tests.library_contract.folio_world import make_fake, make_options, read_guide_permissions

TRIAL = {"patron": KNOWN.good.value, "item": KNOWN.shelf_item}


@pytest.fixture(params=["okapi", "eureka"])
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeFolio]:
    fake = make_fake(FixedClock(START), request.param)
    await fake.start()
    yield fake
    await fake.stop()


async def probe_library(context: LibraryAdapterContext, url: str, **options: Any) -> tuple[ProbeStep, ...]:
    library = FolioLibrary(context, make_options(url, {"trial": TRIAL, **options}))
    try:
        return await library.probe()
    finally:
        await library.close_connections()


async def test_all_is_well(context: LibraryAdapterContext, fake: FakeFolio) -> None:
    before = {path: dict(rows) for path, rows in fake.records.tables.items()}
    steps = await probe_library(context, fake.url)

    assert [step.name for step in steps if step.problem] == []
    assert [step.name for step in steps] == [
        "DNS",
        "TCP",
        "login",
        "permissions",
        "service_point",
        "cancellation_reason",
        "temporary_items.material_type",
        "temporary_items.loan_type",
        "temporary_items.instance_type",
        "temporary_items.holdings_source",
        "not_lent",
        "temporary_items.location",
        "fee_owner",
        "patron",
        "item",
    ]
    assert all(step.seconds >= 0 for step in steps)
    assert {path: dict(rows) for path, rows in fake.records.tables.items()} == before, "nothing was changed"
    assert "Müller" not in str(steps)


async def test_ten_mistakes_are_all_named(context: LibraryAdapterContext, fake: FakeFolio) -> None:
    fake.lacking |= {"circulation.check-out-by-barcode.post", "inventory.items.item.delete"}
    points = fake.records.tables["/service-points"].values()
    next(point for point in points if point["code"] == "RS")["pickupLocation"] = False
    steps = await probe_library(
        context,
        fake.url,
        cancellation_reason="Over",
        not_lent=["noncirculating"],
        fee_owner="ILL office",
        temporary_items={
            "location": "annex",
            "loan_type": "fernleihe",
            "material_type": "ILL piece",
            "holdings_source": "nowhere",
        },
        trial={"patron": "no-such-patron"},
    )
    problems = {(step.key, step.problem.partition(":")[0]) for step in steps if step.problem}
    said = "\n".join(step.problem for step in steps)

    assert {key for key, _ in problems} == {
        "trial.patron",
        "login.user",
        "service_point",
        "cancellation_reason",
        "not_lent",
        "fee_owner",
        "temporary_items.location",
        "temporary_items.loan_type",
        "temporary_items.material_type",
        "temporary_items.holdings_source",
    }
    for words in (
        "circulation.check-out-by-barcode.post is missing, needed to lend",
        "inventory.items.item.delete is missing, needed to delete partners' items",
        "service point 'RS' is no pickup location",
        "no material type 'ILL piece': create it in Settings > Inventory > Material types",
        "no location 'annex': create it in Settings > Tenant > Locations",
        "Patron not found",
    ):
        assert words in said


async def test_every_permission_that_is_missing_is_named(context: LibraryAdapterContext, fake: FakeFolio) -> None:
    fake.granted = frozenset()
    steps = await probe_library(context, fake.url)
    named = {step.problem.partition(" is missing")[0] for step in steps if step.name == "permission"}

    assert named == read_guide_permissions()


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"url": "http://127.0.0.1:9"}, "url", "is not reached"),
        ({"url": "http://nowhere.invalid"}, "url", "is not known"),
        ({"tenant": "other"}, "login", "wrong name, password or tenant"),
        ({"login": {"user": "nobody", "password": "env:FOLIO"}}, "login", "rejected user 'nobody'"),
        ({"login": {"user": "illgate", "password": "env:OTHER"}}, "login", "no secret at env:OTHER"),
    ],
)
async def test_it_stops_where_the_others_need_it(
    context: LibraryAdapterContext, fake: FakeFolio, options: dict[str, Any], key: str, words: str
) -> None:
    steps = await probe_library(context, **{"url": fake.url, **options})

    assert (steps[-1].key, words in steps[-1].problem) == (key, True), steps[-1]
    assert not any(step.problem for step in steps[:-1])


async def test_plain_http_where_tls_is_due(context: LibraryAdapterContext, fake: FakeFolio) -> None:
    steps = await probe_library(context, fake.url.replace("http:", "https:"))

    assert (steps[-1].name, steps[-1].key) == ("TLS", "url")
    assert "plain http" in steps[-1].problem or "no TLS" in steps[-1].problem
