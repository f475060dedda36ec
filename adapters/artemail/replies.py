"""A mail of answers: lines <-> replies by the profile's code table (facts/artemail.md section 2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from adapters.artemail.dialect import ArtemailDialect, RequestNumbers
from adapters.artemail.reply_rules import CodeMatch, ReplyRule
from adapters.artemail.text_templates import parse_formatted_date
from gateway.domain.patterns import fits_pattern
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import list_own_lines

MAX_LINES = 5_000
MAX_LINE_CHARS = 500
"""Of a line in which codes are looked for."""

MAX_PROSE_CHARS = 4_000

MIN_CODE_CHARS = 3
"""Of a request's number that has no label before it."""


@value_object(kw_only=True)
class CodedReply:
    """One answer as it stands in a mail. `rule`: its name in the profile's table, empty for a code that isn't there;
    `values`: the captured fields; `prose`: what was written below it."""

    number: str
    code: str
    rule: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    prose: tuple[str, ...] = ()
    line: int = 0  # counted from 1; 0: the subject


@value_object(kw_only=True)
class FileAnswer:
    """An answer about a whole file. `number` is empty unless the line names a request; `count`: of so many requests;
    `fault`: the service's code for what is wrong."""

    rule: str
    number: str = ""
    count: int | None = None
    fault: str = ""
    text: str
    line: int = 0


@value_object(kw_only=True)
class MailAnswers:
    """`reference`: the word behind FILEREFNO, as it stands there; `numbers`: all requests that are named; `prose`: what
    is neither."""

    replies: tuple[CodedReply, ...] = ()
    files: tuple[FileAnswer, ...] = ()
    reference: str = ""
    numbers: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()


# --- written ---------------------------------------------------------------------------------------------


def write_reply_line(rule: ReplyRule, number: str, values: Mapping[str, str]) -> str:
    """Empty: the code needs a value that isn't known."""
    template = rule.template
    return f"{number} {template.fill(values)}" if all(values.get(name) for name in template.required) else ""


# --- read ------------------------------------------------------------------------------------------------


def read_replies(subject: str, text: str, dialect: ArtemailDialect) -> MailAnswers:
    return _ReplyReader(dialect).read_answers(subject, text)


