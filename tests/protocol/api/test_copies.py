"""Links to delivered copies: signed, expiring, fetched so often and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.requests.signed_links import (
    CopyLink,
    InvalidLinkError,
    LinkFault,
    library_of_copy_link,
    link_id,
    sign_copy_link,
    verify_copy_link,
)
from gateway.store import api_records
from gateway.store.api_access import make_copy_token
from tests.protocol.api.support import Client, Running
from tests.protocol.api.test_requests import PDF, lend

NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
SECRET = b"k" * 32
LINK = CopyLink(
    library="ISIL:NO-02030",
    request_id="r1",
    attachment_id="a1",
    expires=NOW + timedelta(days=7),
    downloads=3,
    nonce="n",
)


# --- the link itself -------------------------------------------------------------------------------------


def test_a_link_says_what_it_was_made_of() -> None:
    token = sign_copy_link(LINK, SECRET)
    assert verify_copy_link(token, SECRET, NOW) == LINK
    assert library_of_copy_link(token) == "ISIL:NO-02030"


def test_it_expires() -> None:
    token = sign_copy_link(LINK, SECRET)
    assert verify_copy_link(token, SECRET, LINK.expires - timedelta(seconds=1)) == LINK
    with pytest.raises(InvalidLinkError) as bad:
        verify_copy_link(token, SECRET, LINK.expires)
    assert bad.value.fault is LinkFault.EXPIRED


def test_another_secret_did_not_sign_it() -> None:
    with pytest.raises(InvalidLinkError) as bad:
        verify_copy_link(sign_copy_link(LINK, SECRET), b"other", NOW)
    assert bad.value.fault is LinkFault.FORGED


@given(st.integers(0, 10_000), st.sampled_from("ABab01-_."))
def test_no_letter_of_it_can_be_changed(place: int, letter: str) -> None:
    token = sign_copy_link(LINK, SECRET)
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    if changed == token:
        return
    with pytest.raises(InvalidLinkError):
        verify_copy_link(changed, SECRET, NOW)


@given(st.text() | st.text("abcAB01-_.", min_size=40))
def test_anything_else_is_no_link(token: str) -> None:
    with pytest.raises(InvalidLinkError):
        library_of_copy_link(token)


def test_a_link_can_be_fetched() -> None:
    with pytest.raises(ValueError, match="download"):
        sign_copy_link(
            CopyLink(library="x", request_id="r", attachment_id="a", expires=NOW, downloads=0, nonce=""), SECRET
        )


# --- the page --------------------------------------------------------------------------------------------


async def copy(
    gateway: Running, client: Client, most: int = 2, days: float = 1, transaction: str = "LT-1"
) -> tuple[Any, str]:
    """A lending request with its file, and the path of a link to it."""
    request = await lend(client, transaction)
    place = f"requests/{request['id']}/attachments?name=a.pdf"
    made = await client("POST", place, data=PDF, Content_Type="application/pdf", If_Match="*")
    now = gateway.clock.now()
    token = await gateway.store.write(
        lambda c: make_copy_token(c, "DEMO", request["id"], made.json["id"], now + timedelta(days=days), most, now)
    )
    return request, f"/d/{token}"


async def test_the_page_shows_a_button_and_only_the_button_fetches(gateway: Running, client: Client) -> None:
    _, path = await copy(gateway, client, most=2)
    reader = client.with_key("")
    for _ in range(5):  # mail servers look at links
        page = await reader("GET", path)
        assert page.status == 200
        assert b"2 more times" in page.body
        assert b'<form method="post">' in page.body
    fetched = await reader("POST", path)
    assert (fetched.status, fetched.body) == (200, PDF)
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    assert fetched.headers["Referrer-Policy"] == "no-referrer"
    assert b"once more" in (await reader("GET", path)).body
    assert (await reader("POST", path)).body == PDF
    for method in ("GET", "POST"):
        assert (await reader(method, path)).status == 410
    assert await gateway.store.read(lambda c: api_records.get_download_count(c, "DEMO", link_id(path[3:]))) == 2


async def test_the_page_speaks_the_readers_language(gateway: Running, client: Client) -> None:
    _, path = await copy(gateway, client, most=2)
    german = await client.with_key("")("GET", path, Accept_Language="fr;q=0.9, de-AT")
    gone = await client.with_key("")("GET", "/d/nonsense", Accept_Language="de")

    assert "noch 2-mal heruntergeladen" in german.body.decode()
    assert '<html lang="de"' in german.body.decode()
    assert "Dieser Link ist nicht mehr gültig" in gone.body.decode()


async def test_the_page_has_the_time_of_the_library(gateway: Running, client: Client) -> None:
    now = gateway.clock.now()
    _, path = await copy(gateway, client, days=1)
    page = (await client.with_key("")("GET", path)).body.decode()

    zone = gateway.managed.libraries["DEMO"].requests.context.zone
    day = timedelta(days=1)
    around = [(one + day).astimezone(zone) for one in (now, gateway.clock.now())]
    assert any(f", {one:%H:%M}." in page for one in around)
    assert "UTC" not in page


async def test_a_link_that_is_over_or_forged_says_the_same(gateway: Running, client: Client) -> None:
    _, over = await copy(gateway, client, days=-1)
    _, path = await copy(gateway, client, transaction="LT-2")
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    answers = [await client(method, one) for one in (over, forged, "/d/nonsense") for method in ("GET", "POST")]
    assert {(one.status, one.body) for one in answers} == {(410, answers[0].body)}


async def test_two_links_to_one_file_are_counted_apart(gateway: Running, client: Client) -> None:
    request, first = await copy(gateway, client, most=1)
    attachment = (await client("GET", f"requests/{request['id']}")).json["request"]["attachments"][0]["id"]
    now = gateway.clock.now()
    second = await gateway.store.write(
        lambda c: make_copy_token(c, "DEMO", request["id"], attachment, now + timedelta(days=1), 1, now)
    )
    assert (await client("POST", first)).status == 200
    assert (await client("POST", f"/d/{second}")).status == 200
