"""The ways in which gateways can be joined, two of them or three with a broker in the middle; what becomes of a request
by each is played by `play_pair` and `play_trio`. What a way has no words for is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.faults.joined.installations import Template
from tests.support import brokered_sequences, iso_sequences
from tests.support.brokered_trio import MailedPair, MailInFormat, OneTransport, Trio, TwoWays
from tests.support.dovecot import Dovecot
from tests.support.iso18626_joining import Http18626
from tests.support.iso_mail import Mail
from tests.support.iso_pair import Joining, Tcp
from tests.support.letter_pair import LetterPair, Letters
from tests.support.letter_sequences import LETTER_SEQUENCES
from tests.support.letter_trio import LetterTrio
from tests.support.letter_trio_sequences import LETTER_TRIO_SEQUENCES
from tests.support.mail_profiles import PEER, TAGGED
from tests.support.ncip_desk import NcipDesk, NcipLetterDesk

Join = Callable[[Dovecot, str], Joining]
"""`name`: of the cell, for its mailboxes."""


def join_by_format(content: Mapping[str, Any]) -> Join:
    lending = iso_sequences.WORKFLOW["lending"]
    return lambda dovecot, name: MailInFormat(dovecot, name, content=content, lending=lending)


WAYS: Mapping[str, Join] = {
    "iso18626-2021": lambda _dovecot, _name: Http18626({"version": "2021-2"}),
    "iso18626-2017": lambda _dovecot, _name: Http18626({"version": "1.2"}),
    "iso-ill-tcp": lambda _dovecot, _name: Tcp("same-connection"),
    "iso-ill-call-back": lambda _dovecot, _name: Tcp("call-back"),
    "iso-ill-mail": lambda dovecot, name: Mail(dovecot, name),
    "tagged-mail": join_by_format(TAGGED),
    "artemail": join_by_format(PEER),
    "letters": lambda dovecot, name: Letters(dovecot, name, lending=iso_sequences.WORKFLOW["lending"]),
}
"""By which two gateways lend to each other."""

BY_PEOPLE = "letters"
"""Who write letters need people who read them."""

BY_NCIP = "ncip"
"""How one of the two libraries may work with its own gateway. NCIP is no way between libraries: it has no answer of a
supplier (docs/facts/ncip.md 2)."""

TO_BROKER = ("iso18626-2021", "iso-ill-call-back", "tagged-mail", "artemail", BY_PEOPLE)
"""By which a requester asks the broker in these tables."""

_TRANSPORTS = {"iso18626-2021": "http", "iso18626-2017": "http", "iso-ill-tcp": "tcp", "iso-ill-call-back": "tcp"}
"""Others go by mail."""


def join_broker(near: str, far: str, dovecot: Dovecot, name: str) -> Joining:
    first = WAYS[near](dovecot, f"n-{name}")
    if near == far:
        return first
    if _TRANSPORTS.get(near) == _TRANSPORTS.get(far):
        return OneTransport(first, WAYS[far](dovecot, f"n-{name}"))
    second = WAYS[far](dovecot, f"f-{name}")
    for one, other in ((first, second), (second, first)):
        if isinstance(one, Http18626) and isinstance(other, Letters):
            other.share_listeners(one)
    return TwoWays(first, second)


NO_CODE = "no code of a reply says it"
NO_PRICE = "no link of a letter names a price"
UNSAYABLE: Mapping[str, Mapping[str, str]] = {
    "artemail": {
        "two_volumes": "an order names no volumes",
        "retry_later": "one code alone, for what isn't available, in weeks",
        "conditional_yes": NO_CODE,
        "conditional_no": NO_CODE,
        "lost_by_the_borrower": NO_CODE,
        "lost_by_the_lender": NO_CODE,
        "queries": "no code reports a status",
        "price_yes": NO_CODE,
    },
    BY_PEOPLE: {"price_yes": NO_PRICE},
}
"""By way and sequence: what the format has no words for (docs/facts/artemail.md 2)."""

UNSAYABLE_BROKERED: Mapping[str, Mapping[str, str]] = {
    "artemail": {
        **{name: why for name, why in UNSAYABLE["artemail"].items() if name in brokered_sequences.SEQUENCES},
        "messages": "an order is ASCII",
    },
    BY_PEOPLE: {
        "promise_then_no": "a letter's question is answered by its links once",
        "price_yes": NO_PRICE,
    },
}
"""By a way to the broker or from it (of ARTEmail docs/facts/artemail.md 1 and 2)."""


def list_unsayable(near: str, far: str) -> Mapping[str, str]:
    """By sequence, through a broker: what one of the two has no words for."""
    return {**UNSAYABLE_BROKERED.get(near, {}), **UNSAYABLE_BROKERED.get(far, {})}


async def play_pair(way: str, case: str, template: Template, folder: Path, dovecot: Dovecot) -> None:
    joining = WAYS[way](dovecot, f"{way}-{case.replace('_', '-')}")
    if way == BY_PEOPLE:
        async with LetterPair(template, folder, joining, iso_sequences.WORKFLOW) as people:
            await LETTER_SEQUENCES[case](people)
            await people.nothing_is_left()
        return
    async with MailedPair(template, folder, joining, iso_sequences.WORKFLOW) as pair:
        await iso_sequences.SEQUENCES[case](pair)
        await pair.nothing_is_left()


async def play_desk(way: str, desk: str, case: str, template: Template, folder: Path, dovecot: Dovecot) -> str:
    """A pair of which the library `desk` works by NCIP; what the cell says."""
    joining = WAYS[way](dovecot, f"{way}-{desk.lower()}-{case.replace('_', '-')}")
    if way == BY_PEOPLE:
        async with NcipLetterDesk(template, folder, joining, iso_sequences.WORKFLOW, desk) as people:
            await LETTER_SEQUENCES[case](people)
            await people.nothing_is_left()
        return people.describe_share()
    async with NcipDesk(template, folder, joining, iso_sequences.WORKFLOW, desk) as pair:
        await iso_sequences.SEQUENCES[case](pair)
        await pair.nothing_is_left()
    return pair.describe_share()


async def play_trio(near: str, far: str, case: str, template: Template, folder: Path, dovecot: Dovecot) -> None:
    name = f"{near}-{far}-{case.replace('_', '-')}"
    joining = join_broker(near, far, dovecot, name)
    if BY_PEOPLE in (near, far):
        async with LetterTrio(template, folder, joining, brokered_sequences.WORKFLOW) as people:
            await LETTER_TRIO_SEQUENCES[case](people)
            await people.nothing_is_left()
        return
    async with Trio(template, folder, joining, brokered_sequences.WORKFLOW) as trio:
        await brokered_sequences.SEQUENCES[case](trio)
        await trio.nothing_is_left()
