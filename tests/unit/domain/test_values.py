"""Small values of the domain: what they say, and at which moment it changes."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.domain.circulation_policy import DuePolicy, IdentifierRewrite
from gateway.domain.clock import FixedClock, SystemClock
from gateway.domain.due_dates import DueChoice, choose_due_date, require_future_day
from gateway.domain.library import Block, BlockScope, Money, Patron, PatronIdentifier, PersonName, RecordId
from gateway.domain.problems import (
    MAX_LISTED_CODES,
    ConfigurationError,
    ConfigurationProblem,
    MalformationKind,
    MalformedMessage,
    MessagePart,
    Refusal,
    RefusalReason,
    Refused,
)
from gateway.domain.profile import MatchRule, normalize_alternative_name, normalize_fingerprint
from gateway.domain.requests.calendar import Calendar
from gateway.domain.requests.catalogue_policy import WantedPart
from gateway.domain.requests.citation import is_listed_work
from gateway.domain.requests.events import EventKind, local_signal
from gateway.domain.requests.fulfilment import UsualDays, UsualTimes
from gateway.domain.requests.intake_rules import NumberFields, number_series
from gateway.domain.requests.partner_policy import Closure, PartnerMail, PartnerPolicy, PatronWorkflow
from gateway.domain.requests.policy import CalendarPolicy, Catalogues, RequestPolicy, RotaTemplate, TemplateLine
from gateway.domain.requests.request import BorrowingState, ServiceType
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import DenialReason
from gateway.domain.requests.views import (
    CopyLinkView,
    EventDenied,
    NotFound,
    ResultPage,
    SeveralRequests,
    VersionConflict,
)
from gateway.domain.secret_reference import REQUIREMENT, SECRET_ERROR, SecretReference
from gateway.domain.value import replace, value_object

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


# --- time ------------------------------------------------------------------------------------------------


def test_the_clock_is_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_clock_that_stands_moves_when_told_to() -> None:
    clock = FixedClock(datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == NOW
    assert clock.now().tzinfo is UTC
    clock.advance(timedelta(days=1))
    clock.advance(timedelta(hours=1))
    assert clock.now() == NOW + timedelta(hours=25)
    with pytest.raises(ValueError, match=r"^a clock needs an aware datetime$"):
        FixedClock(datetime(2026, 3, 2))  # noqa: DTZ001 - that is what is refused


def test_whose_due_date_is_told_to_the_library() -> None:
    assert choose_due_date(DuePolicy.LENDER, NOW) == DueChoice(exact=NOW)
    assert choose_due_date(DuePolicy.EARLIER, NOW) == DueChoice(latest=NOW)
    assert choose_due_date(DuePolicy.LOCAL, NOW) == DueChoice()


def test_a_due_date_is_brought_forward_only_when_it_is_later() -> None:
    assert DueChoice(latest=NOW).is_exceeded_by(NOW + timedelta(seconds=1))
    assert not DueChoice(latest=NOW).is_exceeded_by(NOW)
    assert not DueChoice(exact=NOW).is_exceeded_by(NOW + timedelta(days=1))


def test_a_day_before_today_is_refused() -> None:
    today = date(2026, 3, 2)
    assert require_future_day(today, today, ZURICH) == today
    assert require_future_day(None, today, ZURICH) is None
    evening = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert require_future_day(evening, today, ZURICH) == today, "it is the 2nd in Zurich"
    with pytest.raises(Refused) as refused:
        require_future_day(date(2026, 3, 1), today, ZURICH, MessagePart.NEED_BY)
    found = refused.value
    assert (found.reason, found.about, found.value) == (
        RefusalReason.INVALID_DATE,
        MessagePart.NEED_BY,
        "2026-03-01",
    )
    assert found.detail == "This date has already passed."


# --- people ----------------------------------------------------------------------------------------------


def test_a_patrons_identifiers_and_blocks_are_found() -> None:
    overdue = Block("overdue items", frozenset({BlockScope.BORROW}))
    fees = Block("fees above 20.00 EUR", frozenset({BlockScope.BORROW, BlockScope.REQUEST}))
    patron = Patron(
        "p-1",
        (PatronIdentifier("barcode", "21"), PatronIdentifier("username", "aase"), PatronIdentifier("barcode", "22")),
        PersonName("Åse Ødegård"),
        "staff",
        "main",
        blocks=(overdue, fees),
    )
    assert (patron.identifier("username"), patron.identifier("barcode"), patron.identifier("pin")) == (
        "aase",
        "21",
        None,
    )
    assert patron.find_block(BlockScope.BORROW) is overdue
    assert patron.find_block(BlockScope.REQUEST) is fees
    assert patron.find_block(BlockScope.RENEW) is None


# --- what is wrong ---------------------------------------------------------------------------------------


def test_a_malformed_message_says_where_and_why() -> None:
    error = MalformedMessage("line 3", "not three words")
    assert (str(error), error.place, error.reason) == ("line 3: not three words", "line 3", "not three words")
    assert error.fault is MalformationKind.SYNTAX
    assert str(MalformedMessage("", "it ends too early", MalformationKind.TOO_LARGE)) == "it ends too early"


def test_a_refusal_is_kept_as_a_value() -> None:
    error = Refused(RefusalReason.INVALID_DATE, "Too early.", about=MessagePart.DUE_DATE, value="1999", internal="ORA")
    assert str(error) == "invalid-date: Too early."
    assert Refusal.from_error(error) == Refusal(
        RefusalReason.INVALID_DATE, "Too early.", MessagePart.DUE_DATE, "1999", "ORA"
    )
    assert Refusal.from_error(Refused(RefusalReason.INVALID_DATE, "Too early.")) == Refusal(
        RefusalReason.INVALID_DATE, "Too early.", None, "", ""
    )


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (ConfigurationProblem("a.yml", 0, (), "not YAML"), "a.yml: not YAML"),
        (ConfigurationProblem("a.yml", 3, ("auth", 0, "kind"), ""), "a.yml:3: auth.0.kind"),
        (
            ConfigurationProblem("a.yml", 3, ("kind",), "unknown", "'nnoe'", ("none", "basic"), "none"),
            "a.yml:3: kind: unknown, found 'nnoe', allowed: none, basic (did you mean 'none'?)",
        ),
        (ConfigurationProblem("a.yml", 3, ("kind",), "", "'x'"), "a.yml:3: kind: found 'x'"),
    ],
)
def test_a_problem_is_one_line(problem: ConfigurationProblem, line: str) -> None:
    assert str(problem) == line


@pytest.mark.parametrize(("count", "more"), [(0, ""), (1, " and 1 more"), (5, " and 5 more")])
def test_long_lists_of_codes_are_cut(count: int, more: str) -> None:
    codes = tuple(f"c{number}" for number in range(MAX_LISTED_CODES + count))
    line = str(ConfigurationProblem("a.yml", 1, ("x",), "unknown", allowed=codes))
    assert line == f"a.yml:1: x: unknown, allowed: {', '.join(codes[:MAX_LISTED_CODES])}{more}"


def test_all_problems_stand_in_the_error() -> None:
    problems = [ConfigurationProblem("a.yml", 1, (), "one"), ConfigurationProblem("b.yml", 2, (), "two")]
    error = ConfigurationError(iter(problems))
    assert (error.problems, str(error)) == (tuple(problems), "a.yml:1: one\nb.yml:2: two")


def test_errors_of_services_say_what_it_is_about() -> None:
    assert (str(NotFound("rota")), NotFound("rota").what) == ("no such rota", "rota")
    conflict = VersionConflict(8)
    assert (str(conflict), conflict.version) == ("the request is at version 8 now", 8)


def test_a_number_of_several_requests_is_said_with_ours() -> None:
    error = SeveralRequests(("B-2026-1", "L-2026-7"))
    assert (str(error), error.numbers) == ("several requests have it: B-2026-1, L-2026-7", ("B-2026-1", "L-2026-7"))


def test_a_secret_that_stands_itself_in_a_file_is_refused_by_an_error_that_is_known() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(SecretReference).validate_python("hunter2")
    (error,) = refused.value.errors()
    assert (error["type"], error["msg"]) == (SECRET_ERROR, REQUIREMENT)


def test_an_event_that_is_refused_says_why() -> None:
    denied = Denied(DenialReason.ENDED, local_signal(EventKind.RENEW), BorrowingState.UNFILLED)
    error = EventDenied(denied)
    assert (str(error), error.denied) == (denied.detail, denied)


def test_a_link_to_a_copy_is_open_for_so_long_and_so_often() -> None:
    link = CopyLinkView(file="scan.pdf", sent=NOW, expires=NOW, downloads=2, fetched=1, last=None)
    before = NOW - timedelta(seconds=1)
    assert link.is_open(before)
    assert not link.is_open(NOW)
    assert not replace(link, fetched=2).is_open(before)


def test_a_page_of_results_is_iterable() -> None:
    assert list(ResultPage(("a", "b"), "")) == ["a", "b"]


# --- policies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["192.0.2.7/24", "2001:db8::/32", "127.0.0.1"])
def test_a_network_is_taken_as_it_is_written(network: str) -> None:
    assert MatchRule(network=network).network == network


@pytest.mark.parametrize(
    ("rewrite", "error"),
    [
        ({"pattern": "(a"}, "not a regular expression of RE2: missing ): (a"),
        ({"pattern": "a", "replacement": r"\1"}, r"\1 names a group, but 'a' has 0"),
    ],
)
def test_a_rewriting_that_could_not_be_done_is_refused(rewrite: dict[str, str], error: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(f"Value error, {error}")):
        IdentifierRewrite.model_validate(rewrite)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"not an IP address or network such as 192\.0\.2\.0/24: 192\.0\.2\.0/33"):
        MatchRule(network="192.0.2.0/33")


def test_a_partner_is_known_by_its_addresses_or_its_domain() -> None:
    mail = PartnerMail(addresses=("Lån@Bergen.example", "@ub.bergen.example"))
    assert mail.is_partner_address("LÅN@bergen.EXAMPLE")
    assert mail.is_partner_address("anybody@UB.bergen.example")
    assert not mail.is_partner_address("anybody@bergen.example")
    assert not mail.is_partner_address("anybody@x.ub.bergen.example")
    assert mail.is_partner_address('"any@body"@ub.bergen.example')


def test_a_partner_is_closed_from_the_first_day_to_the_last() -> None:
    summer = Closure(first=date(2026, 7, 20), last=date(2026, 8, 2), note="summer")
    partner = PartnerPolicy(closures=(Closure(first=date(2026, 5, 1), last=date(2026, 5, 1)), summer))
    closed = [day for day in (19, 20, 31) if partner.is_closed(date(2026, 7, day))]
    assert closed == [20, 31]
    assert (partner.is_closed(date(2026, 8, 2)), partner.is_closed(date(2026, 8, 3))) == (True, False)
    assert partner.find_closure(date(2026, 8, 1)) is summer
    assert [one.describe_closure() for one in partner.closures] == [
        "closed until 2026-05-01",
        "closed until 2026-08-02: summer",
    ]


def test_only_letters_that_there_are_can_be_chosen() -> None:
    with pytest.raises(ValidationError, match=r"no such letter; letters: placed, .*sent"):
        PatronWorkflow(letters=("placed", "sennt"))
    assert PatronWorkflow(letters=("placed", "sent")).letters == ("placed", "sent")


def test_a_holiday_is_a_month_and_a_day() -> None:
    assert CalendarPolicy(yearly=("02-29", "12-25")).yearly == ("02-29", "12-25")
    with pytest.raises(ValidationError, match="Value error, not a month and day such as 12-25"):
        CalendarPolicy(yearly=("25.12.",))
    with pytest.raises(ValidationError, match="Value error, no such day in any year"):
        CalendarPolicy(yearly=("02-30",))


def test_a_branch_may_belong_to_no_campus() -> None:
    policy = RequestPolicy(campuses={"north": ("SCI", "med")})
    assert [policy.campus_of_branch(code) for code in ("sci", "MED", "LAW", "")] == ["north", "north", "", ""]


def test_copies_have_usual_days_of_their_own() -> None:
    days = UsualTimes(loans=UsualDays(least=5, most=10), copies=UsualDays(least=1, most=3))
    assert days.of_service(ServiceType.COPY) == UsualDays(least=1, most=3)
    assert days.of_service(ServiceType.LOAN) is days.loans
    assert days.of_service(ServiceType.COPY_OR_LOAN) is days.loans


def test_a_target_stands_once_in_a_group() -> None:
    with pytest.raises(ValidationError, match="stands twice: dnb, k10plus"):
        Catalogues(groups={"german": ("k10plus", "dnb", "gvi", "dnb", "k10plus")})
    assert Catalogues(groups={"german": ("k10plus", "dnb")}).groups == {"german": ("k10plus", "dnb")}


def test_a_partner_stands_once_on_a_rota() -> None:
    lines = tuple(TemplateLine(partner=name) for name in ("oslo", "kyoto", "oslo", "kyoto", "lund"))
    with pytest.raises(ValidationError, match="a partner stands in one line of a rota: kyoto, oslo"):
        RotaTemplate(lines=lines)


@pytest.mark.parametrize(
    ("part", "wanted"), [(WantedPart(), False), (WantedPart(volume=3), True), (WantedPart(year=1990), True)]
)
def test_a_part_is_wanted_when_a_volume_or_a_year_is_said(part: WantedPart, wanted: bool) -> None:
    assert bool(part) is wanted


def test_a_number_with_a_colon_in_it_is_of_the_type_before_the_first() -> None:
    asked = (RecordId("local", "shelf:7"),)
    assert is_listed_work(asked, ["local:shelf:7"]) is True
    assert is_listed_work(asked, ["local:shelf:8"]) is False
    assert is_listed_work(asked, ["local:7"]) is False
    assert is_listed_work(asked, ["doi:10.1/x"]) is None


@pytest.mark.parametrize("currency", ["EU", "EURO", "eur", "E1R", ""])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(Decimal(1), currency)


def test_a_certificate_is_named_in_a_way_that_can_be_compared() -> None:
    for name in ("ill.example", "DNS:"):
        with pytest.raises(
            ValueError, match=r"^not a subject alternative name such as DNS:ill\.example, or email:, URI"
        ):
            normalize_alternative_name(name)
    with pytest.raises(ValueError, match=r"^not a SHA-256 fingerprint, which has 64 hexadecimal digits$"):
        normalize_fingerprint("AB:CD")


def test_a_calendar_is_that_of_a_zone() -> None:
    assert Calendar.from_policy(CalendarPolicy(), ZURICH).zone is ZURICH


def test_numbers_of_a_series_have_its_prefix() -> None:
    fields = NumberFields(at=NOW, zone=ZURICH)
    series = number_series("{prefix}{year}-{sequence:03d}", fields, "ILL-")
    assert (series.sequence, series.format_number(7)) == ("number ILL-2026-#", "ILL-2026-007")


def test_a_value_compares_by_its_fields_and_has_no_others() -> None:
    @value_object(kw_only=True)
    class Shelf:
        code: str
        floor: int = 0
        note: str = field(default="", compare=False, repr=False)

    assert Shelf(code="A", note="new") == Shelf(code="A", floor=0)
    assert Shelf(code="A") != Shelf(code="A", floor=1)
    assert repr(Shelf(code="A", note="secret")).endswith("Shelf(code='A', floor=0)")
    assert {Shelf(code="A"), Shelf(code="A")} == {Shelf(code="A")}
    assert not hasattr(Shelf(code="A"), "__dict__")
    with pytest.raises(TypeError):
        Shelf("A")  # type: ignore[call-arg,misc]
    with pytest.raises(FrozenInstanceError):  # under pytest
        Shelf(code="A").code = "B"  # type: ignore[misc]


def test_a_changed_value_is_a_new_one_with_the_other_fields_as_they_were() -> None:
    @value_object(kw_only=True)
    class Shelf:
        code: str
        floor: int = 0
        note: str = field(default="", compare=False)

    @value_object
    class Code:
        word: str

    @value_object
    class Nothing:
        pass

    shelf = Shelf(code="A", floor=1, note="new")
    changed = replace(shelf, code="B")
    assert (changed.code, changed.floor, changed.note, shelf.code) == ("B", 1, "new", "A")
    assert replace(Code("x"), word="y") == Code("y")
    assert replace(Code("x")) == Code("x")
    assert replace(Nothing()) == Nothing()
    with pytest.raises(TypeError, match="colour"):
        replace(shelf, colour="red")  # type: ignore[call-arg]


def test_a_value_keeps_a_hash_of_its_own() -> None:
    @value_object
    class Code:
        word: str

        def __hash__(self) -> int:
            return 4711

    assert hash(Code("x")) == 4711
    assert Code("x") == Code("x")
