"""Section `letters` of a profile and reply codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.profile_values import MailAddress, MailCharset, make_subject_template
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.partner_answers import ANSWERS
from gateway.domain.secret_reference import FileName
from gateway.ports.outgoing_mail import LetterStyle

Answer = Literal[
    "will-supply",
    "hold-placed",
    "conditional",
    "retry",
    "unfilled",
    "expect-to-supply",
    "shipped",
    "overdue",
    "recall",
    "renew-accepted",
    "renew-refused",
    "cancel-accepted",
    "cancel-refused",
    "message",
]

FIELDS = ("reference", "number", "kind", "title", "symbol", "subject")


class Reply(ProfileSection):
    """What a code means. `reason`: a word of the list of reasons (docs/requests.md), for unfilled."""

    means: Answer
    reason: str = ""
    condition: LoanCondition | None = None
    note: str = Field("", description="put before what follows the code")

    @property
    def kind(self) -> EventKind:
        return EventKind(self.means)


def _check_reply_code(code: str) -> str:
    if not code.strip() or code != code.strip() or len(code) > 30:
        raise ValueError("a reply code is 1 to 30 characters, without blanks around it")
    return code


Code = Annotated[str, AfterValidator(_check_reply_code)]

CODES: dict[Code, Reply] = {
    "BIND": Reply(means="unfilled", reason="at-bindery", note="at binders"),
    "C/R": Reply(means="unfilled", reason="not-available", note="cannot reserve"),
    "D/B": Reply(means="retry", reason="on-loan", note="due back"),
    "D/L": Reply(means="unfilled", reason="policy", note="decline to loan"),
    "LUO": Reply(means="conditional", condition=LoanCondition.LIBRARY_USE_ONLY, note="library use only"),
    "MIS": Reply(means="unfilled", reason="not-on-shelf", note="missing"),
    "MFS": Reply(means="unfilled", reason="not-on-shelf", note="missing from shelf"),
    "N/A": Reply(means="unfilled", reason="not-available", note="not available"),
    "NIS": Reply(means="unfilled", reason="not-held", note="not in stock"),
    "O/D": Reply(means="unfilled", reason="on-loan", note="overdue from another borrower"),
    "O/L": Reply(means="unfilled", reason="on-loan", note="on loan"),
    "O/O": Reply(means="unfilled", reason="on-order", note="on order"),
    "RE-AP": Reply(means="retry", note="re-apply"),
    "REF": Reply(means="unfilled", reason="non-circulating", note="reference only"),
    "R/O": Reply(means="unfilled", reason="non-circulating", note="reference only"),
    "RES?": Reply(means="conditional", condition=LoanCondition.OTHER, note="shall it be reserved?"),
    "TBS": Reply(means="will-supply", note="to be sent"),
    "W/L": Reply(means="hold-placed", note="waiting list"),
}
"""Of the Forum for Interlending (docs/facts/artemail.md 4)."""


def _add_shipped_codes(replies: dict[Code, Reply]) -> dict[Code, Reply]:
    return {**CODES, **replies}


def _check_answer_name(name: str) -> str:
    if name not in ANSWERS:
        raise ValueError(f"no such answer; answers: {', '.join(ANSWERS)}")
    return name


Name = Annotated[str, AfterValidator(_check_answer_name)]


class Links(ProfileSection):
    """Links in a letter that answer it, each on a page that asks first. They need `http.public_url` in gateway.yml."""

    days: int = Field(0, ge=0, le=366, description="days for which they can be used; 0: letters carry none")
    answers: tuple[Name, ...] = Field((), description="only these; empty: all that fit the letter and the request")


class LettersDialect(ProfileSection):
    sender: MailAddress = Field("", description="address that its letters come from; empty: `mail.sender`")
    sender_name: str = Field("", description="shown with it; empty: `mail.name`")
    reply_to: MailAddress = Field("", description="where its answers go; empty: `mail.reply_to`")
    subject: Annotated[str, make_subject_template(FIELDS)] = Field(
        "",
        description="with {reference}, {number}, {kind}, {title}, {symbol} (ours), {subject} (the letter's own); "
        "empty: the letter's own; the reference is put before it where it lacks",
    )
    folder: FileName = Field(
        "", description="templates for this partner alone, relative to gateway.yml, laid out as `letters.folder`"
    )
    encoding: MailCharset = Field(
        "utf-8", description="character set; a letter that does not fit into it goes out in utf-8"
    )
    parts: Literal["text-and-html", "text"] = Field(
        "text-and-html", description="text alone for mail programs and scripts that stumble over more"
    )
    max_attachment_bytes: int = Field(
        15_000_000, ge=0, le=100_000_000, description="a larger copy goes out by link, or not at all"
    )
    links: Links = Links.model_construct()
    replies: Annotated[dict[Code, Reply], AfterValidator(_add_shipped_codes)] = Field(
        CODES,
        description="codes at the start of a line of its answers, without case, and what they mean; they come to those "
        "of the Forum for Interlending, or replace one of them",
    )


SECTION = "letters"
DEFAULT = LettersDialect()


def dialect_of(profile: Profile) -> LettersDialect:
    """Return the dialect; of a partner without a section: the default."""
    dialect = profile.dialects.get(SECTION)
    return dialect if isinstance(dialect, LettersDialect) else DEFAULT


def letter_style(dialect: LettersDialect, folder: Path) -> LetterStyle:
    return LetterStyle(subject=dialect.subject, folder=folder / dialect.folder if dialect.folder else None)
