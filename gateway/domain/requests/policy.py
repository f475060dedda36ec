"""requests.yml as values: intake, rotas, lending, calendar, retention, catalogues.

Partners have their own part in their profiles. All models are frozen and refuse unknown keys. Days are business days
of `calendar` unless a key says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.requests.attachments import USUAL, FileType
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.fulfilment import ServicesPolicy
from gateway.domain.requests.partner_policy import Closure, NumberTemplate, Price
from gateway.domain.requests.request import BrokeredDelivery, Role, ServiceType


def _check_targets_differ(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"stands twice: {', '.join(twice)}")
    return names


Targets = Annotated[tuple[str, ...], AfterValidator(_check_targets_differ), Field(min_length=1)]


class Catalogues(ProfileSection):
    groups: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$")], Targets] = Field(
        {}, description="group name -> profiles whose catalogues are searched together"
    )
    look_up: str = Field(
        "", description="profile or group for looking up numbers in forms (ISBN, ISSN, DOI …); empty: none"
    )
    ahead: int = Field(6, ge=1, le=50, description="number of suppliers of a rota that are checked at the same time")
    at_once: int = Field(
        50, ge=1, le=200, description="number of targets of a group that are searched at the same time"
    )
    seconds: float = Field(15.0, gt=0, le=120, description="time limit for an answer of a target; then it is omitted")
    records: int = Field(20, ge=1, le=100, description="maximum number of records per target")

    @model_validator(mode="after")
    def _check_group_names(self) -> Catalogues:
        inside = sorted({name for names in self.groups.values() for name in names if name in self.groups})
        if inside:
            raise ValueError(f"the name of a group and of a profile in one: {', '.join(inside)}")
        return self


# --- request numbers -------------------------------------------------------------------------------------


class Numbers(ProfileSection):
    """Each template counts on its own: the count begins anew whenever what stands around {sequence} is new, such as
    with a new year."""

    prefix: str = Field("", max_length=20, pattern=r"^[^{}]*$", description="value of {prefix}, such as a library code")
    borrowing: NumberTemplate = Field("B{year}-{sequence:05d}", description="template for borrowing requests")
    lending: NumberTemplate = Field("L{year}-{sequence:05d}", description="template for lending requests")
    branches: dict[str, NumberTemplate] = Field({}, description="branch code -> template, instead of `borrowing`")
    partners: dict[str, NumberTemplate] = Field({}, description="profile -> template, before all others")


# --- conditions of rules ---------------------------------------------------------------------------------


class RuleConditions(ProfileSection):
    """All keys that are set must fit; in a list one value is enough. Texts are compared without case."""

    patron_categories: tuple[str, ...] = ()
    citation_types: tuple[CitationType, ...] = ()
    services: tuple[ServiceType, ...] = ()
    formats: tuple[str, ...] = Field((), description="words of ISO 18626 such as printed, microform, pdf")
    languages: tuple[str, ...] = Field((), description="language of the item, as cited: de, ja …")
    branches: tuple[str, ...] = ()
    campuses: tuple[str, ...] = Field((), description="names of `campuses`")
    cost_up_to: Price | None = Field(
        None, description="the maximum cost of the request is at most this; requests without a maximum do not match"
    )
    cost_above: Price | None = Field(None, description="the maximum cost of the request is more than this, or not set")


# --- intake ----------------------------------------------------------------------------------------------


class OpenLimits(ProfileSection):
    default: int = Field(0, ge=0, le=100_000, description="open requests of one patron; 0: no limit")
    categories: dict[str, Annotated[int, Field(ge=0, le=100_000)]] = Field(
        {}, description="patron category -> its own limit; 0: no limit"
    )


class Duplicates(ProfileSection):
    """The same patron asks for the same thing again."""

    days: int = Field(
        30, ge=0, le=3650, description="calendar days in which an equal request counts as a duplicate; 0: no check"
    )
    action: Literal["refuse", "warn", "allow"] = "warn"


class Mediation(StrEnum):
    REVIEW = "review"
    STRAIGHT_THROUGH = "straight-through"


class MediationRule(RuleConditions):
    then: Mediation


class Intake(ProfileSection):
    open_requests: OpenLimits = OpenLimits.model_construct()
    duplicates: Duplicates = Duplicates.model_construct()
    least_days: int = Field(
        0,
        ge=0,
        le=365,
        description="business days that an item takes to come at least: a request that is needed earlier expires "
        "instead of another supplier being asked; 0: only when the day itself is over",
    )
    locally_owned: Literal["refuse", "warn", "allow-when-unavailable", "allow"] = Field(
        "warn",
        description="requests for items that we hold; allow-when-unavailable: refused only if a copy is available",
    )
    blocks_stop: bool = Field(True, description="refuse requests of blocked patrons; false: staff get a warning")
    mediation: tuple[MediationRule, ...] = Field((), description="rules for staff review; the first match applies")
    mediation_default: Mediation = Field(Mediation.REVIEW, description="if no rule matches")


# --- rotas -----------------------------------------------------------------------------------------------


class Ranking(ProfileSection):
    """Points against a supplier; the one with fewest is asked first. A weight of 0 takes its reason out."""

    load: float = Field(1.0, ge=0, le=1000, description="points for each open request")
    supply_time: float = Field(1.0, ge=0, le=1000, description="points for each day of the average time to supply")
    unknown_days: float = Field(5.0, ge=0, le=365, description="days assumed for a supplier without data")
    cost: float = Field(0.5, ge=0, le=1000, description="points for each currency unit of its charge")
    reciprocity: float = Field(0.0, ge=0, le=1000, description="points deducted for each unit of its `reciprocity`")
    near: float = Field(0.0, ge=0, le=1000, description="points deducted for a supplier on the campus of the request")


class UsualRanking(Ranking):
    """The weights of all rotas, and how the load with other members of the network is learned."""

    network_minutes: int = Field(
        15, ge=0, le=10_080, description="interval for asking members (`partner.network`) for their load; 0: never"
    )
    network_age_minutes: int = Field(120, ge=1, le=20_160, description="maximum age of a member's report")

    @model_validator(mode="after")
    def _check_network_age(self) -> UsualRanking:
        if self.network_age_minutes < self.network_minutes:
            raise ValueError("network_age_minutes can't be less than network_minutes")
        return self


class TemplateLine(ProfileSection):
    """`partner`, `group` or `from`. In policies that were read, a line stands for each member of a group that can be
    asked."""

    model_config = ConfigDict(populate_by_name=True)

    partner: str = Field("", description="name of a profile with a section `partner`")
    group: str = Field("", description="instead: all members of a group in groups.yml, such as valley")
    catalogue: str = Field(
        "", alias="from", description="instead: profile of a union catalogue; its holders in `groups` are asked"
    )
    groups: tuple[str, ...] = Field((), description="with `from`: groups whose members are asked, such as [valley]")
    last_resort: bool = Field(False, description="last resort: asked after all others")
    max_cost: Price | None = Field(None, description="skipped if it charges more than this")
    services: tuple[ServiceType, ...] = Field((), description="only for these; empty: as in its profile")
    formats: tuple[str, ...] = Field((), description="only for these; empty: as in its profile")

    @model_validator(mode="after")
    def _check_supplier_named(self) -> Self:
        if [bool(self.partner), bool(self.group), bool(self.catalogue)].count(True) != 1:
            raise ValueError("a line names a partner, a group, or a catalogue in `from`")
        if bool(self.catalogue) != bool(self.groups):
            raise ValueError("`from` and `groups` go together")
        return self

    @property
    def name(self) -> str:
        """The name of what it was written for."""
        return self.group or self.catalogue or self.partner

    @property
    def written_key(self) -> str:
        """The key that the name stands under."""
        return "group" if self.group else "from" if self.catalogue else "partner"

    @property
    def named_groups(self) -> tuple[str, ...]:
        return (self.group,) if self.group else self.groups


class LineOrder(StrEnum):
    ORDERED = "ordered"  # as the lines stand
    RANKED = "ranked"  # by `ranking`, anew each time
    TIERED = "tiered"  # as the lines stand, members of a group by `ranking`


class OnlyOwning(StrEnum):
    YES = "yes"  # only who is known to own it
    UNKNOWN_TOO = "unknown-too"  # and who could not be looked up
    NO = "no"  # nobody is looked up


def _check_partners_differ(lines: tuple[TemplateLine, ...]) -> tuple[TemplateLine, ...]:
    names = [line.name for line in lines]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"a partner stands in one line of a rota: {', '.join(twice)}")
    return lines


class RotaTemplate(ProfileSection):
    description: str = ""
    order: LineOrder = LineOrder.ORDERED
    only_owning: OnlyOwning = Field(
        OnlyOwning.UNKNOWN_TOO, description="whether suppliers are asked only if their catalogue shows holdings"
    )
    ranking: Ranking | None = Field(None, description="weights for this rota")
    lines: Annotated[tuple[TemplateLine, ...], AfterValidator(_check_partners_differ)] = Field(
        min_length=1,
        description="suppliers; their order applies to `ordered` and `tiered`, and to suppliers with equal points",
    )

    def expand_groups(self, members: Mapping[str, Sequence[str]]) -> RotaTemplate:
        """Put a line for each member in the place of a group; `members`: of groups, whom the library can ask. Who has a
        line of its own is asked by that."""
        taken = {line.partner for line in self.lines}
        lines: list[TemplateLine] = []
        for line in self.lines:
            if not line.named_groups:
                lines.append(line)
                continue
            names = [name for group in line.named_groups for name in members.get(group, ())]
            names = [name for name in dict.fromkeys(names) if name not in taken]
            taken |= set(names)
            lines += [line.model_copy(update={"partner": name}) for name in names]
        return self.model_copy(update={"lines": tuple(lines)})

    def list_tiers(self) -> Mapping[str, int]:
        """List the tier of each partner: its line as it was written, from 0."""
        tiers: dict[str, int] = {}
        written: dict[str, int] = {}
        for line in self.lines:
            tiers[line.partner] = written.setdefault(line.name, len(written))
        return tiers


class RotaAssignment(RuleConditions):
    rota: str = Field(description="name of a rota")


class OverloadRule(ProfileSection):
    max_open: int = Field(0, ge=0, le=1_000_000, description="open requests with one partner; 0: no limit")
    then: Literal["last", "skip"] = Field(
        "last", description="whether an overloaded partner is asked after the others or not at all"
    )


class RetryLater(ProfileSection):
    """A supplier says: ask again on that day. The others are asked meanwhile."""

    times: int = Field(1, ge=0, le=10, description="number of retries after the date that the supplier named; 0: none")
    longest_days: int = Field(60, ge=1, le=730, description="maximum calendar days to wait for a retry")


# --- calendar --------------------------------------------------------------------------------------------


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


def _check_open_weekday(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    if len(set(days)) == len(Weekday):
        raise ValueError("one day of the week must be open")
    return days


def _check_yearly_day(text: str) -> str:
    if not re.fullmatch(r"\d\d-\d\d", text):
        raise ValueError("not a month and day such as 12-25")
    try:
        date.fromisoformat(f"2024-{text}")  # a leap year: 02-29 exists
    except ValueError as error:
        raise ValueError("no such day in any year") from error
    return text


class CalendarPolicy(ProfileSection):
    """When the library works. Deadlines are counted in its open days."""

    closed_weekdays: Annotated[tuple[Weekday, ...], AfterValidator(_check_open_weekday)] = (
        Weekday.SATURDAY,
        Weekday.SUNDAY,
    )
    yearly: tuple[Annotated[str, AfterValidator(_check_yearly_day)], ...] = Field(
        (), description="holidays on the same day each year: 12-25"
    )
    holidays: tuple[date, ...] = Field((), description="single days: 2027-03-26")
    closed: tuple[Closure, ...] = Field((), description="from the first day to the last")


# --- lending ---------------------------------------------------------------------------------------------


class LoanDays(ProfileSection):
    """Calendar days of a loan to a library. The profile's `workflow.lending.loan_days` count where neither the item's
    policy nor the partner's category is named; of several the fewest count."""

    item_policies: dict[str, Annotated[int, Field(ge=1, le=730)]] = Field({}, description="policy of the item")
    categories: dict[str, Annotated[int, Field(ge=1, le=730)]] = Field({}, description="`category` of the partner")


