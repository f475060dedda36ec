"""The way in which the library works with one partner: the protocol-neutral part of a profile (section `circulation`).

Wire habits live in each protocol's dialect. The keys here come from facts/ncip.md sections 5 and 6, where the
evidence for each stands. All models are frozen and refuse unknown keys.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.domain.commands import NoticeKind
from gateway.domain.library import ItemStatus
from gateway.domain.patterns import compile_pattern, expand_template, replace_pattern
from gateway.domain.problems import RefusalReason


class ProfileSection(BaseModel):
    """A part of a profile: frozen, no key that nobody reads. One that is a default within another is made by
    `model_construct`, which checks nothing: else pydantic would build its validators while the module is imported, and
    most commands need few of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself, since it never changes: pydantic copies every default whenever a section is made, which took a
        third of reading 500 profiles."""
        return self


def _check_pattern(value: str) -> str:
    compile_pattern(value)
    return value


Pattern = Annotated[str, AfterValidator(_check_pattern)]


def _braces_validator(*fields: str) -> AfterValidator:
    """Text in which only these fields may stand in braces."""

    def check_braces(value: str) -> str:
        sample: dict[str, object] = {name: 1 if name == "number" else "x" for name in fields}
        try:
            value.format(**sample)
        except (KeyError, IndexError, ValueError) as error:
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
        return value

    return AfterValidator(check_braces)


def _check_groups(pattern: str, replacement: str) -> None:
    """A replacement that names a group which the pattern lacks fails when the profile is read, not when used."""
    groups = compile_pattern(pattern).groups
    for number in re.findall(r"\\([1-9]\d?)", replacement):
        if int(number) > groups:
            raise ValueError(f"\\{number} names a group, but {pattern!r} has {groups}")
    match = compile_pattern(f"(?:{pattern})?").match("")
    assert match is not None, "it may match nothing"
    try:
        expand_template(match, replacement)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("a backslash may stand before the number of a group, and before another backslash") from error


class IdentifierRewrite(ProfileSection):
    """How an identifier as sent becomes the library's own; steps in the order of these keys."""

    trim: bool = Field(True, description="drop blanks at both ends")
    strip_prefix: tuple[str, ...] = Field((), description="the first of these that fits is taken off the front")
    strip_suffix: tuple[str, ...] = Field((), description="the first of these that fits is taken off the end")
    pattern: Pattern | None = Field(None, description="regular expression; with `replacement`")
    replacement: str = Field("", description="what `pattern` is replaced by; \\1 names a group")
    case: Literal["keep", "upper", "lower"] = Field("keep", description="change of case")
    zero_pad: int = Field(0, ge=0, le=64, description="pad numbers with leading zeros to this many digits")
    prefix: str = Field("", description="put in front")
    suffix: str = Field("", description="put behind")

    @model_validator(mode="after")
    def _check_replacement_groups(self) -> IdentifierRewrite:
        if self.pattern is not None:
            _check_groups(self.pattern, self.replacement)
        elif self.replacement:
            raise ValueError("replacement needs a pattern")
        return self

    def rewrite_identifier(self, value: str) -> str:
        if self.trim:
            value = value.strip()
        if self.strip_prefix:
            value = next((value[len(p) :] for p in self.strip_prefix if p and value.startswith(p)), value)
        if self.strip_suffix:
            value = next((value[: -len(s)] for s in self.strip_suffix if s and value.endswith(s)), value)
        if self.pattern is not None:
            value = replace_pattern(self.pattern, self.replacement, value)
        if self.case != "keep":
            value = value.upper() if self.case == "upper" else value.lower()
        if self.zero_pad and value.isdigit():
            value = value.zfill(self.zero_pad)
        return f"{self.prefix}{value}{self.suffix}"


class InstitutionalRule(ProfileSection):
    """A partner library as a patron: lending to another institution puts the loan on its account."""

    match: Pattern = Field(description="regular expression that the user id, as sent, must match whole")
    patron: Annotated[str, _braces_validator("agency", "user")] = Field(
        description="patron identifier; {agency} is the sender's agency, {user} the id as sent, \\1 a group"
    )

    @model_validator(mode="after")
    def _check_patron_groups(self) -> InstitutionalRule:
        _check_groups(self.match, self.patron)
        return self


class ChangeablePatrons(StrEnum):
    OWN = "own"
    TEMPORARY = "temporary"
    ALL = "all"


