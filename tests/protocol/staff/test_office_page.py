"""The page of all libraries, for whoever works for several."""

from __future__ import annotations

import aiohttp

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.request import LibraryParty
from gateway.ports.responder import OutcomeClass
from tests.protocol.pages.support import running
from tests.protocol.staff.support import colleague
from tests.protocol.staff.test_operation_pages import write_exchange
from tests.support.daemon import Installation


async def test_the_office_sees_how_each_library_stands_and_no_request(installation: Installation) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    (installation.folder / "partners").mkdir(exist_ok=True)
    partner = "for: [fjord]\npartner: {symbols: [XX-VALE], name: Vale, email: ill@vale.example, channel: mail}\n"
    (installation.folder / "partners" / "vale.yml").write_text(partner, encoding="utf-8")
    others = [
        {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}},
        {"symbol": "LUND", "name": "Lunden", "state": "closed"},
        {"symbol": "OSLO", "name": "Åsen", "time_zone": "Europe/Nowhere"},
    ]
    async with running(installation, other_libraries=others) as gateway, colleague(gateway, "ana", "office") as ana:
        for title in ("Om fargen", "De rerum nubium"):
            requester = LibraryParty(symbol="XX-VALE", profile="vale")
            draft = LendingDraft(citation=Citation(title=title), requester=requester, transaction=title)
            await gateway.gateway.managed.libraries["FJORD"].requests.create_lending(draft)
        await write_exchange(gateway, library="FJORD", outcome=OutcomeClass.REJECTED)
        async with aiohttp.ClientSession() as session:
            for library in ("fjord", "demo"):  # asks its system now; else that is done soon after the start
                async with session.get(f"{gateway.url}/readyz/{library}") as answer:
                    assert answer.status == 200

        page = await ana.get()

        assert (page.url.removeprefix(gateway.url), page.title) == ("/staff/office", "Libraries")
        rows = [[cell.text_content().strip() for cell in row] for row in page.tree.xpath("//tbody/tr")]
        assert [row[:6] for row in rows] == [
            ["Bibliothèque du Fjord", "2", "0", "0", "0", "0"],
            ["Demonstration Library", "0", "0", "0", "0", "0"],
            ["Lunden", "0", "0", "0", "0", "0"],
            ["Åsen", "0", "0", "0", "0", "0"],
        ]
        states = [(row[6], row[7] == "none") for row in rows]
        assert states[:3] == [("working", False), ("working", True), ("closed", True)]
        assert "not working held back: " in states[3][0]
        assert "libraries.3.time_zone: not a time zone" in states[3][0]
        assert page.tree.xpath("//tbody//a/@href") == ["/staff/fjord", "/staff/demo"]
        menu = [link.text_content() for link in page.tree.xpath("//nav[@id='menu']/a[not(@class)]")]
        assert menu == ["Partners", "Statistics"]
        tried = [(await ana.get(path)).status for path in ("/fjord/lending", "/fjord/operation", "/fjord/find?q=Om")]
        assert tried == [403, 403, 403]