class LendingRules(ProfileSection):
    """What other libraries can have of us. What a rule refuses is answered without staff."""

    max_open: int = Field(0, ge=0, le=1_000_000, description="maximum number of open lending requests; 0: no limit")
    closed: tuple[Closure, ...] = Field(
        (),
        description="days on which new requests are answered with retry, from the first open day after them; open "
        "loans continue",
    )
    item_policies: tuple[str, ...] = Field((), description="item policies that are lent; empty: all but `never`")
    never: tuple[str, ...] = Field((), description="item policies that are never lent")
    copies_of_never: bool = Field(True, description="make copies of items that are not lent")
    services: tuple[ServiceType, ...] = Field(
        (ServiceType.LOAN, ServiceType.COPY), description="services that we offer"
    )
    formats_refused: tuple[str, ...] = Field((), description="formats that we don't supply")
    loan_days: LoanDays = LoanDays.model_construct()
    confidence: int = Field(
        90, ge=50, le=100, description="similarity from which an item is chosen automatically, if it is the only match"
    )


# --- brokering -------------------------------------------------------------------------------------------


class Brokering(ProfileSection):
    """What other libraries ask of us, and we ask of others in turn (docs/brokering.md)."""

    rota: str = Field("", description="rota for brokered requests; empty: no brokering")
    what: Literal["not-supplied", "everything", "by-hand"] = Field(
        "not-supplied",
        description="not-supplied: items not found here or not for loan; everything: without a search here; by-hand: "
        "those that staff forward",
    )
    symbols: tuple[str, ...] = Field(
        (), description="further symbols of ours: what is asked of one of them is passed on without a look here"
    )
    requesters: tuple[str, ...] = Field((), description="profiles whose requests are brokered; empty: all partners")
    delivery: BrokeredDelivery = Field(
        BrokeredDelivery.DIRECT, description="route of items: directly between supplier and requester, or through us"
    )
    due_days: int = Field(
        3, ge=0, le=60, description="calendar days by which our due date for the requester precedes the supplier's"
    )


