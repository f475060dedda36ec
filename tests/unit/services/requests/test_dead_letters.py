"""Dead letters by cause: what one fault has stopped is seen, and sent again, at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.library import RecordId
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LibraryParty, Role
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from gateway.store.requests import outbox
from tests.unit.services.requests.support import NcipTown
from tests.unit.services.requests.test_library_refusals import PROFILES as PROFILES
from tests.unit.services.requests.test_library_refusals import refuse_with

TITLES = ("Λιμάνια του Βορρά", "Salt Roads", "北の港")


async def ask_for(north: NcipTown, title: str) -> None:
    draft = LendingDraft(
        citation=Citation(title=title, identifiers=(RecordId("isbn", "9780306406157"),)),
        requester=LibraryParty(profile="hill"),
    )
    await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)


async def test_what_one_fault_has_stopped_is_one_cause(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = north.town.gateway.managed.libraries["NORTH"].desk
    with monkeypatch.context() as fault:
        fault.setattr(north.town.context.system, "find_bib", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))
        for title in TITLES:
            await ask_for(north, title)
        await north.quiet()
    (cause,) = await desk.dead_letter_causes()
    assert (cause.kind, cause.target, cause.count) == ("work", "locate", 3)
    assert "unauthorized-service" in cause.error
    assert cause.oldest <= cause.newest
    letters = await desk.dead_letters_of_cause(cause.kind, cause.target, cause.error)
    assert [one.id for one in letters] == [one.id for one in (await desk.dead_letters(10, "")).items]

    released = await desk.release_all([one.id for one in letters], "staff:ruth")
    await north.quiet()

    assert released == 3
    assert await desk.dead_letter_causes() == ()


async def test_one_that_somebody_else_has_decided_about_is_passed_over(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = north.town.gateway.managed.libraries["NORTH"].desk
    monkeypatch.setattr(north.town.context.system, "find_bib", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))
    for title in TITLES:
        await ask_for(north, title)
    await north.quiet()
    letters = (await desk.dead_letters(10, "")).items
    await desk.skip(letters[0].id, "asked by telephone", "staff:ines")

    assert await desk.release_all([one.id for one in letters], "staff:ruth") == 2


async def test_other_targets_and_errors_are_other_causes(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = north.town.gateway.managed.libraries["NORTH"].desk
    for reason in (RefusalReason.UNAUTHORIZED_SERVICE, RefusalReason.UNKNOWN_AGENCY):
        with monkeypatch.context() as fault:
            fault.setattr(north.town.context.system, "find_bib", refuse_with(reason))
            await ask_for(north, TITLES[0])
            await north.quiet()

    causes = await desk.dead_letter_causes()

    assert [one.count for one in causes] == [1, 1]
    assert causes[0].oldest <= causes[1].oldest
    assert await desk.dead_letters_of_cause("partner", "hill", causes[0].error) == ()


async def test_what_may_have_arrived_stays_a_repeat_where_the_first_try_after_its_release_finds_nobody(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, outcomes = north.town.context, iter([OutcomeUnknown("no answer"), Unavailable("nobody there"), None])
    repeats = []

    async def send(_channel: object, message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        repeats.append(message.repeated)
        if (error := next(outcomes)) is not None:
            raise error
        return DeliveryResult("taken")

    monkeypatch.setattr(type(context.channels["mail"]), "send", send)
    await north.asked()
    (row,) = await context.store.write(
        lambda c: outbox.claim_rows(c, context.now() + timedelta(days=1), 1, timedelta(hours=1), "a/1", ("partner",))
    )
    await context.store.write(lambda c: outbox.mark_dead(c, row, row.error, context.now()))

    await north.town.gateway.managed.libraries["NORTH"].desk.release(row.id, "staff:ruth")
    await north.quiet()
    north.clock.advance(timedelta(days=1))
    await north.quiet()

    assert repeats == [False, True, True]


@pytest.mark.parametrize("role", [Role.BORROWING, Role.LENDING])
async def test_one_that_is_released_goes_to_the_address_that_its_partner_has_today(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    async def refuse(_channel: object, _message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        raise Refused(RefusalReason.INVALID_VALUE, "550 5.1.1 no such mailbox")

    desk, requests = (
        north.town.gateway.managed.libraries["NORTH"].desk,
        north.town.gateway.managed.libraries["NORTH"].requests,
    )
    with monkeypatch.context() as wrong:
        wrong.setattr(type(north.town.context.channels["mail"]), "send", refuse)
        if role is Role.BORROWING:
            await north.asked()
        else:
            asked = LendingDraft(citation=Citation(title=TITLES[1]), requester=LibraryParty(profile="south"))
            await requests.create_lending(asked)
            await north.quiet()
            (request,) = await north.all(Role.LENDING)
            await north.act(request, EventKind.WILL_SUPPLY)
            await north.quiet()
    letters = [one for one in (await desk.dead_letters(10, "")).items if one.target == "south"]
    assert letters
    profile = north.town.gateway.settings.profiles_folder / "south.yml"
    profile.write_text(profile.read_text("utf-8").replace("ill@south.example", "fernleihe@south.example"), "utf-8")
    assert await north.town.gateway.reload()

    for letter in letters:
        await desk.release(letter.id, "staff:ruth")
    await north.quiet()

    told = {str(mail["To"]) for mail in north.mail.mails if "south" in str(mail["To"])}
    assert told == {"fernleihe@south.example"}
