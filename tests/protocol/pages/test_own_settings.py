"""The patron's settings and messages, under My account."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.patron_settings import NoticeChoice, PatronSettings
from gateway.domain.requests.request import PatronLink
from gateway.ports.library_system import PatronKey
from gateway.services.patrons.patron_data import PatronNumber
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import PATRON, PIN, Answer, Running, Visitor, running, visitor
from tests.protocol.pages.test_own_data import post_proof
from tests.protocol.pages.test_own_requests import act_as_staff, send_request
from tests.support.daemon import Installation

MAIL = {"host": "127.0.0.1", "port": 1, "security": "none", "sender": "ill@demo.example"}

PAGE = "/openurl/DEMO/settings"
MESSAGES = "/openurl/DEMO/messages"


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    """One that writes letters."""
    async with running(installation, rules=RULES, mail=MAIL) as one:
        yield one


async def save(anna: Visitor, notices: str, language: str) -> Answer:
    token = str((await anna.get(PAGE)).tree.xpath("//main//input[@name='csrf']/@value")[0])
    return await anna.post(PAGE, {"csrf": token, "notices": notices, "language": language})


async def load_settings(gateway: Running, id_: str) -> PatronSettings:
    request = await gateway.requests().find_request(id_)
    return await gateway.gateway.managed.libraries["DEMO"].patrons.load_settings(request.patron.id)


async def test_notices_and_language_are_chosen_and_what_is_sent_all_the_same_is_said(
    gateway: Running, anna: Visitor
) -> None:
    assert (await anna.get(PAGE)).title == "Sign in"
    await anna.sign_in(back="settings")
    id_ = await send_request(anna)
    page = await anna.get(PAGE)
    assert page.tree.xpath("//input[@name='notices'][@checked]/@value") == ["email"]
    assert "we have a question about your request" in page.text

    saved = await save(anna, "none", "de")

    assert "Ihre Einstellungen sind gespeichert." in saved.text
    assert saved.tree.xpath("//input[@name='notices'][@checked]/@value") == ["none"]
    assert await load_settings(gateway, id_) == PatronSettings(NoticeChoice.NONE, "de")


async def test_a_choice_that_isnt_offered_changes_nothing(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in(back="settings")
    id_ = await send_request(anna)
    assert (await save(anna, "pigeon", "de")).status == 400
    assert (await save(anna, "none", "tlh")).status == 400
    assert await load_settings(gateway, id_) == PatronSettings()


async def test_settings_are_in_the_file_of_ones_data_and_go_with_it(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in(back="settings")
    id_ = await send_request(anna)
    await save(anna, "none", "en")
    file = await post_proof(anna, "file", PIN)
    assert json.loads(file.text)["settings"] == [{"notices": "none", "language": "en"}]

    await act_as_staff(gateway, id_, EventKind.CANCEL)
    patron_id = (await gateway.requests().find_request(id_)).patron.id
    await post_proof(anna, "erase", PIN)

    patrons = gateway.gateway.managed.libraries["DEMO"].patrons
    assert await patrons.load_settings(patron_id) == PatronSettings()


async def test_staff_export_and_erase_settings_of_a_patron_without_requests_by_the_id(
    gateway: Running, anna: Visitor
) -> None:
    """A number that staff type may be a card or an id."""
    await anna.sign_in(back="settings")
    await save(anna, "none", "de")
    library = gateway.gateway.managed.libraries["DEMO"]
    patron = await library.requests.context.system.find_patron(PatronKey(PATRON))
    number = PatronNumber(patron.id)
    assert (await library.patron_data.export_data(number))["settings"] == [{"notices": "none", "language": "de"}]

    await library.patron_data.forget_patron(number, "staff:olga")

    assert await library.patrons.load_settings(patron.id) == PatronSettings()


async def test_letters_stand_in_the_account_each_as_it_was_written(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in(back="messages")
    assert "You have no messages." in (await anna.get(MESSAGES)).text
    id_ = await send_request(anna)
    await act_as_staff(gateway, id_, EventKind.PATRON_MESSAGE, reason="Band 2", note="Reicht Ihnen Band 1?")

    listed = await anna.get(MESSAGES)

    titles = [" ".join(one.text_content().split()) for one in listed.tree.xpath("//p[@class='work']")]
    assert titles[0].startswith("A message from the library: ")
    assert titles[1].startswith("Request received: ")
    letter = await anna.get(str(listed.tree.xpath("//p[@class='work']/a/@href")[0]))
    assert letter.title.startswith("Band 2 (")
    assert "Reicht Ihnen Band 1?" in letter.text


async def test_a_letter_about_somebody_elses_request_is_not_there(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in(back="messages")
    id_ = await send_request(anna)
    (notice,) = await gateway.gateway.managed.libraries["DEMO"].notices.list_notices(id_, 10, "")
    request = await gateway.requests().find_request(id_)
    assert request.patron != PatronLink()
    async with visitor(gateway) as other:
        asked = await other.get(f"{MESSAGES}/{notice.id}")
        assert asked.title == "Sign in"
        await other.sign_in("21000000000025", back="messages")
        assert (await other.get(f"{MESSAGES}/{notice.id}")).status == 404
    assert (await anna.get(f"{MESSAGES}/{notice.id}")).status == 200
    assert (await anna.get(f"{MESSAGES}/nothing")).status == 404
