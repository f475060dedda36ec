"""What the days of the desks bring besides a loan that goes well: a refusal, a copy, several volumes, a message, and
one that could not be sent. By mouse, by keyboard alone and without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.desk_day.desk import Handling
from tests.browser.desk_day.desk_works import TakeDesk, ask_for, costs
from tests.browser.desk_day.world import DeskWorld

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n"

EVERY_HANDLING = pytest.mark.parametrize("handling", list(Handling))

pytestmark = pytest.mark.slow


@EVERY_HANDLING
def test_what_is_not_there_is_refused_with_its_reason(
    world: DeskWorld, take_desk: TakeDesk, handling: Handling
) -> None:
    elveby, fjordby = world.elveby, world.libraries["fjordby"]
    borrowing, lending = take_desk(elveby, "ruth", handling), take_desk(fjordby, "ruth", handling)
    title = f"Et tapt verk, {handling}"
    number = ask_for(borrowing, fjordby, title, "Tveit, Ingrid")
    asked = fjordby.wait_for_request(number)

    lending.walk_to("Work", "New")
    lending.open_listed(title)
    with costs(lending, clicks=2):
        lending.unfold("Refuse it")
        lending.press_button("Not held")
    lending.see_banner("Refused.")

    assert fjordby.state(asked) == "unfilled"
    elveby.wait_for_task(number, "no-supplier")
    borrowing.find_request(number)
    expect(borrowing.page.locator("table tbody tr").first).to_contain_text("Reason: not held")


@EVERY_HANDLING
def test_a_copy_is_made_cleared_and_delivered(world: DeskWorld, take_desk: TakeDesk, handling: Handling) -> None:
    elveby, holmvik = world.elveby, world.libraries["holmvik"]
    borrowing, making = take_desk(elveby, "ruth", handling), take_desk(holmvik, "ruth", handling)
    signing = take_desk(holmvik, "sigrid", handling)
    title, author = holmvik.works[3]
    number = ask_for(borrowing, holmvik, title, author, pages="12-31")
    asked = holmvik.wait_for_request(number)
    holmvik.wait_for_task(asked, "to-digitise")

    # made
    making.walk_to("Work", "To make")
    making.open_listed(title)
    making.add_file("Add a file", "kapittel.pdf", "application/pdf", PDF)
    making.press_button("Add the file")
    making.see_banner("1 file was added.")
    with costs(making, clicks=1):
        making.press_button("The copy is made")
    making.see_banner("Done.")

    # signed off by who may
    signing.walk_to("Work", "To sign off")
    signing.open_listed(title)
    signing.write_text("Rule or statement relied on", "åvl. § 16")
    with costs(signing, clicks=1):
        signing.press_button("Do this")
    signing.see_banner("Done.")

    # delivered
    making.walk_to("Work", "To deliver")
    making.open_listed(title)
    with costs(making, clicks=1):
        making.press_button("Deliver the copy")
    making.see_banner("Done.")

    elveby.wait_for_state(number, "completed")
