"""The day of a loan at all desks that it passes, on both sides, in three ways: by mouse, by keyboard alone and without
script. What each work may cost is asserted: no more clicks and scans than the best of other systems ask for."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk_day.desk import Handling, open_reader_desk
from tests.browser.desk_day.desk_works import TakeDesk, ask_for, costs, print_batch
from tests.browser.desk_day.world import CARD, PIN, DeskWorld
from tests.browser.visitor import DESKTOP, Browsing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("handling", "lender", "work"),
    [
        (Handling.MOUSE, "fjordby", 0),
        pytest.param(Handling.KEYBOARD, "holmvik", 1, marks=pytest.mark.long),
        pytest.param(Handling.NO_SCRIPT, "fjordby", 2, marks=pytest.mark.long),
    ],
)
def test_a_loan_goes_over_all_desks(
    world: DeskWorld, browsing: Browsing, take_desk: TakeDesk, handling: Handling, lender: str, work: int
) -> None:
    elveby, theirs = world.elveby, world.libraries[lender]
    borrowing, branch = take_desk(elveby, "ruth", handling), take_desk(elveby, "bjarne", handling)
    lending = take_desk(theirs, "ruth", handling)

    # asked, and reviewed from the work queue
    number = ask_for(borrowing, theirs, *theirs.works[work])
    asked = theirs.wait_for_request(number)

    # pulled: slips for the whole morning, then each by scan
    theirs.wait_for_task(asked, "to-pull")
    lending.walk_to("Print")
    with costs(lending, clicks=2, work="pull slips for the morning"):
        lending.press_button(re.compile("Print [0-9]+.*Pull slips"))
        print_batch(lending)
    lending.walk_to("Scan", "Pull")
    with costs(lending, scans=1):
        lending.scan_codes(asked)
    elveby.wait_for_state(number, "will-supply")

    # sent
    lending.walk_to("Scan", "Ship")
    with costs(lending, scans=1, work="ship"):
        lending.scan_codes(asked)
    elveby.wait_for_state(number, "shipped")

    # received, and on to the branch
    borrowing.walk_to("Scan", "Receive")
    with costs(borrowing, scans=1, work="receive a parcel"):
        borrowing.scan_codes(number)
    assert elveby.tasks(number) == ["in-transit"]
    branch.walk_to("Scan", "Shelve at branch")
    with costs(branch, scans=1):
        branch.scan_codes(number)
    assert elveby.tasks(number) == []

    # lent
    branch.walk_to("Scan", "Check out")
    with costs(branch, scans=1):
        branch.scan_codes(number)
    assert elveby.state(number) == "lent"

    # renewed: the reader asks, the lender says yes
    with open_reader_desk(browsing, elveby.readers_address, CARD, PIN, handling, DESKTOP) as reader:
        with costs(reader, clicks=2, work="a patron renews"):
            reader.follow_link(f"Renew: {theirs.works[work][0]}")
            expect(reader.page.locator("dl")).to_contain_text("Due")
            reader.press_button("Request renewal")
        expect(reader.page.get_by_role("status")).to_contain_text("You have requested a renewal.")
    theirs.wait_for_task(asked, "renewal-to-answer")
    lending.walk_to("Work queue", "Renewals to answer")
    lending.open_listed(theirs.works[work][0])
    with costs(lending, clicks=1):
        lending.press_button("Grant renewal")
    lending.see_banner("The renewal has been granted.")
    elveby.wait_for_value(number, "$.terms.renewals", 1)

    # recalled
    lending.find_request(asked)
    lending.unfold("More actions")
    lending.follow_link("Recall")
    lending.press_button("Recall")
    lending.see_banner("The item has been recalled.")
    elveby.wait_for_task(number, "recalled")
    borrowing.walk_to("Work queue", "Recalled by the lender")
    borrowing.open_listed(theirs.works[work][0])
    expect(borrowing.page.get_by_role("main")).to_contain_text("Due date: recalled by the lender")

    # taken back, and sent back
    branch.walk_to("Scan", "Patron return")
    with costs(branch, scans=1):
        branch.scan_codes(number)
    assert elveby.state(number) == "back"
    borrowing.walk_to("Scan", "Return to lender")
    with costs(borrowing, scans=1, work="return to the lender"):
        borrowing.scan_codes(number)
    with costs(borrowing, clicks=2):
        borrowing.press_button("Print return slips")
        print_batch(borrowing)

    # checked in
    theirs.wait_for_state(asked, "returned")
    lending.walk_to("Scan", "Check in")
    with costs(lending, scans=1, work="check in what came back"):
        lending.scan_codes(asked)
    assert theirs.state(asked) == "completed"
    elveby.wait_for_state(number, "completed")
