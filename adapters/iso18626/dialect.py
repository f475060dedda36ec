"""Section `iso18626` of a profile: the version that a partner speaks, how its messages look, where they go.

Evidence: docs/facts/iso-18626.md sections 2, 6 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from adapters.iso18626.messages.codes import Action, ReasonForMessage, Status
from adapters.iso18626.messages.declaration import Compound, SchemaVersion
from gateway.domain.circulation_policy import Pattern, ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.domain.secret_reference import FileName, SecretReference, UrlWithoutSecret, refuse_secret_names
from gateway.ports.tls import ClientTls

SECTION = "iso18626"

S = TypeVar("S", bound=Compound)

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VERSIONS = {"1.1": SchemaVersion.V1_1, "1.2": SchemaVersion.V1_2}


def _validate_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+\S*", text):
        raise ValueError(f"not a URL such as https://ill.partner.example/iso18626: {text}")
    return text


def _validate_zone(text: str) -> str:
    try:
        ZoneInfo(text) if text else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no such time zone: {text}") from error
    return text


def _validate_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or "\n" in value or "\r" in value:
            raise ValueError(f"not a header: {name}")
    return refuse_secret_names(headers)


class Symbols(ProfileSection):
    """Symbols are written TYPE:VALUE, such as ISIL:DE-Brt1; one without a type is of the default type."""

    default_type: str = Field("ISIL", min_length=1, description="type of an agency whose symbol names none")
    ours: str = Field("", description="our symbol with this partner, where it isn't that of the library")
    theirs: str = Field("", description="the partner's symbol in messages, where it isn't `partner.symbol`")
    requester: str = Field(
        "", description="fixed symbol of the requesting agency in all messages; needs `supplier` (Koha)"
    )
    supplier: str = Field("", description="fixed symbol of the supplying agency; needs `requester`")

    @model_validator(mode="after")
    def _require_both_parties(self) -> Symbols:
        if bool(self.requester) != bool(self.supplier):
            raise ValueError("requester and supplier go together")
        return self


class Account(ProfileSection):
    """requestingAgencyAuthentication of what we send as a requester."""

    id: str = ""
    code: SecretReference = Field("", description="the security code: env:NAME or file:PATH")

    @model_validator(mode="after")
    def _require_both(self) -> Account:
        if bool(self.id) != bool(self.code):
            raise ValueError("id and code go together")
        return self


class Form(ProfileSection):
    """How messages of ours look."""

    prefix: str = Field("", pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$|^$", description="before all names; empty: none")
    schemes: bool = Field(False, description="codes name their list (OCLC)")
    wrapped: bool = Field(True, description="false: without ISO18626Message around them (Koha's plug-in)")


class Http(ProfileSection):
    url: Annotated[UrlWithoutSecret, AfterValidator(_validate_url)] = Field(
        "", description="where the partner takes messages"
    )
    lending_url: Annotated[UrlWithoutSecret, AfterValidator(_validate_url)] = Field(
        "", description="URL for messages that we send as the supplier, if not `url` (Koha's plug-in)"
    )
    headers: Annotated[Mapping[str, str], AfterValidator(_validate_headers)] = Field(
        default_factory=dict, description="headers of each message, without secrets"
    )
    secret_header: str = Field("", description="name of a header whose value is `secret`")
    secret: SecretReference = Field("", description="env:NAME or file:PATH")
    ca: FileName = Field(
        "", description="PEM file of authorities to trust, relative to gateway.yml; empty: the system's"
    )
    certificate: FileName = Field("", description="PEM file with our certificate and key, where the partner wants one")
    connect_seconds: float = Field(10.0, gt=0, le=60)
    reply_seconds: float = Field(
        70.0, gt=0, le=300, description="for the confirmation: a broker gives it only when the far side has confirmed"
    )
    ok_status: Literal[200, 201] = Field(200, description="of our confirmation where all is well (Koha: 201)")
    error_status: Literal[200, 400] = Field(200, description="of our confirmation of what we don't take (Koha: 400)")

    @model_validator(mode="after")
    def _require_both(self) -> Http:
        if bool(self.secret_header) != bool(self.secret):
            raise ValueError("secret_header and secret go together")
        return self

    def choose_url(self, role: Role) -> str:
        """Choose where a message goes to that we send in this role; empty: nowhere."""
        return (self.lending_url if role is Role.LENDING else "") or self.url

    def to_client_tls(self, folder: Path) -> ClientTls:
        files = (Path(file) if file else None for file in (self.ca, self.certificate))
        return ClientTls(*files).resolve_in_folder(folder)


class ConditionWords(ProfileSection):
    """Words in the note of a Notification by which we answer a condition as the partner reads it. Its own answers are
    read in all vendors' words, without regard to capitals."""

    accepted: str = Field("condition accepted", min_length=1)
    refused: str = Field("condition refused", min_length=1)
    alone: bool = Field(
        False,
        description="the word stands alone in its note; anything else follows in a Notification of its own (Alma)",
    )
    refuse_by: Literal["cancel", "notification"] = Field(
        "cancel", description="cancel: action Cancel, with these words in its note (ReShare); notification (Alma)"
    )