# --- copies ----------------------------------------------------------------------------------------------


class CopyRules(ProfileSection):
    """Which files are taken, and how copies are delivered to other libraries: as a link that ends by itself."""

    link_days: int = Field(14, ge=1, le=365, description="calendar days for which a download link is valid")
    downloads: int = Field(5, ge=1, le=1000, description="maximum number of downloads")
    types: tuple[FileType, ...] = Field(
        USUAL, min_length=1, description="accepted file types, detected from the content"
    )
    scan_command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="virus scanner and its arguments; it gets the file on standard input. Exit code 0: clean, 1: "
        "infected, else: not known. Empty: none",
    )
    scan_seconds: float = Field(60, gt=0, le=600, description="maximum time for the scanner")


# --- notices ---------------------------------------------------------------------------------------------


class Notices(ProfileSection):
    """Letters to patrons."""

    account_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="address where patrons see their requests (portal or catalogue); included in notices",
    )


# --- desks -----------------------------------------------------------------------------------------------


class DeskRules(ProfileSection):
    """Staff at the desks of the pages, who do something by mistake now and then."""

    undo_seconds: int = Field(
        30,
        ge=0,
        le=600,
        description="seconds for which messages about what staff received, shipped, promised, refused or checked in on "
        "a page are held back, so that staff can undo it; 0: sent at once",
    )


