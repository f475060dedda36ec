"""Settings of tagged mail in a profile (section `tagged_mail`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from adapters.tagged_mail.codec import TaggedMailLayout
from adapters.tagged_mail.message_names import MessageName, normalise_text
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.profile_values import DateForm, MailAddress, MailCharset, make_subject_template
from gateway.domain.requests.events import EventKind

SECTION = "tagged_mail"

SUBJECT_FIELDS = ("message", "number", "symbol")

FIELDS: dict[str, tuple[str, ...]] = {
    # facts/artemail.md section 3
    "account": ("A#C",),
    "address": ("ADR",),
    "article_author": ("ARA",),
    "article_title": ("ART",),
    "author": ("AUT",),
    "billing": ("BIL",),
    "call_number": ("CA#", "CNO"),
    "maximum_cost": ("CO$",),
    "published": ("DAT",),
    "dobis": ("DDN",),
    "edition": ("EDD", "DN"),
    "lccn": ("LCN",),
    "borrower": ("LSB",),
    "lender": ("LSP",),
    "need_by": ("N/R",),
    "note": ("NOT",),
    "standard_number": ("NO.",),
    "number": ("NUM",),
    "oclc": ("OCL",),
    "other": ("O/A",),
    "place": ("P/L",),
    "publisher": ("P/M",),
    "pages": ("PAG",),
    # not in that list, which is not complete: unverified
    "title": ("TIT",),
    "volume": ("VOL",),
    "issue": ("ISS",),
    "service": ("SRV",),
    "answer": ("ANS",),
    "reason": ("RSN",),
    "due": ("DUE",),
    "expected": ("EXP",),
    "retry": ("RTR",),
    "conditions": ("CON",),
    "cost": ("CST",),
    "barcode": ("BAR",),
    "link": ("URL",),
    "status": ("STA",),
}
"""What is said, and its tags: the first is written, all are read."""


PATRON = "P/U"
"""The other library's patron: kept with the request as it came. Of ours it is never written."""


class Phrase(ProfileSection):
    """The one of several things that a message can say."""

    english: str = Field(min_length=1)
    french: str = Field(min_length=1)


def _default_phrases() -> dict[EventKind, Phrase]:
    """Our own choice of words; what other systems write is unverified, so a profile names theirs."""
    words = {
        EventKind.ACKNOWLEDGED: ("REQUEST RECEIVED", "DEMANDE RECUE"),
        EventKind.REJECTED: ("REQUEST REJECTED", "DEMANDE REJETEE"),
        EventKind.EXPECT_TO_SUPPLY: ("EXPECT TO SUPPLY", "FOURNITURE PREVUE"),
        EventKind.WILL_SUPPLY: ("WILL SUPPLY", "SERA FOURNI"),
        EventKind.HOLD_PLACED: ("ON HOLD", "RESERVE"),
        EventKind.RETRY: ("RETRY", "A REDEMANDER"),
        EventKind.UNFILLED: ("NOT SUPPLIED", "NON FOURNI"),
        EventKind.EXPIRED: ("EXPIRED", "EXPIREE"),
        EventKind.CANCEL_ACCEPTED: ("CANCELLED", "ANNULEE"),
        EventKind.CANCEL_REFUSED: ("CANNOT BE CANCELLED", "NE PEUT ETRE ANNULEE"),
        EventKind.RENEW_ACCEPTED: ("RENEWED", "RENOUVELE"),
        EventKind.RENEW_REFUSED: ("NOT RENEWED", "NON RENOUVELE"),
        EventKind.COPY_DELIVERED: ("COPY DELIVERED", "COPIE LIVREE"),
        EventKind.CONDITION_ACCEPTED: ("CONDITIONS ACCEPTED", "CONDITIONS ACCEPTEES"),
        EventKind.CONDITION_REFUSED: ("CONDITIONS REFUSED", "CONDITIONS REFUSEES"),
        EventKind.RECEIVED: ("ITEM RECEIVED", "DOCUMENT RECU"),
        EventKind.RETURNED: ("ITEM RETURNED", "DOCUMENT RETOURNE"),
        EventKind.CHECKED_IN: ("ITEM CHECKED IN", "RETOUR ENREGISTRE"),
        EventKind.LOST: ("ITEM LOST", "DOCUMENT PERDU"),
        EventKind.DAMAGED: ("ITEM DAMAGED", "DOCUMENT ENDOMMAGE"),
        EventKind.DUE_DATE_CHANGED: ("DUE DATE CHANGED", "DATE DE RETOUR CHANGEE"),
        EventKind.MESSAGE: ("MESSAGE", "COMMUNICATION"),
        EventKind.STATUS_QUERY: ("STATUS QUERY", "DEMANDE D'ETAT"),
        EventKind.STATUS_REPORT: ("STATUS REPORT", "RAPPORT D'ETAT"),
    }
    return {kind: Phrase(english=english, french=french) for kind, (english, french) in words.items()}


