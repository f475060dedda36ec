"""What a profile's template makes of a request: version, keys, genres, note, length, characters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings

from adapters.openurl.channel import build_push
from adapters.openurl.dialect import OpenUrlDialect
from gateway.domain.library import Money, RecordId
from gateway.domain.problems import Refused
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    PatronLink,
    RequestCosts,
    RequestDates,
    RequestedService,
    ServiceType,
    Volume,
)
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.letters import sample
from tests.unit.adapters.openurl import strategies

URL = "https://illiad.example/illiad.dll/OpenURL"
CHAPTER = Citation(
    type=CitationType.CHAPTER,
    title="Das große Moor",
    component_title="Torf",
    component_author="Brandt, Ilse; Ωμέγα, Ελένη",
    published="1987",
    pages="17-44",
    identifiers=(
        RecordId("isbn", "9783161484100"),
        RecordId("doi", "10.1000/moor.2"),
        RecordId("oclc", "8675309"),
        RecordId("lccn", "n78890351"),
    ),
    source="fjord.example:base",
    note="bitte farbig",
)


def message(citation: Citation = CHAPTER, kind: EventKind = EventKind.SUBMIT) -> PartnerMessage:
    said = sample.sample_message(EventKind.REQUEST)
    request = replace(
        said.request,
        citation=citation,
        service=RequestedService(ServiceType.COPY, format="pdf", level="rush"),
        dates=RequestDates(need_by=date(2026, 12, 1)),
        costs=RequestCosts(maximum=Money(Decimal("12.50"), "EUR")),
        patron=PatronLink(identifier="21000000000017", category="student", pickup="SCI"),
    )
    return replace(said, kind=kind, transaction="B2026-00017", request=request, details=EventDetails(status="shipped"))


def keys(said: PartnerMessage | None = None, **section: Any) -> list[tuple[str, str]]:
    return parse_qsl(build_push(said or message(), OpenUrlDialect(url=URL, **section)).query, strict_parsing=True)


def test_version_1_0_as_it_is_without_a_template() -> None:
    assert keys() == [
        ("url_ver", "Z39.88-2004"),
        ("url_ctx_fmt", "info:ofi/fmt:kev:mtx:ctx"),
        ("ctx_ver", "Z39.88-2004"),
        ("ctx_enc", "info:ofi/enc:UTF-8"),
        ("rfr_id", "info:sid/fjord.example:base"),
        ("rft_val_fmt", "info:ofi/fmt:kev:mtx:book"),
        ("rft.genre", "bookitem"),
        ("rft.atitle", "Torf"),
        ("rft.btitle", "Das große Moor"),
        ("rft.aulast", "Brandt"),
        ("rft.aufirst", "Ilse"),
        ("rft.au", "Brandt, Ilse"),
        ("rft.au", "Ωμέγα, Ελένη"),
        ("rft.date", "1987"),
        ("rft.spage", "17"),
        ("rft.epage", "44"),
        ("rft.pages", "17-44"),
        ("rft.isbn", "9783161484100"),
        ("rft_id", "info:doi/10.1000/moor.2"),
        ("rft_id", "info:oclcnum/8675309"),
        ("rft_id", "info:lccn/n78890351"),
        ("rft.notes", "bitte farbig\nOur request B2026-00017\nNeeded by 2026-12-01"),
    ]


def test_version_0_1() -> None:
    assert keys(version="0.1", fields={"note": ["notes"]}, note=["{note}"]) == [
        ("sid", "fjord.example:base"),
        ("genre", "bookitem"),
        ("atitle", "Torf"),
        ("title", "Das große Moor"),
        ("aulast", "Brandt"),
        ("aufirst", "Ilse"),
        ("au", "Brandt, Ilse"),
        ("au", "Ωμέγα, Ελένη"),
        ("date", "1987"),
        ("spage", "17"),
        ("epage", "44"),
        ("pages", "17-44"),
        ("isbn", "9783161484100"),
        ("id", "doi:10.1000/moor.2"),
        ("id", "oclcnum:8675309"),
        ("notes", "bitte farbig"),
    ]


def test_both_versions_one_after_the_other() -> None:
    both = keys(version="both")

    assert both == [*keys()[:-1], *keys(version="0.1")[:-1], keys()[-1]]


def test_names_prefix_and_fixed_keys_are_the_targets_own() -> None:
    said = dict(
        keys(
            prefix="",
            names={"btitle": "BookTitle", "rft_id": "", "url_ver": ""},
            fixed={"Action": "10", "ctx_enc": "UTF8"},
        )
    )

    assert list(said)[:2] == ["Action", "ctx_enc"]
    assert said["ctx_enc"] == "UTF8"
    assert said["BookTitle"] == "Das große Moor"
    assert said["genre"] == "bookitem"
    assert not {"rft_id", "url_ver", "btitle"} & set(said)


@pytest.mark.parametrize(
    ("type_", "genre"),
    [
        ("article", "article"),
        ("journal", "journal"),
        ("book", "book"),
        ("chapter", "bookitem"),
        ("thesis", "dissertation"),
        ("conference-paper", "proceeding"),
        ("report", "report"),
        ("patent", "patent"),
        ("newspaper", "journal"),
        ("score", "document"),
        ("other", "unknown"),
    ],
)
def test_each_type_has_its_genre_and_a_profile_may_have_others(type_: str, genre: str) -> None:
    said = message(Citation(type=CitationType(type_), title="Title"))

    assert dict(keys(said))["rft.genre"] == genre
    assert dict(keys(said, genres={type_: "own"}))["rft.genre"] == "own"
    assert dict(keys(said, genres={type_: "own"}, version="0.1"))["genre"] == "own"


def test_all_that_can_be_told_beside_the_citation() -> None:
    fields = ("number", "patron", "category", "pickup", "service", "format", "level", "need_by", "maximum_cost")
    more = ("library", "kind", "status", "message")
    said = dict(
        keys(
            fields={name: [f"x.{name}"] for name in (*fields, *more)},
            services={"copy": "Photocopy"},
            date_format="%m/%d/%Y",
        )
    )

    assert {key[2:]: value for key, value in said.items() if key.startswith("x.")} == {
        "number": "B2026-00017",
        "patron": "21000000000017",
        "category": "student",
        "pickup": "SCI",
        "service": "Photocopy",
        "format": "pdf",
        "level": "rush",
        "need_by": "12/01/2026",
        "maximum_cost": "12.50 EUR",
        "library": message().sender.symbol,
        "kind": "submit",
        "status": "shipped",
        "message": message().id,
    }
    assert "rft.notes" not in said


def test_a_line_of_the_note_with_nothing_to_say_is_left_out() -> None:
    said = message()
    said = replace(said, request=replace(said.request, dates=RequestDates(), citation=replace(CHAPTER, note="")))

    assert dict(keys(said))["rft.notes"] == "Our request B2026-00017"


def test_the_reader_is_told_to_nobody_who_is_not_asked_to_know() -> None:
    assert "21000000000017" not in build_push(message(), OpenUrlDialect(url=URL)).query


def test_a_character_set_that_lacks_a_letter() -> None:
    push = build_push(message(), OpenUrlDialect(url=URL, charset="iso-8859-1"))

    assert "gro%DFe" in push.query
    assert "ctx_enc=info%3Aofi%2Fenc%3AISO-8859-1" in push.query
    assert "%26%23937%3B" in push.query  # &#937; is Omega
    assert push.replaced == ("rft.au",)


def test_what_is_too_long_loses_keys_in_order_and_says_so() -> None:
    whole = len(f"{URL}?{build_push(message(), OpenUrlDialect(url=URL)).query}")
    drop = ("rft.absent", "rft_id", "rft.au", "rft.notes")

    push = build_push(message(), OpenUrlDialect(url=URL, max_length=whole - 1, drop=drop))
    less = build_push(message(), OpenUrlDialect(url=URL, max_length=whole - 140, drop=drop))

    assert push.left_out == ("rft_id",)
    assert "rft_id=" not in push.query
    assert less.left_out == ("rft_id", "rft.au")
    assert len(f"{URL}?{less.query}") <= whole - 140
    assert build_push(message(), OpenUrlDialect(url=URL, max_length=whole)).left_out == ()
    with pytest.raises(Refused, match="longer than 100 bytes, whatever is left out"):
        build_push(message(), OpenUrlDialect(url=URL, max_length=100, drop=drop))


@given(strategies.citations)
@settings(max_examples=60)
def test_whatever_is_cited_a_template_writes_it(citation: Citation) -> None:
    for version in ("0.1", "1.0", "both"):
        for charset in ("utf-8", "iso-8859-1", "big5"):
            push = build_push(message(citation), OpenUrlDialect(url=URL, version=version, charset=charset))
            assert push.query.isascii()
            assert parse_qsl(push.query, keep_blank_values=True, strict_parsing=True, encoding=charset)


def test_volumes_that_are_wanted_stand_first_in_the_note() -> None:
    said = message()
    said = replace(said, request=replace(said.request, volumes=(Volume("1", "Bd. 1"), Volume("2", "Bd. 2"))))

    assert dict(keys(said))["rft.notes"].startswith("volume 1 of 2: Bd. 1; volume 2 of 2: Bd. 2; bitte farbig")