class NoteHabits(ProfileSection):
    """What stands in notes because the partner's system has no other place for it (docs/facts/iso-18626.md 8)."""

    hidden: tuple[Pattern, ...] = Field(
        (), description="regular expressions of what is for programs alone: taken out before a note is shown"
    )
    own_notification: bool = Field(
        False,
        description="notes of other messages are repeated in a Notification behind them: it shows no others (Alma)",
    )
    condition_prefix: str = Field("", description="before a condition that a note names, such as `Condition: `")
    cost_prefix: str = Field("", description="before a cost that a note names, such as `Cost: `")
    condition_marker: str = Field("", description="in the note of each conditional answer (ReShare)")
    changed_field: str = Field(
        "", description="before the name of a field that the requester changes, in a Notification (ReShare)"
    )
    duplicate_word: str = Field(
        "", description="a note of Unfilled that begins with it means that the request was made twice (Alma)"
    )
    barcode_prefix: str = Field(
        "", description="before the barcode of the copy that a request wants, such as `Barcode: ` (Koha's plug-in)"
    )
    call_number_prefix: str = Field("", description="before its call number, such as `Callnumber: ` (Koha's plug-in)")
    addresses: bool = Field(
        False,
        description="addresses are written between #SHIP_TO# and #ST_END#, #RETURN_TO# and #RT_END#; they are read so "
        "from every partner",
    )
    supplier_prefix: str = Field(
        "",
        description="first in notes, before the symbol of the library behind the partner that is meant, such as "
        "`Supplier: ` (CrossLink, opaque mode)",
    )
    vendor_prefix: str = Field("", description="before the name of that library system, such as `Vendor: ` (CrossLink)")
    prefix_separator: str = Field(
        ", ", min_length=1, description="between what the partner puts before a note and the note itself"
    )
    item_block: bool = Field(
        False,
        description="what is lent is named between #MultipleItems# and #MultipleItemsEnd# too, by barcode, call number "
        "and title, and in the first Loaned alone: a CrossLink library reads no itemId, and adds what it is told twice",
    )


ItemIdForm = Literal["plain", "packed", "commas", "joined"]