class PatronRules(ProfileSection):
    lookup_by: tuple[str, ...] = Field(
        ("barcode", "username", "external"), description="identifier types tried in order"
    )
    rewrite: IdentifierRewrite = IdentifierRewrite.model_construct()
    id_types: dict[str, str] = Field(
        {}, description="the partner's UserIdentifierType, in lower case -> our identifier type"
    )
    secret_types: tuple[str, ...] = Field(
        ("pin", "password"), description="credential types, lower case, that carry a PIN or password"
    )
    identity_types: dict[str, str] = Field(
        {
            "barcode id": "barcode",
            "barcode": "barcode",
            "user id": "barcode",
            "username": "username",
            "ldapusername": "username",
            "externalsystemid": "external",
        },
        description="credential types, lower case, that name the patron -> our identifier type",
    )
    address_tries: int = Field(
        500,
        ge=1,
        le=100_000,
        description="wrong PINs or passwords from one address of this partner within pages.tries_minutes "
        "(gateway.yml), then none from there is looked at for that time",
    )
    secret_required: bool = Field(False, description="credentials without a PIN or password are refused")
    institutional: tuple[InstitutionalRule, ...] = Field((), description="which user ids mean an institution")
    institution_ids: tuple[Pattern, ...] = Field(
        (),
        description="user ids, whole, that mean an institution under its own name here; patrons that are organisations "
        "in the library system, or are named in `institutional`, need no match here",
    )
    look_up_blocked: Literal["answer", "refuse"] = Field(
        "answer",
        description="LookupUser of a patron who is blocked from requests or loans, or has expired: with the block "
        "among the patron's data, or a refusal, for partners who look at nothing else (CrossLink)",
    )
    blocks_stop: bool = Field(
        True,
        description="a blocked patron cannot get or request anything through this partner; "
        "off: only what the library itself refuses is refused",
    )
    changeable: ChangeablePatrons = Field(
        ChangeablePatrons.OWN,
        description="whose records the partner may change: own: of patrons whom it has created; temporary: also of "
        "temporary patrons whom no partner is known to have created; all: of all but other partners' patrons. Only "
        "temporary patrons are deleted",
    )
    create_category: str = Field("visitor", description="category of patrons that the partner creates")
    create_library: str = Field("", description="their home library; empty: the resource-sharing library")
    create_days: int = Field(365, ge=1, le=36500, description="days until such a patron expires, when no date counts")
    expiry_from: Literal["privilege", "days"] = Field(
        "privilege",
        description="when a patron expires whom the partner creates or changes: at the first ValidToDate of the "
        "privileges that are sent, or after create_days whatever is sent",
    )


class PrefixMeaning(StrEnum):
    LIBRARY_USE_ONLY = "library-use-only"
    RENEWABLE = "renewable"
    NOT_RENEWABLE = "not-renewable"


class RequestPrefix(ProfileSection):
    prefix: str
    means: tuple[PrefixMeaning, ...]
    keep: bool = Field(True, description="the prefix stays part of the request number")


class ManagedRole(StrEnum):
    """What becomes of a partner's RequestItem besides a hold."""

    NONE = "none"
    LENDING = "lending"
    BORROWING = "borrowing"


class RequestItemRules(ProfileSection):
    rewrite: IdentifierRewrite = IdentifierRewrite.model_construct()
    prefixes: tuple[RequestPrefix, ...] = Field((), description="meaning of a request number by its prefix")
    ignore: bool = Field(
        False,
        description="answer RequestItem with success and place no hold; an unknown patron or item is still refused",
    )
    default_kind: Literal["hold", "loan", "page", "recall"] = Field("hold", description="if the message names none")
    default_scope: Literal["item", "title"] = Field(
        "item", description="if the message names none: one copy (of a record, the copy available soonest), or any"
    )
    immediate_kinds: tuple[Literal["hold", "loan", "page", "recall"], ...] = Field(
        ("loan", "page"),
        description="kinds that promise the item at once: refused while it is kept for somebody else; the others wait "
        "in the queue. With ignore, and with managed: lending, every kind is one of these",
    )
    use_pickup: bool = Field(True, description="read the pickup location of a request; else the default is taken")
    use_location: bool = Field(
        True, description="a request that names a location wants a copy from there; off: any copy will do"
    )
    locations: dict[str, str] = Field(
        {},
        description="location as sent -> our branch or shelving location, by code or name; matched without case, "
        "others as they are",
    )
    hold_days: int = Field(0, ge=0, le=3650, description="days until an unfilled hold expires; 0: never")
    managed: ManagedRole = Field(
        ManagedRole.NONE,
        description="what the gateway manages itself: lending: the item on hold, asked for by RequestItem or by "
        "ItemRequested, is lent to this partner (section `partner`); borrowing: our patron wants something "
        "(RequestItem, or a PatronRequest of ISO 18626), so suppliers are asked and no hold is placed",
    )


