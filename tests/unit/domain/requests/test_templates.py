"""Texts with fields in braces, and links: what may stand in them, and what becomes of them."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.domain.circulation_policy import AS_SUCCESS, AcceptItemRules, CirculationPolicy, IdentifierRewrite
from gateway.domain.library import RecordId
from gateway.domain.requests.catalogue_policy import LocatePolicy
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.fulfilment import Availability, Fulfilment, LinkOut, OfferRule, ServicesPolicy
from gateway.domain.requests.intake_rules import choose_number_template
from gateway.domain.requests.partner_policy import MAX_NUMBER_CHARS, BatchRule, NumberTemplate
from gateway.domain.requests.policy import Numbers
from gateway.domain.requests.request import Role, ServiceType

# --- numbers ---------------------------------------------------------------------------------------------

TEMPLATE = TypeAdapter(NumberTemplate)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("B-{yaer}-{sequence}", "'yaer' is no field"),
        ("B-{}-{sequence}", "can't be filled in"),
        ("B-{year", "it may contain {library}, {year}, {month}, {branch}, {partner}, {prefix}, {sequence}"),
        ("B-{year}", "must contain {sequence} once, or {sequence:05d}, so that numbers differ"),
        ("{sequence}{sequence}", "must contain {sequence} once"),
        ("{month}-{sequence}", "with {month} it must contain {year} too, or numbers come again after a year"),
    ],
)
def test_a_template_of_numbers_is_checked(template: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TEMPLATE.validate_python(template)
    assert f"{why}" in str(refused.value)
    assert "XX" not in str(refused.value)


def test_a_number_may_be_as_long_as_partners_take() -> None:
    longest = "9" * (MAX_NUMBER_CHARS - 1) + "{sequence}"
    assert TEMPLATE.validate_python(longest) == longest
    with pytest.raises(ValidationError, match=f"longer than {MAX_NUMBER_CHARS} characters"):
        TEMPLATE.validate_python("9" + longest)
    assert TEMPLATE.validate_python("{year}-{month}-{sequence:05d}")


@pytest.mark.parametrize(
    "number", ["F{sequence:06d}", "f{year}/{month}.{sequence}-Z", "{prefix}{sequence}", "9{sequence}"]
)
def test_a_file_may_have_any_number_of_one_word(number: str) -> None:
    assert BatchRule(wait_minutes=1, number=number).number == number


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("{branch}{sequence}", "a file is of no branch, and a symbol may have"),
        ("{partner}{sequence}", "a file is of no branch, and a symbol may have"),
        ("File {sequence}", "a file's number is one word of letters, digits and . / -"),
        ("-{sequence}", "a file's number is one word of letters, digits and . / -"),
        ("Ł{sequence}", "a file's number is one word of letters, digits and . / -"),
    ],
)
def test_a_files_number_comes_back_in_an_answer(number: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        BatchRule(wait_minutes=1, number=number)
    assert f"Value error, {why}" in str(refused.value)


def test_which_template_a_request_gets() -> None:
    numbers = Numbers(
        borrowing="B{sequence}", lending="L{sequence}", branches={"SCI": "S{sequence}"}, partners={"bl": "BL{sequence}"}
    )
    assert choose_number_template(Role.BORROWING, numbers) == "B{sequence}"
    assert choose_number_template(Role.LENDING, numbers, branch="SCI") == "L{sequence}"
    assert choose_number_template(Role.BORROWING, numbers, branch="SCI") == "S{sequence}"
    assert choose_number_template(Role.BORROWING, numbers, branch="SCI", profile="bl") == "BL{sequence}"
    assert choose_number_template(Role.LENDING, numbers, profile="bl", own="X{sequence}") == "X{sequence}"


# --- profiles --------------------------------------------------------------------------------------------


def test_a_barcodes_template_is_filled_with_what_there_is() -> None:
    assert AcceptItemRules(barcode_template="{request}-{number:09d}").barcode_template == "{request}-{number:09d}"
    with pytest.raises(ValidationError, match=r"can't be filled in .*; it may contain \{number\}, \{request\}"):
        AcceptItemRules(barcode_template="{numbr}")
    with pytest.raises(ValidationError, match=r"can't be filled in"):
        AcceptItemRules(barcode_template="{request:d}")


def test_a_replacement_names_groups_that_its_pattern_has() -> None:
    assert IdentifierRewrite(pattern=r"(\d+)-(\d+)", replacement=r"\2").rewrite_identifier("26-17") == "17"
    with pytest.raises(ValidationError, match=r"\\3"):
        IdentifierRewrite(pattern=r"(\d+)-(\d+)", replacement=r"\3")


def test_only_some_refusals_can_be_a_success() -> None:
    with pytest.raises(ValidationError) as service:
        CirculationPolicy.model_validate({"as_success": {"renew": ["unknown-item"]}})
    assert f"no refusal of renew can be a success; services: {', '.join(sorted(AS_SUCCESS))}" in str(service.value)
    with pytest.raises(ValidationError) as reason:
        CirculationPolicy.model_validate({"as_success": {"check-in": ["unknown-patron"]}})
    these = ", ".join(sorted(AS_SUCCESS["check-in"]))
    said = f"check-in: unknown-patron can't be answered as success; these can: {these}"
    assert said in str(reason.value)


def test_a_step_stands_once() -> None:
    with pytest.raises(ValidationError, match="Value error, a step stands twice"):
        LocatePolicy.model_validate({"plan": ["isbn", "isbn"]})


# --- links -----------------------------------------------------------------------------------------------

ARTICLE = Citation(
    type=CitationType.ARTICLE,
    title="日本 & 図書館",
    author="Satō, Hana",
    component_title="Gärten/Höfe",
    component_author="Łukasiewicz",
    published="März 2014, 2. Aufl.",
    volume="41",
    issue="2-3",
    pages=" e77-91",
    identifiers=(RecordId("issn", " 1344 - 8668 "), RecordId("doi", "10.1000/a b"), RecordId("isbn", "978-0-00")),
)


def link(url: str, citation: Citation = ARTICLE, **conditions: object) -> str:
    return LinkOut.model_validate({"name": {"en": "Full text"}, "url": url, **conditions}).fill_link(
        citation, "genre=article&title=x"
    )


@pytest.mark.parametrize(
    ("fields", "filled"),
    [
        ("{doi}", "10.1000%2Fa%20b"),
        ("{issn}/{isbn}", "13448668/978000"),
        ("{title}", "%E6%97%A5%E6%9C%AC%20%26%20%E5%9B%B3%E6%9B%B8%E9%A4%A8"),
        ("{author}", "Sat%C5%8D%2C%20Hana"),
        ("{part_title}", "G%C3%A4rten%2FH%C3%B6fe"),
        ("{part_author}", "%C5%81ukasiewicz"),
        ("{volume}.{issue}", "41.2-3"),
        ("{pages}", "%20e77-91"),
        ("{first_page}", "e77"),
        ("{year}", "2014"),
        ("{openurl}", "genre=article&title=x"),
    ],
)
def test_a_link_is_filled_with_what_is_cited(fields: str, filled: str) -> None:
    assert link(f"https://resolver.example/{fields}") == f"https://resolver.example/{filled}"


@pytest.mark.parametrize(("pages", "first"), [("S12-S19", "S12"), ("77, 80", "77"), ("AB12", ""), ("xi-xx", "")])
def test_a_link_may_lead_to_the_first_page(pages: str, first: str) -> None:
    assert link("https://r.example/{first_page}", Citation(pages=pages)) == (
        f"https://r.example/{first}" if first else ""
    )


@pytest.mark.parametrize("field", ["pmid", "oclc", "lccn"])
def test_a_link_is_not_offered_when_something_is_missing(field: str) -> None:
    assert link(f"https://resolver.example/{{doi}}/{{{field}}}") == ""
    nothing = Citation(pages="app.", published="o. J.")
    assert link("https://resolver.example/{first_page}", nothing) == ""
    assert link("https://resolver.example/{year}", nothing) == ""


def test_a_link_is_offered_for_its_types_and_numbers() -> None:
    url = "https://resolver.example/{doi}"
    assert link(url, citation_types=["article"])
    assert not link(url, citation_types=["book"])
    assert link(url, identifiers=["doi", "issn"])
    assert not link(url, identifiers=["doi", "pmid"])


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://{doi}/x", "must be https://HOST/… or http://HOST/…, with fields in braces only behind the host"),
        ("ftp://x.example/{doi}", "must be https://HOST/… or http://HOST/…"),
        (
            "https://x.example/{dio}",
            "{dio} is nothing that a link can be filled with; there is {doi}, {pmid}, {isbn}, {issn}, {oclc}, ",
        ),
        ("https://x.example/{doi!r}", "a field stands in braces as it is, without ':' or '!'"),
        ("https://x.example/{volume:>3}", "a field stands in braces as it is, without ':' or '!'"),
    ],
)
def test_a_link_that_can_not_be_filled_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        link(url)
    assert f"Value error, {why}" in str(refused.value)


def test_an_offer_for_a_category_is_made_to_nobody_who_is_not_known() -> None:
    policy = ServicesPolicy(rules=(OfferRule(patron_categories=("Staff",), offer=(Fulfilment.ASK,)),))
    wish = (Availability.OUT, ARTICLE, ServiceType.COPY)
    assert policy.choose_fulfilments(*wish) == ()
    assert policy.choose_fulfilments(*wish, "STAFF") == (Fulfilment.ASK,)