class Iso18626Dialect(ProfileSection):
    version: Literal["1.1", "1.2", "2021-2", "2021-3"] = "1.2"
    version_text: str = Field("", description="version that messages state; empty: as `version`")
    form: Form = Form.model_construct()
    http: Http = Http.model_construct()
    symbols: Symbols = Symbols.model_construct()
    account: Account = Account.model_construct()
    zone: Annotated[str, AfterValidator(_validate_zone)] = Field(
        "", description="where the partner's times without a zone are; empty: that of the library"
    )
    conditions: Literal["will-supply", "retry"] = Field(
        "will-supply",
        description="how we offer conditions: will-supply with a loanCondition (as practised), or as a retry with "
        "MustMeetLoanCondition (by the book)",
    )
    condition_words: ConditionWords = ConditionWords.model_construct()
    not_now: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="parts of an errorValue that mean a temporary failure behind the partner: the message is sent "
        "again, the same octets (CrossLink)",
    )
    not_taken: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="parts of an errorValue with which the partner refuses all messages of a kind: the meaning of "
        "such a message is sent to its staff in a Notification (CrossLink)",
    )
    statuses: tuple[Literal[tuple(Status)], ...] = Field(  # type: ignore[valid-type]
        tuple(status.value for status in Status),
        description="statuses that the partner accepts from a supplier; others are sent as words in a Notification",
    )
    reasons: tuple[Literal[tuple(ReasonForMessage)], ...] = Field(  # type: ignore[valid-type]
        tuple(reason.value for reason in ReasonForMessage),
        description="reasons of messages that the partner accepts from a supplier; others are sent as words in a "
        "Notification",
    )
    actions: tuple[Literal[tuple(Action)], ...] = Field(  # type: ignore[valid-type]
        tuple(action.value for action in Action),
        description="actions that the partner takes; what it doesn't take is not told",
    )
    notes: NoteHabits = NoteHabits.model_construct()
    item_ids: ItemIdForm = Field(
        "plain",
        description="packed: an itemId is name##callnumber##barcode, several behind multivol: (ReShare); commas: "
        "barcode,callnumber,title (ReShare's peers at a CrossLink broker); joined: barcodes with commas between them "
        "(Alma)",
    )
    items_once: bool = Field(
        False,
        description="items are named in the first Loaned alone, as with `notes.item_block`: a CrossLink library adds "
        "what it is told twice",
    )
    links: Literal["both", "item-id"] = Field(
        "both",
        description="where a link to a copy is written before 2021: in the itemId with sentVia URL, and behind `URL: `"
        " in the note; item-id: in the itemId alone (ReShare, CrossLink)",
    )
    whole_amounts: bool = Field(
        False,
        description="amounts are sent without decimals; an amount with cents is written in words alone, in the note: "
        "CrossLink's libraries read 12.50 as 125000",
    )
    tells_duplicate: bool = Field(
        True,
        description="false: no note of Unfilled begins with `duplicate`, which ends the search there without a word "
        "(CrossLink)",
    )
    completed_as: Literal["StatusChange", "RequestResponse"] = Field(
        "StatusChange", description="reason of the message that an item is back (Alma, OCLC: RequestResponse)"
    )
    sent_as: Literal["first-answer", "StatusChange"] = Field(
        "first-answer",
        description="reason of the message that something was sent, where nothing was answered before; first-answer: "
        "RequestResponse, as of any first answer (Alma: StatusChange)",
    )
    numbers: Literal["all", "listed"] = Field(
        "all", description="listed: numbers whose code isn't in the standard's lists are omitted (Alma drops them)"
    )
    levels: Literal["all", "listed"] = Field(
        "all", description="listed: a service level that the standard's list doesn't have is sent as Standard (Alma)"
    )
    expects_to_supply: bool = Field(
        True, description="false: it passes ExpectToSupply over, so WillSupply is sent (Alma)"
    )

    @property
    def names_items_once(self) -> bool:
        return self.items_once or self.notes.item_block

    @property
    def schema_version(self) -> SchemaVersion:
        return _VERSIONS.get(self.version, SchemaVersion.V2021)

    @property
    def version_string(self) -> str:
        return self.version_text or self.version

    def finish_message(self, message: S) -> S:
        """The last hand at a message before it is written: there is nothing left to do."""
        return message

    def takes_action(self, action: Action) -> bool:
        return action.value in self.actions

    def takes_supplier_message(self, reason: str | None, status: str | None) -> bool:
        return (not reason or reason in self.reasons) and (not status or status in self.statuses)

    def means_not_now(self, error_value: str) -> bool:
        return _has_part(error_value, self.not_now)

    def means_not_taken(self, error_value: str) -> bool:
        return _has_part(error_value, self.not_taken)


def _has_part(text: str, parts: tuple[str, ...]) -> bool:
    folded = text.casefold()
    return any(part.casefold() in folded for part in parts)


DEFAULT_DIALECT = Iso18626Dialect()


def dialect_of(profile: Profile | None) -> Iso18626Dialect:
    """Return the dialect; of a profile without such a section: the defaults."""
    if profile is None:
        return DEFAULT_DIALECT
    dialect = profile.dialects.get(SECTION)
    return dialect if isinstance(dialect, Iso18626Dialect) else DEFAULT_DIALECT