class BarcodeSource(StrEnum):
    ITEM_ID = "item-id"
    REQUEST_ID = "request-id"
    GENERATED = "generated"


class ItemRules(ProfileSection):
    rewrite: IdentifierRewrite = Field(
        IdentifierRewrite(),
        description="how an item id as sent becomes the barcode of our item, also of an item that CreateItem makes; "
        "AcceptItem goes by accept.barcode",
    )
    request_id_types: tuple[str, ...] = Field(
        ("ill request id",), description="ItemIdentifierTypes, lower case, whose value is a request number"
    )
    find_by_request: bool = Field(
        False,
        description="an item id that is not a barcode is looked up as a request number; the request number beside it "
        "counts only when a partner's item is checked in",
    )
    settable_statuses: tuple[ItemStatus, ...] = Field(
        (),
        description="statuses that the partner may give an item, such as missing; of others a notification is only "
        "kept and UpdateCirculationStatus is refused",
    )


class AcceptItemRules(ProfileSection):
    """The temporary record of a partner's item (facts/users-want.md 14)."""

    barcode_from: BarcodeSource = BarcodeSource.ITEM_ID
    barcode: IdentifierRewrite = Field(
        IdentifierRewrite(),
        description="how that id becomes the temporary barcode, of which items.rewrite knows nothing; an id in other "
        "messages is tried by both, as one of ours first",
    )
    barcode_template: Annotated[str, _braces_validator("number", "request")] = Field(
        "ILL{number:09d}",
        description="for generated barcodes; {number} has up to nine digits and stays the same when the message is "
        "repeated, {request} is the request number",
    )
    barcode_max: int = Field(50, ge=1, le=255, description="longest barcode; longer is refused")
    library: str = Field("", description="branch that owns it; empty: the resource-sharing library")
    location: str = Field("ill", description="shelving location code")
    policy: str = Field("ill", description="item policy")
    policies: dict[str, str] = Field({}, description="MediumType or Format, lower case -> item policy")
    library_use_policy: str = Field("ill-library-use", description="item policy when for use in the library only")
    call_number: Annotated[str, _braces_validator("request", "agency")] = Field(
        "", description="when the message has none; {request}, {agency} are filled in"
    )
    title_prefix: str = ""
    title_suffix: str = ""
    library_use_words: tuple[str, ...] = Field(
        (), description="words in the title, compared in upper case, that mean library use only"
    )
    no_renewal_words: tuple[str, ...] = Field((), description="words in the title that mean no renewals")
    suppressed: bool = Field(True, description="not shown in the catalogue")
    note: Annotated[str, _braces_validator("request", "agency")] = Field(
        "", description="internal note; {request}, {agency} are filled in"
    )
    actions: dict[str, Literal["hold", "hold-and-notify", "circulate", "circulate-and-notify", "record-only"]] = Field(
        {}, description="a RequestedActionType, lower case -> what is done; overrides the standard's meaning"
    )
    circulate_as: Literal["check-out", "hold"] = Field(
        "hold",
        description="what Circulate means here: lend at once (where the library refuses the loan, the item waits "
        "on the hold shelf), or a hold that is filled at the desk",
    )
    trap_hold: Literal["at-accept", "at-check-in"] = Field(
        "at-accept", description="when the hold shelf gets it: now, or when staff scan it"
    )
    duplicate: Literal["repeat", "success", "refuse"] = Field(
        "repeat",
        description="an item that is here already: the same request again is a repeat; 'success' also answers "
        "another request for the same barcode with success; 'refuse' refuses even the repeat",
    )
    pickup_days: int = Field(0, ge=0, le=365, description="days on the hold shelf; 0: the library's rule")
    blocks_stop: bool = Field(
        True,
        description="an item for a blocked patron is refused, where patrons.blocks_stop is on; off: it is here and is "
        "taken in, on hold, and staff see to the block at the desk",
    )
    patron_required: bool = Field(
        True, description="off: an item whose patron is not named or not known is taken in without a hold"
    )


class UnknownPickup(StrEnum):
    DEFAULT = "default"
    REFUSE = "refuse"


class PickupSource(StrEnum):
    PICKUP_LOCATION = "pickup-location"
    RECEIVER = "receiver"  # ToAgencyId
    FIXED = "fixed"


