"""Nobody finds a PIN by trying: wrong ones count together, on the pages and in partners' messages."""

from __future__ import annotations

import re

from gateway.domain.problems import Unavailable
from tests.protocol.pages.support import PATRON, PIN, Running, Visitor, running, visitor
from tests.support.daemon import Installation
from tests.support.paths import ROOT

USERNAME, OTHER = "reader01", "21000000000025"
BEHIND_A_PROXY = {"http": {"port": 0, "trusted_proxies": ["127.0.0.1"]}}

WITH_TRIES = """\
name: with-tries
extends: ncip2
auth: [{kind: none}]
circulation: {patrons: {address_tries: 3}}
"""


def lookup_user(number: str, pin: str, type_: str = "Barcode Id") -> bytes:
    """As ReShare and ILLiad's addons ask whether somebody may sign in there."""
    inputs = "".join(
        f"<AuthenticationInput><AuthenticationInputData>{data}</AuthenticationInputData>"
        f"<AuthenticationDataFormatType>text</AuthenticationDataFormatType>"
        f"<AuthenticationInputType>{kind}</AuthenticationInputType></AuthenticationInput>"
        for kind, data in ((type_, number), ("PIN", pin))
    )
    return (
        '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
        f"<LookupUser>{inputs}<UserElementType>User Id</UserElementType></LookupUser></NCIPMessage>"
    ).encode()


async def ask(asker: Visitor, number: str, pin: str, type_: str = "Barcode Id", profile: str = "ncip2") -> str:
    """'in', 'wrong' or 'too often'."""
    answer = await asker.post(f"/ncip/{profile}", lookup_user(number, pin, type_), Content_Type="application/xml")
    assert answer.status == 200
    if "<Problem" not in re.sub(r"<\w+:", "<", answer.text):
        return "in"
    return "too often" if "Too many" in answer.text else "wrong"


async def test_whatever_number_is_used_it_is_the_same_patron(gateway: Running, anna: Visitor) -> None:
    for guess in range(5):
        assert (await anna.sign_in(user=(PATRON, USERNAME)[guess % 2], password=str(guess))).status == 422
    assert (await anna.sign_in()).status == 429
    assert (await anna.sign_in(user=USERNAME)).status == 429
    assert (await anna.sign_in(user=OTHER)).title == "My account"


async def test_pages_and_messages_count_together(installation: Installation) -> None:
    async with running(installation, **BEHIND_A_PROXY) as gateway:
        async with visitor(gateway, X_Forwarded_For="127.0.0.1") as anna:
            assert (await anna.sign_in(password="0")).status == 422
            assert await ask(anna, PATRON, "1") == "wrong"
            assert await ask(anna, USERNAME, "2", "Username") == "wrong"
            assert await ask(anna, "nobody", "2") == "wrong"
            assert await ask(anna, PATRON, "3") == "wrong"
            assert await ask(anna, PATRON, "4") == "wrong"
            assert await ask(anna, PATRON, PIN) == "too often"
            assert await ask(anna, USERNAME, PIN, "Username") == "too often"
            assert (await anna.sign_in()).status == 429
            assert await ask(anna, OTHER, PIN) == "in"
        async with visitor(gateway, X_Forwarded_For="198.51.100.7") as elsewhere:
            assert (await elsewhere.sign_in()).title == "My account"


async def test_the_right_pin_in_a_message_forgets_the_failures(gateway: Running, anna: Visitor) -> None:
    for _ in range(3):
        for guess in range(4):
            assert await ask(anna, PATRON, str(guess)) == "wrong"
        assert await ask(anna, PATRON, PIN) == "in"


async def test_a_partner_has_so_many_wrong_pins_as_its_profile_says(installation: Installation) -> None:
    """Its patrons all come from its address."""
    (installation.folder / "profiles" / "with-tries.yml").write_text(WITH_TRIES)
    async with running(installation, pages={"address_tries": 2}) as gateway, visitor(gateway) as partner:
        for number in range(3):
            assert await ask(partner, f"2100000099{number}", "0", profile="with-tries") == "wrong"
        assert await ask(partner, PATRON, PIN, profile="with-tries") == "too often"
        assert await ask(partner, PATRON, PIN) == "in", "another profile's are as many as that one says"
        assert (await partner.sign_in()).status == 429, "more than are allowed on the pages"


async def test_a_library_system_that_is_away_costs_no_try(gateway: Running, anna: Visitor) -> None:
    system = gateway.requests().context.system
    works = system.authenticate

    async def away(*_: object) -> None:
        raise Unavailable("down for the night")

    system.authenticate = away
    assert [await ask(anna, PATRON, "0") for _ in range(8)] == ["wrong"] * 8
    system.authenticate = works
    assert await ask(anna, PATRON, PIN) == "in"


def test_a_secret_is_checked_in_one_place() -> None:
    """And in none where wrong ones aren't counted."""
    callers = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "gateway").rglob("*.py")
        if re.search(r"(system|library)\.authenticate\(", file.read_text(encoding="utf-8"))
    }
    assert callers == {"gateway/services/people/patron_authentication.py"}
