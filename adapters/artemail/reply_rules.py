"""Part `replies` of the dialect, and the code table built from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from adapters.artemail.text_templates import PATTERNS, LineTemplate, check_template, parse_template
from gateway.domain.circulation_policy import Pattern, ProfileSection
from gateway.domain.patterns import LinearPattern, compile_pattern
from gateway.domain.profile_values import DateForm
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.value import value_object

CODE_FIELDS = ("weeks", "amount", "place", "date", "due", "expected", "retry", "link", "text")
"""`weeks`: until it may be asked for again; `place` on the waiting list; `due`, `expected` and `retry` are dates that
the request takes over, `date` one that is only shown; `text`: why not, where the rule names no reason itself."""

DATES = frozenset({"date", "due", "expected", "retry"})

ANSWERS = frozenset(
    {
        EventKind.ACKNOWLEDGED,
        EventKind.REJECTED,
        EventKind.EXPECT_TO_SUPPLY,
        EventKind.WILL_SUPPLY,
        EventKind.HOLD_PLACED,
        EventKind.CONDITIONAL,
        EventKind.RETRY,
        EventKind.UNFILLED,
        EventKind.FORWARDED,
        EventKind.EXPIRED,
        EventKind.CANCEL_ACCEPTED,
        EventKind.CANCEL_REFUSED,
        EventKind.SHIPPED,
        EventKind.COPY_DELIVERED,
        EventKind.CHECKED_IN,
        EventKind.LOST,
        EventKind.DAMAGED,
        EventKind.RENEW_ACCEPTED,
        EventKind.RENEW_REFUSED,
        EventKind.DUE_DATE_CHANGED,
        EventKind.OVERDUE,
        EventKind.RECALL,
        EventKind.MESSAGE,
        EventKind.STATUS_QUERY,
        EventKind.STATUS_REPORT,
    }
)
"""What a supplier says."""


def _check_reply_code(value: str) -> str:
    template = check_template(value, CODE_FIELDS)
    if not re.search(r"[A-Za-z*]", template.literal):
        raise ValueError("a code begins with text that is always there")
    if not value.isascii():
        raise ValueError("the format is in ASCII")
    return value


def _check_answer_kind(value: EventKind) -> EventKind:
    if value not in ANSWERS:
        raise ValueError(f"nothing that a supplier says; such things are: {', '.join(sorted(ANSWERS))}")
    return value


Answer = Annotated[EventKind, AfterValidator(_check_answer_kind)]


class ReplyRule(ProfileSection):
    """One code and what it means."""

    code: Annotated[str, AfterValidator(_check_reply_code)] = Field(
        description=f"as it is written, with {', '.join(f'{{{name}}}' for name in CODE_FIELDS)}; "
        "[parts in brackets] may be missing"
    )
    pattern: Pattern | None = Field(
        None, description="regular expression that reads it, with groups of the same names; empty: made from `code`"
    )
    kind: Answer = Field(description="what it means for the request")
    with_files: Answer | None = Field(None, description="what it means when a file comes along; empty: the same")
    use: Literal["both", "read"] = Field(
        "both", description="`read`: it means more than its kind, so we never write it as a supplier"
    )
    reason: str = Field("", pattern=r"^[a-z0-9-]*$", description="why not")
    note: str = Field("", description="for staff; with the same fields as the code")
    conditions: tuple[LoanCondition, ...] = ()
    renewals_allowed: bool | None = Field(None, description="whether further renewals are allowed")

    @model_validator(mode="after")
    def _check_fields(self) -> ReplyRule:
        if self.pattern is not None:
            unknown = compile_pattern(self.pattern).names.keys() - set(CODE_FIELDS)
            if unknown:
                raise ValueError(f"pattern: there is no field '{min(unknown)}'; fields: {', '.join(CODE_FIELDS)}")
        compile_pattern(_code_pattern(self))
        used = set(check_template(self.note, CODE_FIELDS).fields) if self.note else set()
        lacking = used - set(self.read_fields)
        if lacking:
            raise ValueError(f"note: {{{min(lacking)}}} is not in the code")
        return self

    @property
    def template(self) -> LineTemplate:
        return parse_template(self.code)

    @property
    def read_fields(self) -> tuple[str, ...]:
        return tuple(compile_pattern(self.pattern).names) if self.pattern is not None else self.template.fields


class FileReply(ProfileSection):
    """An email about a whole file: it was accepted or rejected. Groups: `number` (request), `fault`, `count` (so many
    requests; where the file had another number of them, staff look)."""

    pattern: Pattern = Field(description="regular expression that is found in a line; letter case doesn't count")
    kind: Literal["acknowledged", "rejected", "message"] = "acknowledged"
    reason: str = Field("", pattern=r"^[a-z0-9-]*$")

    @model_validator(mode="after")
    def _check_groups(self) -> FileReply:
        unknown = compile_pattern(self.pattern).names.keys() - {"number", "fault", "count"}
        if unknown:
            raise ValueError(f"pattern: there is no group '{min(unknown)}'; groups: number, fault, count")
        return self


class Replies(ProfileSection):
    codes: dict[str, ReplyRule] = Field(
        {}, description="by a name of yours; a profile that extends this one adds some or takes some away (null)"
    )
    files: dict[str, FileReply] = Field({}, description="emails about a whole file, by a name of yours")
    faults: dict[str, str] = Field(
        {}, description="meaning of a fault that such an email names, by its code (group `fault`): shown to staff"
    )
    labels: tuple[str, ...] = Field(
        ("TX", "Request number", "Request no", "Your reference", "Your ref", "Customer reference"),
        description="labels of the request's number in an answer; without case",
    )
    code_labels: tuple[str, ...] = Field(
        ("Reply code", "Reply", "Code", "Status", "Response"), description="labels of a code; without case"
    )
    unknown_code: Pattern = Field(
        r"\*?[A-Z][A-Z0-9]*(?:[ */?-]+[A-Z0-9]+)*",
        description="what a code looks like that isn't in `codes`: it becomes a message on the request",
    )
    dates: tuple[DateForm, ...] = Field(
        ("%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%Y-%m-%d", "%d-%m-%y", "%d/%m/%y"),
        min_length=1,
        description="forms of dates; we write the first",
    )
    currency: str = Field("GBP", pattern=r"^[A-Z]{3}$", description="of amounts that name none")
    pdf_alone: Literal["copy-delivered", "message"] = Field(
        "copy-delivered", description="an email with a PDF and a number, but no code"
    )


@value_object
class CodeMatch:
    """A code at the start of a text. `rule`: its name in the table, empty for one that isn't there; `tail`: the
    explanation behind it."""

    code: str
    rule: str
    values: Mapping[str, str]
    tail: str = ""


class ReplyCodes:
    """The codes of a profile, and what looks like a code."""

    def __init__(self, replies: Replies) -> None:
        self._entries = _compile_entries(replies)
        self._unknown = compile_pattern(replies.unknown_code)
        self._label = re.compile(rf"{label_pattern(replies.code_labels)}(?=\S)", re.IGNORECASE)

    def find_code(self, line: str) -> CodeMatch | None:
        """One of the table, with or without a label before it."""
        unlabelled = self._strip_label(line)
        for entry in self._entries:
            match = entry.pattern.match(unlabelled)
            tail = _TAIL.match(unlabelled, match.end()) if match else None
            if match and tail:
                values = {key: value for key, value in match.groupdict().items() if value}
                return CodeMatch(match[0].strip(), entry.name, values, tail["tail"] or "")
        return None

    def find_unknown_code(self, line: str) -> CodeMatch | None:
        """Find what looks like a code."""
        unlabelled = self._strip_label(line)
        match = self._unknown.match(unlabelled)
        tail = _TAIL.match(unlabelled, match.end()) if match else None
        return CodeMatch(match[0].strip(), "", {}, tail["tail"] or "") if match and tail else None

    def _strip_label(self, line: str) -> str:
        label = self._label.match(line)
        return line[label.end() :] if label else line


class ReplyPatterns:
    """All by which a partner's replies are read, compiled once a profile (`ArtemailDialect.reply_patterns`).

    `number`, `labelled`: a request's number (group `number`) at the start of a line, where a label may or must stand
    before it; `reference`: the word behind our file's (group 1); `files`: answers about whole files, by their names;
    `customer`: a line that is a customer code as a whole."""

    def __init__(self, replies: Replies, reference: str, customer_pattern: str) -> None:
        label, number = label_pattern(replies.labels), r"(?P<number>[^\s:;,()<>\"']+)"
        self.codes = ReplyCodes(replies)
        self.number = re.compile(rf"(?:{label})?{number}")
        self.labelled = re.compile(rf"(?:{label}){number}", re.IGNORECASE)
        self.reference = re.compile(rf"{re.escape(reference)}\W{{0,3}}([A-Z0-9][A-Z0-9./-]*)", re.IGNORECASE)
        self.files = {name: compile_pattern(file.pattern, ignore_case=True) for name, file in replies.files.items()}
        self.customer = compile_pattern(customer_pattern)


def label_pattern(words: tuple[str, ...]) -> str:
    """Pattern of any of them, with what may stand between it and the value."""
    each = (r"\s+".join(map(re.escape, label.split())) for label in sorted(words, key=len, reverse=True))
    return rf"(?:{'|'.join(each) or '(?!)'})\.?\s*[:#=]?\s*"


@value_object
class _CodeEntry:
    name: str
    pattern: LinearPattern


def _compile_entries(replies: Replies) -> tuple[_CodeEntry, ...]:
    """Longest first, since some codes begin as others do."""
    ordered = sorted(replies.codes.items(), key=lambda entry: -len(entry[1].template.literal))
    return tuple(_CodeEntry(name, compile_pattern(_code_pattern(rule))) for name, rule in ordered)


def _code_pattern(rule: ReplyRule) -> str:
    return rule.pattern if rule.pattern is not None else rule.template.build_pattern(PATTERNS, loose=False)


_TAIL = re.compile(r"\s*[.!]?\s*$|(?:\s+[-–—=]+\s+|[:;,]\s+|\s+(?=\()|\s{2,})(?P<tail>\S.*)$")
"""What may stand behind a code: nothing, or an explanation that is set off from it."""
