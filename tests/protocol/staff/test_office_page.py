"""The page of all libraries, for whoever works for several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import update

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.request import LibraryParty
from gateway.ports.responder import OutcomeClass
from gateway.store.mailbox import record_mailbox_failure
from gateway.store.requests.outbox import OutboxRow, OutboxStatus, add_outbox_row
from gateway.store.requests.tables import outbox
from tests.protocol.pages.support import running
from tests.protocol.staff.support import colleague
from tests.protocol.staff.test_operation_pages import write_exchange
from tests.support.daemon import Installation


async def test_the_office_sees_how_each_library_stands_and_no_request(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.runtime.monitoring.FRESH_SECONDS", 0.0)
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    (installation.folder / "partners").mkdir(exist_ok=True)
    partner = "for: [fjord]\npartner: {symbols: [XX-VALE], name: Vale, email: ill@vale.example, channel: mail}\n"
    (installation.folder / "partners" / "vale.yml").write_text(partner, encoding="utf-8")
    others = [
        {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}},
        {"symbol": "LUND", "name": "Lunden", "state": "closed"},
        {"symbol": "OSLO", "name": "Åsen", "time_zone": "Europe/Nowhere", "currency": "Mark"},
    ]
    box = {"library": "FJORD", "name": "replies", "host": "127.0.0.1", "port": 1, "security": "none", "user": "ill"}
    (installation.folder / "key").write_text("hush", encoding="utf-8")
    boxes = [{**box, "password": "file:key"}]
    async with (
        running(installation, other_libraries=others, mailboxes=boxes) as gateway,
        colleague(gateway, "ana", "office") as ana,
        colleague(gateway, "max", "operator@*") as max_,
    ):
        for title in ("Om fargen", "De rerum nubium"):
            requester = LibraryParty(symbol="XX-VALE", profile="vale")
            draft = LendingDraft(citation=Citation(title=title), requester=requester, transaction=title)
            await gateway.gateway.managed.libraries["FJORD"].requests.create_lending(draft)
        await write_exchange(gateway, library="FJORD", outcome=OutcomeClass.REJECTED)
        now = datetime.now(UTC)
        unsent = OutboxRow(
            library="FJORD",
            id="1",
            lane="r-1",
            kind="letter",
            target="",
            payload="",
            created=now,
            next_at=now + timedelta(days=1),
        )
        store = gateway.gateway.managed.contexts["FJORD"].store
        await store.write(lambda c: add_outbox_row(c, unsent))
        await store.write(
            lambda c: c.execute(update(outbox).where(outbox.c.id == "1").values(status=OutboxStatus.DEAD.value))
        )
        await store.write(
            lambda c: record_mailbox_failure(c, "FJORD", "replies", "no answer", now - timedelta(hours=6))
        )
        async with aiohttp.ClientSession() as session:
            for library in ("fjord", "demo"):  # asks its system now; else that is done soon after the start
                async with session.get(f"{gateway.url}/readyz/{library}") as answer:
                    assert answer.status == 200

        page = await ana.get()

        assert (page.url.removeprefix(gateway.url), page.title) == ("/staff/office", "All libraries")
        rows = [[cell.text_content().strip() for cell in row] for row in page.tree.xpath("//tbody/tr")]
        assert [row[:6] for row in rows] == [
            ["Bibliothèque du Fjord", "2", "0", "0", "0", "1"],
            ["Demonstration Library", "0", "0", "0", "0", "0"],
            ["Lunden", "0", "0", "0", "0", "0"],
            ["Åsen", "0", "0", "0", "0", "0"],
        ]
        states = [(row[6], row[7] == "none") for row in rows]
        assert states[:3] == [
            ("working Mailbox", False),
            ("working", True),
            ("closed", True),
        ]
        assert states[3][0] == "not working"
        tags = page.tree.xpath("//tbody/tr[1]//*[contains(@class, 'tag')]")
        assert [tag.get("class") for tag in tags] == ["tag late", "tag good", "tag late"]
        assert [line.text_content() for line in page.tree.xpath("//ul[@class='first']//b")] == [
            "Bibliothèque du Fjord: Mailbox replies cannot be read",
            "Bibliothèque du Fjord: 1 message could not be sent",
            "Åsen: Its settings have errors",
        ]
        (detail,) = page.tree.xpath("//ul[@class='first']//p/span[@dir]/text()")
        assert detail.startswith("held back: gateway.yml:")
        assert "; gateway.yml:" in detail
        assert "libraries.3.time_zone: not a time zone" in detail
        german = (await ana.get("/office?ui_language=de")).tree.xpath("//ul[@class='first']//p/span[@dir]/text()")[-1]
        assert german.startswith("angehalten: ")
        assert "keine Zeitzone wie Europe/Zurich, gefunden: 'Europe/Nowhere' (zu berichtigen, siehe" in german
        assert "currency: passt nicht zum Muster „^[A-Z]{3}$“, gefunden: 'Mark'; gateway.yml:" in german
        await ana.get("/office?ui_language=en")
        assert page.tree.xpath("//ul[@class='first']//a") == []  # which she may not open
        seen = (await max_.get("/office")).tree
        assert "no answer" in seen.xpath("//ul[@class='first']//p/span[@dir]/text()")
        doors = seen.xpath("//ul[@class='first']//a/@href")
        assert doors == ["/staff/fjord/operation#mailboxes", "/staff/fjord/outbox", "/staff/demo/operation#check"]
        for door in doors:
            opened = await max_.get(door.removeprefix("/staff").partition("#")[0])
            place = door.partition("#")[2]
            assert opened.status == 200
            assert not place or opened.tree.xpath(f"//*[@id='{place}']")
        assert page.tree.xpath("//tbody//a/@href") == ["/staff/fjord", "/staff/demo"]
        menu = [link.text_content() for link in page.tree.xpath("//nav[@id='menu']/a[not(@class)]")]
        assert menu == ["Partners", "Statistics"]
        tried = [(await ana.get(path)).status for path in ("/fjord/lending", "/fjord/operation", "/fjord/find?q=Om")]
        assert tried == [403, 403, 403]
