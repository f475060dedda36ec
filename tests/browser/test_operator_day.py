"""A day of an operator in a browser: a partner complains; 40 refused messages are found by partner and reason, one is
looked at, the profile is mended, and the 40 are replayed as a job with count, pause and progress."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.staff import PASSWORD, PageInspector, staff_page
from tests.browser.visitor import Browsing, Site
from tests.faults.altered import serve_slowly
from tests.support.daemon import Installation, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess
from tests.support.looking import Database, tracebacks

COUNT = 40
PATRONS = [str(21000000000017 + 8 * n) for n in (0, 2, 6, 8, 10, 13, 16, 18)]

PROFILE = """extends: ncip2
match:
  - path: our-illiad
circulation:
  pickup:
    map:
      SCIENCE: SCX
partner:
  symbols: [OUR-ILLIAD]
  name: Our ILLiad
ncip:
  services: [AcceptItem, LookupUser]
"""

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
  <AcceptItem>
    <InitiationHeader><FromAgencyId><AgencyId>OUR-ILLIAD</AgencyId></FromAgencyId>
      <ToAgencyId><AgencyId>DEMO</AgencyId></ToAgencyId></InitiationHeader>
    <RequestId><RequestIdentifierValue>ILL-{number}</RequestIdentifierValue></RequestId>
    <RequestedActionType>Hold For Pickup</RequestedActionType>
    <UserId><UserIdentifierValue>{patron}</UserIdentifierValue></UserId>
    <ItemId><ItemIdentifierValue>ILL-{number}</ItemIdentifierValue></ItemId>
    <ItemOptionalFields><BibliographicDescription><Author>Озёрная, Вера</Author><Title>海东方言词典 {number}</Title>
      </BibliographicDescription></ItemOptionalFields>
    <PickupLocation>SCIENCE</PickupLocation>
  </AcceptItem>
</NCIPMessage>"""


@pytest.fixture(scope="module")
def site(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its library system takes a moment for each item, as one over a network does."""
    made = fresh_installation.copy(tmp_path_factory.mktemp("operator") / "illgate")
    (made.folder / "profiles" / "our-illiad.yml").write_text(PROFILE, encoding="utf-8")
    made.change(staff={"edit_profiles": True}, tcp=[])
    daemon = ForkedProcess(serve_slowly, (made.config, "create_temporary_item", 0.15), made.log)
    with stopped_at_end(daemon):
        wait_for(made.port, "/readyz")
        yield Site(made, [])
    assert tracebacks(made) == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def read_ended(page: Page) -> int:
    """How many messages of the job have an outcome."""
    return int(page.locator("#job-h").inner_text().split()[1])


def confirm_with_password(page: Page) -> None:
    """Where it is asked for again."""
    field = page.get_by_label("Your own password")
    if field.count():
        field.fill(PASSWORD)


def test_forty_refused_messages_are_found_and_replayed_under_the_mended_profile(
    site: Site, browsing: Browsing, axe_core: str
) -> None:
    for number in range(COUNT):
        answer = site.installation.post(
            MESSAGE.format(number=number, patron=PATRONS[number % len(PATRONS)]).encode(), "our-illiad"
        )
        assert b"Problem" in answer
    database = Database(site.installation.database)

    with staff_page(site, browsing, "sami", "operator", back="staff/operation") as page:
        looks = PageInspector(page, axe_core)

        # found by partner and reason
        line = page.locator("section", has=page.locator("#repairs")).get_by_role("listitem")
        line = line.filter(has_text="40 messages from Our ILLiad were not processed")
        expect(line).to_contain_text("AcceptItem, refused: it cannot be picked up at this location")
        looks.look("what needs the operator")
        line.get_by_role("link").click()
        expect(page.locator("main tbody tr")).to_have_count(COUNT)
        looks.look("the refused messages")
        first = page.locator("main tbody tr").first.get_by_role("link")
        first.click()
        press(page, "Show the content")
        expect(page.locator("main")).to_contain_text("<PickupLocation>SCIENCE</PickupLocation>")

        # the profile is mended
        page.goto(site.url("staff/operation/profiles/our-illiad/edit"))
        text = page.locator("#text")
        text.fill(text.input_value().replace("SCX", "SCI"))
        press(page, "Check")
        page.locator("#reason").fill("SCX is gone")
        confirm_with_password(page)
        press(page, "Save")
        expect(page.get_by_role("alert")).to_be_visible()

        # all forty, counted before anything is done
        page.goto(site.url("staff/operation"))
        line.get_by_role("link").click()
        press(page, "Replay all matching messages")
        expect(page.locator("#which")).to_have_text("40 messages")
        expect(page.locator("main")).to_contain_text("40 would call the library system for AcceptItem")
        looks.look("the preview")
        assert database.value("SELECT count(*) FROM message WHERE replay_of <> ''") == 0
        confirm_with_password(page)
        press(page, "Replay 40 messages")

        # a job, with progress and pause
        expect(page.locator("#job-h")).to_have_text("Progress: 0 of 40")
        looks.look("the job at its begin")
        press(page, "Pause")
        expect(page.get_by_role("alert")).to_have_text("The replay is paused.")
        page.wait_for_timeout(500)  # the message in progress
        page.reload()
        paused = read_ended(page)
        assert paused < COUNT
        page.wait_for_timeout(700)  # in which four more would be done
        page.reload()
        assert read_ended(page) == paused
        press(page, "Resume")
        page.wait_for_function(f"() => document.querySelector('#progress progress').value > {paused}")
        # without loading the page again
        expect(page.locator("#job-h")).to_have_text("Progress: 40 of 40", timeout=30_000)
        expect(page.locator("main")).to_contain_text("finished")
        expect(page.locator("#progress .counters")).to_contain_text("done 40")
        looks.look("the job at its end")

        page.goto(site.url("staff/operation"))
        expect(page.locator("section", has=page.locator("#troubles"))).to_contain_text("All messages were processed")
        expect(page.locator("main")).not_to_contain_text("Our ILLiad were not processed")

        assert looks.found == {}
    assert database.value("SELECT count(*) FROM message WHERE replay_of <> '' AND direction = 'in'") == COUNT
    held = "SELECT count(DISTINCT barcode) FROM embedded_items WHERE barcode LIKE 'ILL-%' AND deleted IS NULL"
    assert database.value(held) == COUNT
