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