TagName = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9#$/.]{1,2}$")]


class TaggedMailDialect(ProfileSection):
    language: Literal["en", "fr", "both"] = Field("both", description="of message names and answers; both are read")
    address: MailAddress = Field("", description="where messages go; empty: `partner.email`")
    sender: MailAddress = Field("", description="sender address of its emails; empty: `mail.sender`")
    reply_to: MailAddress = Field("", description="where its answers go; empty: the library's")
    subject: Annotated[str, make_subject_template(SUBJECT_FIELDS)] = Field(
        "{message} {number}", description="with {message} (its name), {number} (the request's), {symbol} (ours)"
    )
    our_symbol: str = Field("", description="how this partner calls us; empty: the library's symbol")
    their_symbol: str = Field("", description="how it calls itself; empty: the first of `partner.symbols`")
    account: str = Field("", description="our account with it; empty: none is written")
    billing: str = Field("", description="our billing address; empty: none is written")
    encoding: MailCharset = Field("utf-8", description="character set; letters that it lacks are romanised")
    length: int = Field(76, ge=40, le=200, description="most characters of a line")
    names: dict[MessageName, tuple[str, ...]] = Field({}, description="further names by which messages are known")
    tags: dict[str, tuple[TagName, ...]] = Field(
        {}, description="tags that differ: meaning -> tags, the first written, all read; empty list: never written"
    )
    answers: dict[EventKind, Phrase] = Field(
        {}, description="words for answers that differ: kind -> {english, french}; the standard ones are read as well"
    )
    dates: tuple[DateForm, ...] = Field(
        ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%B %d, %Y"),
        min_length=1,
        description="forms of dates; we write the first",
    )
    currency: str = Field("CAD", pattern=r"^[A-Z]{3}$", description="of amounts that name none")

    @field_validator("tags")
    @classmethod
    def _check_tag_fields(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        unknown = sorted(set(value) - set(FIELDS))
        if unknown:
            raise ValueError(f"there is no '{unknown[0]}'; there are: {', '.join(FIELDS)}")
        return value

    @field_validator("answers")
    @classmethod
    def _check_answer_kinds(cls, value: dict[EventKind, Phrase]) -> dict[EventKind, Phrase]:
        strange = sorted(kind.value for kind in set(value) - set(PHRASES))
        if strange:
            raise ValueError(f"'{strange[0]}' has a message of its own, or none")
        return value

    def field_tags(self, field: str) -> tuple[str, ...]:
        """Its tags, the one that is written first."""
        return self.tags.get(field, FIELDS[field])

    @property
    def known_tags(self) -> frozenset[str]:
        return frozenset(tag for field in FIELDS for tag in self.field_tags(field))

    @property
    def layout(self) -> TaggedMailLayout:
        more = tuple((normalise_text(text), name) for name, texts in self.names.items() for text in texts)
        return TaggedMailLayout(self.language, self.length, more)

    def answer_phrase(self, kind: EventKind) -> str:
        """Return the phrase of an answer; empty: its message says it all."""
        phrase = self.answers.get(kind) or PHRASES.get(kind)
        if phrase is None:
            return ""
        return {"en": phrase.english, "fr": phrase.french}.get(self.language, f"{phrase.english}/{phrase.french}")


PHRASES = _default_phrases()
DEFAULT = TaggedMailDialect()


def dialect_of(profile: Profile) -> TaggedMailDialect:
    dialect = profile.dialects.get(SECTION)
    return dialect if isinstance(dialect, TaggedMailDialect) else DEFAULT