# --- statistics ------------------------------------------------------------------------------------------


class SurveyLine(ProfileSection):
    """One line of a survey's form, with the requests that it counts."""

    text: str = Field(min_length=1, max_length=300, description="wording of the line on the form")
    role: Role = Field(description="borrowing: requests to other libraries; lending: requests from them")
    service: Literal["loan", "copy"] | None = Field(None, description="service of the requests; none: both")
    count: Literal["requests", "filled", "unfilled", "cancelled", "open"] = Field(
        "filled", description="requests to count: all, or those with this result"
    )


class Survey(ProfileSection):
    """The form of a yearly survey, such as that of a national library statistic."""

    title: str = Field(min_length=1, max_length=200, description="name of the survey")
    note: str = Field("", max_length=1000, description="text below the form, such as figures that staff add")
    lines: tuple[SurveyLine, ...] = Field(min_length=1, description="lines of the form, in order")


class StatisticsRules(ProfileSection):
    """Statistics for managers."""

    year_begins: int = Field(1, ge=1, le=12, description="month in which your reporting year begins")
    surveys: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")], Survey] = Field(
        {}, description="name -> form of your own, shown beside IPEDS and ACRL/ARL"
    )


# --- retention -------------------------------------------------------------------------------------------


class Retention(ProfileSection):
    """All in calendar days."""

    anonymise_days: int = Field(
        30, ge=0, le=36_500, description="period after which closed requests are anonymised; 0: at once"
    )
    outbox_days: int = Field(30, ge=1, le=36_500, description="retention period of sent messages and letters")


# --- the whole -------------------------------------------------------------------------------------------


class RequestPolicy(ProfileSection):
    numbers: Numbers = Numbers.model_construct()
    campuses: dict[str, tuple[str, ...]] = Field({}, description="name -> branch codes")
    intake: Intake = Intake.model_construct()
    rotas: dict[str, RotaTemplate] = Field({}, description="name -> rota: suppliers and their order")
    rules: tuple[RotaAssignment, ...] = Field((), description="rules for choosing a rota; the first match applies")
    default_rota: str = Field("", description="rota if no rule matches; empty: staff choose")
    ranking: UsualRanking = UsualRanking.model_construct()
    overload: OverloadRule = OverloadRule.model_construct()
    retry_later: RetryLater = RetryLater.model_construct()
    catalogues: Catalogues = Catalogues.model_construct()
    calendar: CalendarPolicy = CalendarPolicy.model_construct()
    lending: LendingRules = LendingRules.model_construct()
    brokering: Brokering = Brokering.model_construct()
    copies: CopyRules = CopyRules.model_construct()
    notices: Notices = Notices.model_construct()
    services: ServicesPolicy = ServicesPolicy.model_construct()
    desks: DeskRules = DeskRules.model_construct()
    statistics: StatisticsRules = StatisticsRules.model_construct()
    retention: Retention = Retention.model_construct()

    def campus_of_branch(self, branch: str) -> str:
        """Empty where the branch belongs to none."""
        folded = branch.casefold()
        return next((name for name, codes in self.campuses.items() if folded in map(str.casefold, codes)), "")
