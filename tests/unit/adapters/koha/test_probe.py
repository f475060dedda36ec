"""`illgate check --live` on a Koha: each mistake is named with its setting, and how it is mended there."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.library import Money
from gateway.ports.library_system import HoldWish
from rehearsal.fakes.fake_server import FakeCall
from rehearsal.fakes.koha import ALL_PERMISSIONS
from tests.library_contract.koha_world import KNOWN
from tests.unit.adapters.koha.place import koha_place

TRIAL = {"patron": KNOWN.good.value, "item": KNOWN.shelf_item}
SIGN_IN = {"client_id": "illgate", "client_secret": "env:TERMINAL"}


async def test_all_is_well_and_each_step_says_so(tmp_path: Path) -> None:
    async with koha_place(tmp_path, trial=TRIAL) as place:
        steps = await place.library.probe()

    assert [step.problem for step in steps] == [""] * len(steps)
    assert [step.name for step in steps] == [
        "DNS",
        "TCP",
        "secret",
        "sign-in and release",
        "permission borrowers",
        "permission catalogue",
        "permission reserveforothers",
        "permission circulate",
        "permission parameters",
        "branch",
        "item types",
        "patron",
        "item",
        "questions of a patron",
        "questions of an item",
        "question of a loan",
    ]
    assert steps[3].said == "Koha's API is there, with 25 of 25 abilities"
    assert steps[-5].said == "found, not blocked"
    assert steps[-4].said == "found, available, at MAIN"
    assert steps[-1].said == "whether a loan would be allowed"
    assert "Müller" not in str(steps)


async def test_a_call_that_this_koha_does_not_take_is_found_before_a_message_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its document offers an embed that it refuses."""
    async with koha_place(tmp_path) as place:
        document = place.fake.describe_api()
        offered = {"name": "x-koha-embed", "in": "header", "items": {"enum": ["item"]}}
        document["paths"]["/checkouts"]["get"]["parameters"].append(offered)
        monkeypatch.setattr(place.fake, "describe_api", lambda: document)
        (bad,) = (one for one in await place.library.probe() if one.problem)

    assert bad.name == "questions of a patron"
    assert bad.problem == "GET /checkouts: HTTP 400: /x-koha-embed/0: Not in enum list: item."


async def test_each_question_of_an_operation_is_tried(tmp_path: Path) -> None:
    """What the operations ask, but for passwords and for codes that are known by then."""
    async with koha_place(tmp_path, trial=TRIAL) as place:
        who = await place.patron_id()
        await place.library.place_hold(HoldWish(who, "MAIN", "REQ-7", item_barcode=KNOWN.copies[0]), "hold")
        await place.library.check_out(KNOWN.shelf_item, who, "loan")
        await place.library.create_temporary_item(await place.make_wish(), "accept")
        await place.library.post_fee(who, Money(Decimal(1), "EUR"), "ill-fee", "fee")
        await place.library.patron_loans(who)
        asked = {name_question(call) for call in place.fake.calls if call.method == "GET"}
        place.fake.clear_calls()
        await place.library.probe()

        assert asked <= {name_question(call) for call in place.fake.calls}


def name_question(call: FakeCall) -> tuple[str, tuple[str, ...], str]:
    """Path without numbers, parameters, embeds."""
    return re.sub(r"\d+", "N", call.path), tuple(sorted(call.query)), call.headers.get("x-koha-embed", "")


MISTAKES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, str]] = {
    "host": ({"url": "http://no-such-host.invalid/api/v1"}, {}, "DNS", "url", "no-such-host.invalid"),
    "port": ({"url": "http://127.0.0.1:9/api/v1"}, {}, "TCP", "url", "127.0.0.1:9"),
    "tls": ({"url": "https://127.0.0.1:{port}/api/v1"}, {}, "TLS", "url", "no TLS"),
    "ca": ({"url": "https://127.0.0.1:{port}/api/v1", "ca": "none.pem"}, {}, "TLS", "ca", "none.pem"),
    "path": ({"url": "http://127.0.0.1:{port}/api"}, {}, "sign-in and release", "sign_in", "no token"),
    "client": (
        {"sign_in": {**SIGN_IN, "client_id": "nobody"}},
        {},
        "sign-in and release",
        "sign_in",
        "Manage API keys",
    ),
    "password": (
        {"sign_in": {"user": "nobody", "password": "env:TERMINAL"}},
        {},
        "sign-in and release",
        "sign_in",
        "HTTP 401",
    ),
    "permission": (
        {},
        {"permissions": ALL_PERMISSIONS - {"circulate"}},
        "permission circulate",
        "sign_in",
        "Set permissions",
    ),
    "branch": (
        {"resource_sharing_branch": "NOWHERE"},
        {},
        "branch",
        "resource_sharing_branch",
        "it has MAIN, NORTH, RS",
    ),
    "no branch": ({"resource_sharing_branch": ""}, {}, "branch", "resource_sharing_branch", "not set"),
    "item type": ({"temporary_item_types": ["X", "ILL"]}, {}, "item types", "temporary_item_types", "item type X"),
    "patron": ({"trial": {"patron": "nobody"}}, {}, "patron", "trial.patron", "Patron not found"),
    "item": ({"trial": {"item": "nothing"}}, {}, "item", "trial.item", "Item not found"),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    settings, access, step, key, said = MISTAKES[name]
    async with koha_place(tmp_path, access=access) as place:
        if "url" in settings:
            settings = {**settings, "url": settings["url"].replace("{port}", place.fake.url.rpartition(":")[2])}
        await place.restart(**settings)
        (bad,) = (one for one in await place.library.probe() if one.problem)

    assert (bad.name, bad.key) == (step, key)
    assert said in bad.problem


async def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        await place.restart(sign_in={**SIGN_IN, "client_secret": "env:NONE"})
        last = (await place.library.probe())[-1]

    assert (last.name, last.key) == ("secret", "sign_in.client_secret")
    assert "no secret at env:NONE" in last.problem


async def test_what_the_release_lacks_is_said(tmp_path: Path) -> None:
    lacks = frozenset({"POST /checkouts", "POST /patrons/{patron_id}/account/debits"})
    async with koha_place(tmp_path, access={"lacks": lacks}) as place:
        steps = await place.library.probe()

    assert steps[3].said == (
        "Koha's API is there, with 23 of 25 abilities; "
        "this release has no POST /checkouts, POST /patrons/{patron_id}/account/debits"
    )
