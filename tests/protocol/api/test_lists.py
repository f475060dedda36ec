"""Lists over HTTP as staff use them: many at once, filters with a name, CSV."""

from __future__ import annotations

import csv
import io

from gateway.services.people.api_keys import KeyScope
from tests.protocol.api.support import Client, Running
from tests.protocol.api.test_requests import borrow, lend


async def test_an_act_is_done_with_many_and_fails_alone(client: Client) -> None:
    first, second = await borrow(client, mediated=True), await borrow(client, mediated=True)

    done = await client("POST", "bulk-actions/cancel", {"requests": [first["id"], second["id"], "gone"]})

    assert done.status == 200
    assert done.json["done"] == [first["id"], second["id"]]
    assert [(one["request_id"], bool(one["reason"])) for one in done.json["failed"]] == [("gone", True)]
    again = await client("POST", "bulk-actions/approve", {"requests": [first["id"]]})
    assert [one["number"] for one in again.json["failed"]] == [first["number"]]
    needs_details = await client("POST", "bulk-actions/unfilled", {"requests": [first["id"]]})
    assert needs_details.problem == "invalid"


async def test_many_are_assigned_and_labelled(gateway: Running, client: Client) -> None:
    request = await borrow(client, mediated=True)

    done = await client("POST", "bulk-marks", {"requests": [request["id"]], "assignee": "ada", "add": ["rush"]})

    assert done.json == {"done": [request["id"]], "failed": []}
    shown = (await client("GET", f"requests/{request['id']}")).json["request"]
    assert (shown["assignee"], shown["labels"]) == ("ada", ["rush"])
    lending = client.with_key(await gateway.key(KeyScope.LENDING))
    assert (await lending("POST", "bulk-marks", {"requests": [request["id"]], "add": ["x"]})).problem == "forbidden"


async def test_a_filter_is_kept_under_a_name(gateway: Running, client: Client) -> None:
    body = {"place": "lending", "name": "Eilt", "query": "label=rush", "shared": True}

    made = await client("POST", "saved-filters", body)

    assert made.status == 201
    assert (await client("GET", "saved-filters?place=lending")).json["items"] == [made.json]
    assert (await client("GET", "saved-filters?place=borrowing")).json["items"] == []
    assert (await client("POST", "saved-filters", {**body, "name": " "})).status == 422
    assert (await client("DELETE", f"saved-filters/{made.json['id']}")).status == 204
    assert (await client("DELETE", f"saved-filters/{made.json['id']}")).status == 404


async def test_a_list_is_csv_page_by_page(client: Client) -> None:
    made = [await borrow(client, mediated=True) for _ in range(3)]
    await lend(client, "NB-1")

    first = await client("GET", "requests.csv?role=borrowing&limit=2")

    assert first.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(first.body.decode())))
    rest = await client("GET", first.headers["Link"].partition(">")[0].removeprefix("</api/v1/"))
    rows += csv.DictReader(io.StringIO(rest.body.decode()))
    assert sorted(row["number"] for row in rows) == sorted(one["number"] for one in made)
    assert {row["state"] for row in rows} == {"review"}
    assert "Link" not in rest.headers
