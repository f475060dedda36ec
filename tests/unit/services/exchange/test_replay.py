"""A message of the journal once more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.commands import AcceptItem, LookUpPatron
from gateway.domain.problems import Refusal
from gateway.ports.library_system import PatronKey
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.services.exchange.message_context import NotReplayableError
from gateway.store.journal_records import FullMessage, JournalFilter, JournalOptions, MessageDirection
from tests.unit.services.exchange.support import PATRON, House, open_house


async def newest(house: House, direction: MessageDirection = MessageDirection.IN) -> FullMessage:
    page = await house.journal.list_messages(JournalFilter("DEMO", direction=direction), 1)
    found = await house.journal.get_message("DEMO", page.messages[0].id)
    assert found is not None
    return found


async def handled(house: House, arrival: RawMessage) -> FullMessage:
    """As it is in the journal."""
    await house.exchange.handle(arrival)
    return await newest(house)


async def loans(house: House) -> int:
    patron = await house.system.find_patron(PatronKey(PATRON))
    return len(await house.system.patron_loans(patron.id))


async def test_a_failed_message_is_done_by_its_replay(house: House) -> None:
    kept = await handled(house, house.message("check-out", patron=PATRON, item="ILL-1"))
    assert kept.message.reason == "unknown-item"
    await house.exchange.handle(house.message("accept-item", patron=PATRON, request="TN-1", item="ILL-1", title="Momo"))

    done = await house.exchange.replay_message(kept)

    replay = (await newest(house)).message
    assert done.outcome is OutcomeClass.OK
    assert b"CheckOutItemResponse" in done.answer.body
    assert (replay.replay_of, replay.transport, replay.outcome) == (kept.message.id, "replay", OutcomeClass.OK)
    assert await loans(house) == 1


async def test_a_message_that_was_done_changes_nothing(house: House) -> None:
    kept = await handled(house, house.message("check-out", patron=PATRON, item="39000000000019"))

    done = await house.exchange.replay_message(kept)

    assert done.outcome is OutcomeClass.OK
    assert await loans(house) == 1


async def test_the_sender_is_not_asked_again_who_it_is(house: House) -> None:
    kept = await handled(house, house.message("lookup-user", patron=PATRON))
    house.profiles["ncip2"] = house.profiles["ncip2"].model_copy(update={"auth": (), "match": ()})

    assert (await house.exchange.replay_message(kept)).outcome is OutcomeClass.OK


async def test_a_rehearsal_shows_the_command_and_touches_neither_library_nor_journal(house: House) -> None:
    arrival = house.message("accept-item", patron=PATRON, request="TN-2", item="ILL-2", title="Momo", pickup="NOWHERE")
    kept = await handled(house, arrival)
    before = (await newest(house)).message.id

    shown = await house.exchange.rehearse_message(kept)

    assert isinstance(shown.command, AcceptItem)
    assert shown.command.citation.title == "Momo"
    assert shown.answer is None
    assert (await newest(house)).message.id == before


async def test_a_rehearsal_of_what_was_done_shows_the_answer_of_then(house: House) -> None:
    kept = await handled(house, house.message("check-out", patron=PATRON, item="39000000000019"))

    shown = await house.exchange.rehearse_message(kept)

    assert shown.carried_out_as == kept.message.id
    assert shown.answer is not None
    assert shown.answer.body == (await newest(house, MessageDirection.OUT)).body


async def test_a_rehearsal_of_a_look_up_does_not_answer(house: House) -> None:
    shown = await house.exchange.rehearse_message(await handled(house, house.message("lookup-user", patron=PATRON)))

    assert isinstance(shown.command, LookUpPatron)
    assert shown.answer is None


async def test_a_rehearsal_shows_what_the_protocol_answers_by_itself(house: House) -> None:
    versions = await house.exchange.rehearse_message(await handled(house, house.message("lookup-version")))
    arrival = house.message("check-out", patron=PATRON, item="1")
    nobody = replace(arrival, body=arrival.body.replace(b"UserId", b"Nobody"))
    refused = await house.exchange.rehearse_message(await handled(house, nobody))

    assert b"VersionSupported" in (versions.answer.body if versions.answer else b"")
    assert isinstance(refused.refusal, Refusal)
    assert b"Needed Data Missing" in (refused.answer.body if refused.answer else b"")


async def test_what_stands_against_a_replay_is_said(house: House) -> None:
    kept = await handled(house, house.message("lookup-user", patron=PATRON))
    sent = await newest(house, MessageDirection.OUT)
    stranger = replace(house.message("lookup-user", patron=PATRON), peer="192.0.2.7")
    unknown = await handled(house, stranger)
    spaced = await handled(house, replace(stranger, body=stranger.body + b" " * 5_000))
    told_in_process = FullMessage(replace(kept.message, protocol="loopback"), kept.body)
    mailed = FullMessage(replace(unknown.message, protocol="mail", transport="imap"), unknown.body)
    mailed_out = FullMessage(replace(sent.message, protocol="mail", profile=""), sent.body)

    with pytest.raises(NotReplayableError, match="we sent it"):
        await house.exchange.replay_message(sent)
    with pytest.raises(NotReplayableError, match="we sent it"):
        await house.exchange.replay_message(mailed_out)
    for one, protocol in ((told_in_process, "loopback"), (mailed, "mail")):
        with pytest.raises(
            NotReplayableError, match=f"received by {protocol}; only iso18626, iso_ill, ncip, openrs messages"
        ):
            await house.exchange.rehearse_message(one)
    with pytest.raises(NotReplayableError, match="no longer kept"):
        await house.exchange.replay_message(FullMessage(kept.message, None))
    for one in (unknown, spaced):
        with pytest.raises(NotReplayableError, match="no profile"):
            await house.exchange.replay_message(one)
    del house.profiles["ncip2"]
    with pytest.raises(NotReplayableError, match="no longer exists"):
        await house.exchange.replay_message(kept)


async def test_a_content_not_kept_whole_is_not_replayed(tmp_path: Path) -> None:
    async with open_house(tmp_path, JournalOptions(body_limit=50)) as house:
        kept = await handled(house, house.message("lookup-user", patron=PATRON))

        with pytest.raises(NotReplayableError, match="stored in full"):
            await house.exchange.replay_message(kept)
