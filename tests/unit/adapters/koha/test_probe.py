"""`illgate check --live` on a Koha: each mistake is named with its setting, and how it is mended there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.library.fakes.koha import ALL_PERMISSIONS
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
        "branch",
        "item types",
        "patron",
        "item",
    ]
    assert steps[3].said == "Koha's API is there, with 25 of 25 abilities"
    assert steps[-2].said == "found, not blocked"
    assert steps[-1].said == "found, available, at MAIN"
    assert "Müller" not in str(steps)


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
