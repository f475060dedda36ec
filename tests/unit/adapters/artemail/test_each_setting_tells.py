"""Settings of ARTEmail that no story tries: with another value than the default, another file goes out, or the same
answer means something else."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.artemail.codec import decode
from adapters.artemail.dialect import dialect_of
from adapters.artemail.orders import choose_customer
from gateway.domain.problems import MalformedMessage, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from tests.unit.adapters.artemail.support import NUMBER, bldss, borrowed, message, only, read, tailored, written
from tests.unit.adapters.artemail.test_orders import CONFERENCE, LONG

CHINESE = Citation(title="紅楼夢 [I]", published="1791")
POSTAL = {"delivery": {"loans": "postal"}}


@pytest.mark.parametrize(
    ("more", "settings", "citation", "plain", "changed"),
    [
        ({}, {"layout": {"start": "RQ"}}, LONG, f"\nTX{NUMBER} S", f"\nRQ{NUMBER} S"),
        ({}, {"layout": {"end": "EOF"}}, LONG, "\nNNNN\n", "\nEOF\n"),
        ({}, {"layout": {"blank_lines": 1}}, LONG, "\n\n\n\nNNNN\n", "\n1987\n\nNNNN\n"),
        ({}, {"layout": {"length": 60}}, LONG, "Kloestern\n", "Kloestern am oberen Lauf der\n"),
        ({}, {"layout": {"indent": 3}}, LONG, "\n Bibliothekskatalogen", "\n   Bibliothekskatalogen"),
        (POSTAL, {"layout": {"item_address": ":SEND TO:"}}, LONG, "\n:DELIVER ABOVE ITEM TO:\n", "\n:SEND TO:\n"),
        (POSTAL, {"delivery": {"keywords": ["ADR"]}}, LONG, " S LOAN ADD\n", " S LOAN ADR\n"),
        ({}, {"characters": {"allowed": "[ -Z^-~]"}}, CHINESE, " [I]\n", " ?I?\n"),
        ({"characters": {"allowed": "[ -Z^-~]"}}, {"characters": {"instead": "#"}}, CHINESE, " ?I?\n", " #I#\n"),
        ({}, {"items": {"conference": ["{title}"]}}, CONFERENCE, "\nPP 17-24\nVom", "S LOAN\nVom Zettel zum Band\n\n"),
    ],
)
def test_a_file_is_written_as_the_settings_say(
    more: dict[str, Any], settings: dict[str, Any], citation: Citation, plain: str, changed: str
) -> None:
    said = message(request=borrowed(citation))
    before = tailored(**more)
    texts = [written(said, profile) for profile in (before, tailored(before, **settings))]

    assert [plain in texts[0], changed in texts[0], plain in texts[1], changed in texts[1]] == [
        True,
        False,
        False,
        True,
    ]


def test_a_number_that_the_service_does_not_take_is_not_ordered() -> None:
    profile = tailored(numbers={"pattern": r"\d+"})

    assert f"TX{NUMBER} " in written(message())
    with pytest.raises(Refused, match="does not accept this request number"):
        written(message(), profile)


def test_a_customer_code_of_another_form_begins_a_file() -> None:
    sent = written(message(), tailored(customers=[{"code": "LIB7", "password": "env:A"}]))
    layout = dialect_of(tailored(layout={"customer_pattern": r"LIB\d"})).layout.codec_layout

    assert decode(sent, layout).customer == "LIB7"


CUSTOMERS = [
    {"code": "11-1111", "formats": ["pdf"]},
    {"code": "22-2222", "types": ["conference-paper"]},
    {"code": "33-3333"},
]


@pytest.mark.parametrize(
    ("format_", "citation", "code"), [("pdf", LONG, "11-1111"), ("", CONFERENCE, "22-2222"), ("", LONG, "33-3333")]
)
def test_a_customer_code_is_chosen_by_what_is_ordered(format_: str, citation: Citation, code: str) -> None:
    request = borrowed(citation, ServiceType.COPY, format_=format_)

    assert choose_customer(message(request=request), dialect_of(tailored(customers=CUSTOMERS))).code == code


@pytest.mark.parametrize(
    ("settings", "answer", "plain", "changed"),
    [
        ({"labels": ["Auftrag"]}, f"Auftrag: {NUMBER} NO RENEW", "", "renew-refused"),
        ({"code_labels": ["Antwort"]}, f"{NUMBER} Antwort: NO RENEW", "", "renew-refused"),
        ({"unknown_code": r"Z\d+"}, f"{NUMBER} Z9", "message", "message"),
        ({"unknown_code": r"Z\d+"}, f"{NUMBER} ZZZ", "message", ""),
        ({"currency": "EUR"}, f"{NUMBER} *TOTAL LIBRARY MAX COST 45.50", "unfilled GBP", "unfilled EUR"),
        (
            *({"dates": ["%m/%d/%Y"]}, f"{NUMBER} RENEWED*04/05/2026"),
            *("renew-accepted 2026-05-04", "renew-accepted 2026-04-05"),
        ),
        (
            *({"codes": {"not-renewed": {"pattern": "NO RENEW|LAST LOAN"}}}, f"{NUMBER} LAST LOAN"),
            *("message", "renew-refused"),
        ),
    ],
)
def test_an_answer_is_read_as_the_settings_say(settings: dict[str, Any], answer: str, plain: str, changed: str) -> None:
    def describe(profile: Profile) -> str:
        """Empty: nothing in it is understood."""
        try:
            event = only(read(answer, profile=profile))
        except MalformedMessage:
            return ""
        cost, due = event.details.cost, event.details.due
        return f"{event.kind.value} {cost.currency if cost else due or ''}".strip()

    assert (describe(bldss()), describe(tailored(replies=settings))) == (plain, changed)
