"""What the days of the desks bring besides a loan that goes well: a refusal, a copy, several volumes, a message, and
one that could not be sent. By mouse, by keyboard alone and without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk_day.desk import Handling, open_reader_desk
from tests.browser.desk_day.desk_works import TakeDesk, ask_for, costs
from tests.browser.desk_day.world import CARD, PIN, DeskWorld
from tests.browser.visitor import DESKTOP, Browsing
from tests.support.blank_pdf import write_blank_pdf

PDF = write_blank_pdf(20)

EVERY_HANDLING = pytest.mark.parametrize(
    "handling",
    [
        Handling.MOUSE,
        pytest.param(Handling.KEYBOARD, marks=pytest.mark.long),
        pytest.param(Handling.NO_SCRIPT, marks=pytest.mark.long),
    ],
)

pytestmark = pytest.mark.slow


@EVERY_HANDLING
def test_what_is_not_there_is_refused_with_its_reason(
    world: DeskWorld, browsing: Browsing, take_desk: TakeDesk, handling: Handling
) -> None:
    elveby, fjordby = world.elveby, world.libraries["fjordby"]
    borrowing, lending = take_desk(elveby, "ruth", handling), take_desk(fjordby, "ruth", handling)
    title = f"Et tapt verk, {handling}"
    number = ask_for(borrowing, fjordby, title, "Tveit, Ingrid")
    asked = fjordby.wait_for_request(number)

    lending.walk_to("Work queue", "To answer")
    lending.open_listed(title)
    with costs(lending, clicks=2, work="answer cannot supply, with its reason"):
        lending.unfold("Cannot supply")
        lending.press_button("Not held")
    lending.see_banner("Answered: cannot supply.")

    assert fjordby.state(asked) == "unfilled"
    elveby.wait_for_task(number, "no-supplier")
    borrowing.find_request(number)
    expect(borrowing.page.locator("table tbody tr").first).to_contain_text("Reason: not held")

    # nobody else can be asked, and the reader does not wait
    with open_reader_desk(browsing, elveby.readers_address, CARD, PIN, handling, DESKTOP) as reader:
        with costs(reader, clicks=2, work="a patron cancels"):
            reader.follow_link(f"Cancel: {title}")
            reader.press_button("Yes, cancel the request")
        expect(reader.page.get_by_role("status")).to_contain_text("Your request is cancelled.")
    assert elveby.state(number) == "cancelled"


@EVERY_HANDLING
def test_a_copy_is_made_cleared_and_delivered(world: DeskWorld, take_desk: TakeDesk, handling: Handling) -> None:
    elveby, holmvik = world.elveby, world.libraries["holmvik"]
    borrowing, making = take_desk(elveby, "ruth", handling), take_desk(holmvik, "ruth", handling)
    signing = take_desk(holmvik, "sigrid", handling)
    title, author = holmvik.works[3]
    number = ask_for(borrowing, holmvik, title, author, pages="12-31")
    asked = holmvik.wait_for_request(number)
    holmvik.wait_for_task(asked, "to-digitise")

    # made: the file is chosen and sent, and with it the copy is whole
    making.walk_to("Copies", "Copies desk")
    with costs(making, clicks=3):
        making.add_file("kapittel.pdf", "application/pdf", PDF, making.find_part(title))
    holmvik.wait_for_task(asked, "to-clear")

    # signed off by who may
    signing.walk_to("Copies", "Copies desk")
    with costs(signing, clicks=1, fields=1):
        signing.write_text("Rule or statement relied on", "åvl. § 16")
        signing.press_button("Clear copyright", signing.find_part(title))

    # delivered
    making.walk_to("Copies", "Copies desk")
    with costs(making, clicks=1):
        making.press_button("Deliver as a link", making.find_part(title))

    elveby.wait_for_state(number, "completed")


@EVERY_HANDLING
def test_a_partners_message_is_answered(world: DeskWorld, take_desk: TakeDesk, handling: Handling) -> None:
    elveby, fjordby = world.elveby, world.libraries["fjordby"]
    borrowing, lending = take_desk(elveby, "ruth", handling), take_desk(fjordby, "ruth", handling)
    title = f"Forespørsler, {handling}"
    number = ask_for(borrowing, fjordby, title, "Solheim, Ada")
    asked = fjordby.wait_for_request(number)

    lending.find_request(asked)
    lending.write_text("Message", "Er det annen utgave dere mener?")
    with costs(lending, clicks=1):
        lending.press_button(f"Send to {elveby.shown_name}")
    lending.see_banner("Sent to")
    elveby.wait_for_task(number, "unread-borrowing")

    borrowing.walk_to("Work queue", "Messages from suppliers", "Er det annen utgave dere mener?")
    borrowing.write_text("Reply", "Ja, fra 1957. 谢谢!")
    with costs(borrowing, clicks=1):
        borrowing.press_button(f"Send to {fjordby.shown_name}")
    borrowing.see_banner("Sent to")
    assert elveby.tasks(number) == []

    fjordby.wait_for_task(asked, "unread-lending")
    lending.walk_to("Work queue", "Messages from requesters")
    expect(lending.page.get_by_role("main")).to_contain_text("Ja, fra 1957. 谢谢!")


@EVERY_HANDLING
def test_a_message_that_could_not_be_sent_goes_on(world: DeskWorld, take_desk: TakeDesk, handling: Handling) -> None:
    elveby, holmvik = world.elveby, world.libraries["holmvik"]
    borrowing, lending = take_desk(elveby, "ruth", handling), take_desk(holmvik, "ruth", handling)
    title = f"Postverk, {handling}"
    number = ask_for(borrowing, holmvik, title, "Нечаев, Илья")
    asked = holmvik.wait_for_request(number)
    borrowing.find_request(number)
    world.sink.answers["RCPT"] = "550 5.1.1 No such mailbox here"
    try:
        borrowing.write_text("Message", "Haster det, kan dere sende kopi?")
        borrowing.press_button(f"Send to {holmvik.shown_name}")
        elveby.wait_for_dead_letters(1)
    finally:
        del world.sink.answers["RCPT"]

    borrowing.walk_to("Work queue")
    with costs(borrowing, clicks=2, work="send a failed message again"):
        borrowing.follow_link("Failed messages")
        expect(borrowing.page.locator(".cause p").first).to_have_text(re.compile("^The mail server rejected"))
        borrowing.press_button("Retry 1")
    borrowing.see_banner("1 message is being sent again.")

    holmvik.wait_for_task(asked, "unread-lending")
    lending.walk_to("Work queue", "Messages from requesters")
    expect(lending.page.get_by_role("main")).to_contain_text("Haster det, kan dere sende kopi?")
    elveby.wait_for_dead_letters(0)


@EVERY_HANDLING
def test_two_volumes_go_there_and_back(world: DeskWorld, take_desk: TakeDesk, handling: Handling) -> None:
    elveby, fjordby = world.elveby, world.libraries["fjordby"]
    borrowing, branch = take_desk(elveby, "ruth", handling), take_desk(elveby, "bjarne", handling)
    lending = take_desk(fjordby, "ruth", handling)
    work = 3 + list(Handling).index(handling)
    title, author = fjordby.works[work]
    first, second = f"F-{work + 1}-1", f"F-{work + 1}-2"
    number = ask_for(borrowing, fjordby, title, author, volumes="Bind 1\nBind 2")
    asked = fjordby.wait_for_request(number)
    fjordby.wait_for_task(asked, "to-pull")

    # sent: the volume that was found by itself by one scan, the other by its code behind the number of the request
    lending.walk_to("Scan", "Ship")
    with costs(lending, scans=1):
        lending.scan_codes(first)
    with costs(lending, scans=2):
        lending.scan_pair(asked, second)
    elveby.wait_until(number, lambda: elveby.volumes(number), ["shipped", "shipped"])

    # each is received, brought to the branch and lent by a scan
    borrowing.walk_to("Scan", "Receive")
    with costs(borrowing, scans=2):
        borrowing.scan_codes(number, number)
    for page in ("Shelve at branch", "Check out", "Patron return"):
        branch.walk_to("Scan", page)
        with costs(branch, scans=2):
            branch.scan_codes(number, number)
    assert elveby.volumes(number) == ["back", "back"]
    borrowing.walk_to("Scan", "Return to lender")
    with costs(borrowing, scans=2):
        borrowing.scan_codes(number, number)
    fjordby.wait_for_state(asked, "returned")
    lending.walk_to("Scan", "Check in")
    with costs(lending, scans=2):
        lending.scan_codes(first, second)

    assert fjordby.volumes(asked) == ["checked-in", "checked-in"]
    elveby.wait_for_state(number, "completed")