_DASHES = str.maketrans({"\u00a0": " ", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u00ad": "", "\u200b": ""})


class _ReplyReader:
    def __init__(self, dialect: ArtemailDialect) -> None:
        self._replies, self._numbers, self._dialect = dialect.replies, dialect.numbers, dialect
        self._patterns, self._codes = dialect.reply_patterns, dialect.reply_patterns.codes
        self._ours = dialect.order_codes
        self._below_customer = False
        self._current = ""
        self._named: list[str] = []
        self._taken: list[CodedReply] = []
        self._about: list[FileAnswer] = []
        self._prose: list[str] = []

    def read_answers(self, subject: str, text: str) -> MailAnswers:
        reference = find_file_reference(subject, self._dialect) or find_file_reference(text, self._dialect)
        for line, quoted, at in _mark_quoted_lines(text):
            if quoted:
                self._read_quoted_line(line)
            else:
                self._read_own_line(line, at)
        if not self._taken and not self._about:
            self._read_own_line(_strip_subject_prefixes(self._patterns.reference.sub("", subject)), 0)
        return MailAnswers(
            replies=tuple(self._unique_replies()),
            files=tuple(self._about),
            reference=reference,
            numbers=tuple(dict.fromkeys(self._named)),
            prose=tuple(self._prose),
        )

    def _unique_replies(self) -> Iterator[CodedReply]:
        """Each once. Where a mail names one request alone, its codes are about that one."""
        alone = self._named[0] if len(set(self._named)) == 1 else ""
        seen: set[tuple[str, str]] = set()
        for reply in self._taken:
            number = reply.number or alone
            if (number, reply.code) not in seen:
                seen.add((number, reply.code))
                yield replace(reply, number=number)

    # --- a line ------------------------------------------------------------------------------------------

    def _read_own_line(self, line: str, at: int) -> None:
        if not line or self._is_order_head(line):
            return
        if len(line) > MAX_LINE_CHARS:
            self._add_prose(line)
            return
        if (about := self._read_file_answer(line, at)) is not None:
            self._about.append(about)
            return
        if self._extend_broken_code(line, at):
            return
        if (code := self._codes.find_code(line)) is not None:
            self._add_reply(code, self._current, at)
            return
        number, rest = self._split_request_number(line)
        if number:
            self._note_request_number(number)
            if rest and self._ours.issuperset(rest.split()):
                return  # the first line of our order, repeated
            code = self._codes.find_code(rest) or self._codes.find_unknown_code(rest)
            if code is not None:
                self._add_reply(code, number, at)
            elif rest:
                self._add_prose(line)
            return
        if not self._read_leading_code(line, at):
            self._add_prose(line)

    def _is_order_head(self, line: str) -> bool:
        """Our order's customer code, and below it the password, in an answer that repeats them: never kept."""
        below, self._below_customer = self._below_customer, self._patterns.customer.fullmatch(line) is not None
        return below or self._below_customer

    def _extend_broken_code(self, line: str, at: int) -> bool:
        """A code that a mail program has broken in two lines."""
        last = self._taken[-1] if self._taken else None
        if last is None or last.line != at - 1 or last.values or last.prose:
            return False
        code = self._codes.find_code(f"{last.code} {line}")
        if code is None or not (code.values or not last.rule):
            return False
        self._taken.pop()
        self._add_reply(code, last.number, last.line)
        return True

    def _read_quoted_line(self, line: str) -> None:
        """Read a quoted line, of which only the number counts: an answer stands below the request that it is about."""
        match = self._patterns.labelled.match(line.lstrip("> |"))
        if match and (number := self._parse_request_number(match["number"])):
            self._note_request_number(number)

    def _split_request_number(self, line: str) -> tuple[str, str]:
        """A request's number at the start of the line, and what follows it. Without a label before it, a code must
        follow, or nothing."""
        if labelled := self._patterns.labelled.match(line):
            number = self._parse_request_number(labelled["number"])
            if number:
                return number, line[labelled.end() :].lstrip(" :;,")
        plain = self._patterns.number.match(line)
        number = self._parse_request_number(plain["number"]) if plain else ""
        if plain is None or len(number) < MIN_CODE_CHARS:
            return "", ""
        rest = line[plain.end() :].lstrip(" :;,")
        if rest and self._codes.find_code(rest) is None and self._codes.find_unknown_code(rest) is None:
            return "", ""
        return number, rest

    def _read_leading_code(self, line: str, at: int) -> bool:
        """`NOT ABC-123`"""
        before, _, last = line.rpartition(" ")
        number = self._parse_request_number(last.strip(".()"))
        match = self._codes.find_code(before.strip()) if number and before else None
        if match is None:
            return False
        self._note_request_number(number)
        self._add_reply(match, number, at)
        return True

    def _read_file_answer(self, line: str, at: int) -> FileAnswer | None:
        for name, pattern in self._patterns.files.items():
            if match := pattern.search(line):
                groups = match.groupdict(default="")
                number = self._parse_request_number(groups.get("number", ""))
                if number:
                    self._note_request_number(number)
                count, fault = groups.get("count", ""), groups.get("fault", "")
                n = int(count) if count.isdecimal() and len(count) < 10 else None
                return FileAnswer(rule=name, number=number, count=n, fault=fault, text=line, line=at)
        return None

    # --- what it adds up to ------------------------------------------------------------------------------

    def _add_reply(self, match: CodeMatch, number: str, at: int) -> None:
        prose = (match.tail,) if match.tail else ()
        self._taken.append(
            CodedReply(number=number, code=match.code, rule=match.rule, values=match.values, prose=prose, line=at)
        )

    def _add_prose(self, line: str) -> None:
        if not self._taken:
            self._prose.append(line)
            return
        last = self._taken[-1]
        if sum(map(len, last.prose)) < MAX_PROSE_CHARS:
            self._taken[-1] = replace(last, prose=(*last.prose, line))

    def _note_request_number(self, number: str) -> None:
        self._current = number
        self._named.append(number)

    def _parse_request_number(self, word: str) -> str:
        """Ours, where the word can be one; a date is none."""
        word = word.rstrip(".")
        number = parse_request_number(word, self._numbers)
        return "" if number and parse_formatted_date(word, self._replies.dates) is not None else number


def find_file_reference(text: str, dialect: ArtemailDialect) -> str:
    """The word behind FILEREFNO; empty where there is none, or one that can't be the number of a file."""
    match = dialect.reply_patterns.reference.search(text)
    return _clean_reference(match[1], dialect) if match else ""


def find_file_references(text: str, dialect: ArtemailDialect) -> tuple[str, ...]:
    """All of them, each once."""
    words = (_clean_reference(word, dialect) for word in dialect.reply_patterns.reference.findall(text))
    return tuple(dict.fromkeys(filter(None, words)))


def _clean_reference(word: str, dialect: ArtemailDialect) -> str:
    word = word.rstrip("./-")
    is_number = re.search(r"\d", word) and parse_formatted_date(word, dialect.replies.dates) is None
    return word if is_number else ""


def parse_request_number(word: str, numbers: RequestNumbers) -> str:
    """Our number, or empty where the word isn't what the service takes for one."""
    fits = fits_pattern(numbers.pattern, word) and re.search(r"\d", word) and word.startswith(numbers.prefix)
    return word.removeprefix(numbers.prefix) if fits else ""


def _mark_quoted_lines(text: str) -> Iterator[tuple[str, bool, int]]:
    """Mark each line with whether it is quoted, and its number from 1."""
    own = list_own_lines(text)
    at = 0
    for n, line in enumerate(text.splitlines()[:MAX_LINES]):
        mine = at < len(own) and own[at] == line
        at += mine
        yield line.translate(_DASHES).strip(), not mine, n + 1


def _strip_subject_prefixes(subject: str) -> str:
    """Return a subject without Re:, AW:, Fwd: and the like."""
    return re.sub(r"^(?:\s*(?:re|aw|antw|fwd?|wg|tr|sv|vs)\s*:)+", "", subject, flags=re.IGNORECASE).strip()
