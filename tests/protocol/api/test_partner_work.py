"""Closing days of partners, a test of their connection, and a trial of the rules, over HTTP."""

from __future__ import annotations

from datetime import timedelta

from gateway.services.people.api_keys import KeyScope
from tests.protocol.api.support import LIBRARY, Client, Running


async def test_closing_days_are_added_listed_and_taken_back(gateway: Running, client: Client) -> None:
    today = gateway.managed.contexts[LIBRARY].today()
    first, last = today.isoformat(), (today + timedelta(days=3)).isoformat()

    made = await client("POST", "partners/bergen/closures", {"first": first, "last": last, "note": "inventur"})

    assert (made.status, made.json["first"], made.json["note"]) == (201, first, "inventur")
    assert (await client("GET", "partners/bergen/closures")).json["items"] == [made.json]
    assert (await client("GET", "partners/bergen")).json["closed_now"] is True
    assert (await client("DELETE", f"partners/bergen/closures/{made.json['id']}")).status == 204
    assert (await client("GET", "partners/bergen")).json["closed_now"] is False
    assert (await client("DELETE", f"partners/bergen/closures/{made.json['id']}")).status == 404


async def test_days_that_make_no_sense_are_refused(client: Client) -> None:
    turned = await client("POST", "partners/bergen/closures", {"first": "2031-01-05", "last": "2031-01-01"})
    nobody = await client("POST", "partners/nobody/closures", {"first": "2031-01-05", "last": "2031-01-06"})

    assert (turned.status, turned.problem) == (422, "refused")
    assert nobody.status == 404


async def test_who_may_only_look_changes_nothing(gateway: Running, client: Client) -> None:
    looking = client.with_key(await gateway.key(KeyScope.PARTNERS_READ))

    assert (await looking("GET", "partners/bergen/closures")).status == 200
    assert (
        await looking("POST", "partners/bergen/closures", {"first": "2031-01-05", "last": "2031-01-06"})
    ).status == 403
    assert (await looking("POST", "partners/bergen/probe")).status == 403


async def test_a_partner_is_tried(client: Client) -> None:
    found = await client("POST", "partners/bergen/probe")

    assert found.status == 200
    assert all(step["seconds"] >= 0 for step in found.json["items"])