class PickupRules(ProfileSection):
    source: tuple[PickupSource, ...] = Field((PickupSource.PICKUP_LOCATION,), description="tried in order")
    map: dict[str, str] = Field({}, description="as sent -> our pickup location code; matched without case")
    default: str = Field(
        "",
        description="if the message names none; empty: the patron's home library, else the "
        "resource-sharing branch, else the first",
    )
    unknown: UnknownPickup = UnknownPickup.REFUSE
    none_words: tuple[str, ...] = Field(
        ("nothing", "none"), description="values that mean 'not given', lower case (an addon sends `nothing`)"
    )
    no_hold_words: tuple[str, ...] = Field((), description="values, lower case, that mean: make no hold")


class DuePolicy(StrEnum):
    LENDER = "lender"
    LOCAL = "local"
    EARLIER = "earlier"


class DueDates(ProfileSection):
    policy: DuePolicy = Field(DuePolicy.LENDER, description="whose due date counts for the loan")
    mandated: DuePolicy = Field(DuePolicy.LENDER, description="the same for messages about a past check-out")
    transit_days: int = Field(0, ge=0, le=365, description="days taken off the lender's date for the way back")
    time_of_day: str = Field(
        "23:59:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$", description="for a due date that is only a day"
    )


class CheckInRules(ProfileSection):
    delete_item: Literal["never", "temporary"] = Field(
        "never", description="remove a temporary item when it is checked in (some brokers never send DeleteItem)"
    )
    delete_policies: tuple[str, ...] = Field((), description="only for these item policies; empty: all")
    delete_libraries: tuple[str, ...] = Field((), description="only for these branches; empty: all")
    branch: str = Field("", description="desk at which it counts as checked in; empty: the resource-sharing library")
    trap_hold: bool = Field(True, description="a hold that waits for the item is filled at check-in")


class CheckOutRules(ProfileSection):
    cancel_request: bool = Field(False, description="cancel the open hold of the same request before lending")
    override_blocks: bool = Field(False, description="lend although blocks or limits of the library forbid it")
    mandated_on_loan: Literal["refuse", "check-in-first"] = Field(
        "refuse",
        description="a check-out that has happened already (MandatedAction) of an item that another patron has on loan "
        "here: refuse it, or end that loan first, since the item cannot be in two places",
    )


class DeleteRules(ProfileSection):
    action: Literal["delete", "cancel-request", "keep"] = Field(
        "delete", description="delete the record, only cancel its open request, or keep all and answer yes"
    )


class LibraryService(StrEnum):
    """A service on items, loans, requests and patrons that no partner made, by the name of its command."""

    PLACE_REQUEST = "place-request"
    CANCEL_REQUEST = "cancel-request"
    UPDATE_REQUEST = "update-request"
    CHECK_OUT = "check-out"
    CHECK_IN = "check-in"
    RENEW = "renew"
    RECALL = "recall"
    DELETE_ITEM = "delete-item"
    POST_FEE = "post-fee"


class PartnerRights(ProfileSection):
    """Rights beyond the partner's own things. Items, requests, loans and patrons that it has made itself it may use by
    every service; those of another partner do not exist for it."""

    library_services: tuple[LibraryService, ...] = Field(
        (),
        description="services that the partner may use on the library's own items and their loans and requests; empty: "
        "none, but for RequestItem with requests.managed: lending. delete-item: temporary items that staff have made; "
        "post-fee: charges, up to max_charge, to patrons who have nothing of this partner's",
    )
    max_charge: Decimal = Field(
        Decimal(0),
        ge=0,
        description="maximum amount that one message may charge a patron, in the library's currency; 0: only "
        "fees.default_amount is charged",
    )
    profiles: tuple[str, ...] = Field(
        (),
        description="names of profiles whose things are this partner's too: its profile's name before, or another way "
        "by which it speaks",
    )


class FeeRules(ProfileSection):
    types: dict[str, str] = Field(
        {}, description="FiscalTransactionType or FiscalActionType, lower case -> our fee type"
    )
    default_type: str = "ill-fee"
    default_amount: Decimal = Field(Decimal(0), ge=0, description="when no amount is sent")
    default_actions: tuple[str, ...] = Field(
        ("charge-default-patron-fee",),
        description="FiscalActionTypes, lower case, by which AcceptItem without an amount, or with 0, charges the "
        "default amount (ReShare); by others it charges nothing then",
    )
    currency: str = Field("", pattern=r"^([A-Z]{3})?$", description="when none is sent; empty: the installation's")


class RecordRules(ProfileSection):
    types: dict[str, str] = Field(
        {
            "oclc": "oclc",
            "lccn": "lccn",
            "isbn": "isbn",
            "issn": "issn",
            "sysnumber": "local",
            "bibid": "local",
            "": "local",
        },
        description="BibliographicRecordIdentifierCode, lower case -> our record id type; '' when none is sent",
    )
    order: tuple[str, ...] = Field(
        ("local", "oclc", "isbn", "issn", "lccn"), description="types tried in order; others are not tried"
    )
    rewrite: dict[str, IdentifierRewrite] = Field(
        {}, description="per our record id type, such as taking off (OCoLC) or .b"
    )
    drop_check_digit: bool = Field(False, description="drop the last character of a local record number (Sierra)")


class NotificationRules(ProfileSection):
    mode: Literal["commands", "notes"] = Field(
        "commands", description="carry out what a notification amounts to, or only keep it"
    )
    ignore: tuple[NoticeKind, ...] = Field((), description="kinds that are only kept, such as checked-out")
    own_item_pattern: Pattern | None = Field(
        None, description="item ids that match are the partner's (we are the borrowing side); the rest are ours"
    )
    barcode_suffix_agency: bool = Field(False, description="temporary barcode = item id + sender's agency (INN-Reach)")
    institutional_patron: str = Field("", description="patron on whose account our own items are lent out")


AS_SUCCESS: dict[str, frozenset[RefusalReason]] = {
    "accept-item": frozenset({RefusalReason.DUPLICATE_ITEM}),
    "cancel-request": frozenset({RefusalReason.REQUEST_CLOSED}),
    "check-in": frozenset({RefusalReason.UNKNOWN_ITEM, RefusalReason.NOT_CHECKED_OUT, RefusalReason.UNKNOWN_REQUEST}),
    "check-in-by-request": frozenset(
        {RefusalReason.UNKNOWN_ITEM, RefusalReason.NOT_CHECKED_OUT, RefusalReason.UNKNOWN_REQUEST}
    ),
    "check-out": frozenset({RefusalReason.ON_LOAN_SAME_PATRON}),
    "create-patron": frozenset({RefusalReason.DUPLICATE_PATRON}),
    "delete-item": frozenset({RefusalReason.UNKNOWN_ITEM, RefusalReason.NOT_ALLOWED}),
    "notice": frozenset(RefusalReason),
    "place-request": frozenset({RefusalReason.DUPLICATE_REQUEST}),
}
"""Refusals that leave nothing to be done, so that a success can be answered truthfully.

`check-in-by-request` is a check-in that names the item by the number of its request (OCLC, facts/ncip.md 2.6).
"""


def _check_success_reasons(rules: dict[str, tuple[RefusalReason, ...]]) -> dict[str, tuple[RefusalReason, ...]]:
    for service, reasons in rules.items():
        if service not in AS_SUCCESS:
            raise ValueError(f"no refusal of {service} can be a success; services: {', '.join(sorted(AS_SUCCESS))}")
        for reason in reasons:
            if reason not in AS_SUCCESS[service]:
                allowed = ", ".join(sorted(AS_SUCCESS[service]))
                raise ValueError(f"{service}: {reason.value} can't be answered as success; these can: {allowed}")
    return rules


class CirculationPolicy(ProfileSection):
    agencies: dict[str, str] = Field({}, description="agency ids on the wire -> our own; matched without case")
    patrons: PatronRules = PatronRules.model_construct()
    requests: RequestItemRules = RequestItemRules.model_construct()
    items: ItemRules = ItemRules.model_construct()
    records: RecordRules = RecordRules.model_construct()
    accept: AcceptItemRules = AcceptItemRules.model_construct()
    pickup: PickupRules = PickupRules.model_construct()
    due_dates: DueDates = DueDates.model_construct()
    check_in: CheckInRules = CheckInRules.model_construct()
    check_out: CheckOutRules = CheckOutRules.model_construct()
    delete: DeleteRules = DeleteRules.model_construct()
    fees: FeeRules = FeeRules.model_construct()
    rights: PartnerRights = PartnerRights.model_construct()
    notifications: NotificationRules = NotificationRules.model_construct()
    as_success: Annotated[dict[str, tuple[RefusalReason, ...]], AfterValidator(_check_success_reasons)] = Field(
        {},
        description="per service (such as check-in): refusals that are answered as success, since the partner only "
        "wants to know that nothing is left to do",
    )

    def allows_on_library_things(self, service: LibraryService) -> bool:
        """Return whether the partner may use the service on what is the library's own."""
        lends = service is LibraryService.PLACE_REQUEST and self.requests.managed is ManagedRole.LENDING
        return lends or service in self.rights.library_services
