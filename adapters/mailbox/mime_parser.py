"""A mail taken apart: sender checks, bounces, automatic answers. Pure.

Everything of facts/artemail.md section 5 is survived. Neither bounces nor automatic answers are ever answered.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.message import Message
from email.utils import collapse_rfc2231_value

from adapters.mailbox.mime_limits import ParseBudget, parse_message, refuse_unreadable
from adapters.mailbox.mime_parts import MAX_TEXT_CHARS, MailHeader, PartCollector, ReportPart
from adapters.mailbox.mime_text import decode_header_text, decode_text, single_line
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    AutomaticMailKind,
    BounceAction,
    BounceReport,
    IncomingMail,
    ParsedMail,
    SenderCheck,
    take_header,
)

MAX_SUBJECT_CHARS = 2_000
"""A line of a mail has at most 998 (RFC 5322 section 2.1.1)."""

MAX_REASON_CHARS = 2_000
"""Of a server's words that are looked into, so that addresses in them can be masked."""

_BLANK = re.compile(r"\s+")

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*([a-z0-9-]+)\s*=\s*([a-z]+)", re.IGNORECASE)
_DOMAIN = {
    "spf": re.compile(r"\bsmtp\.(?:mailfrom|helo)\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
    "dkim": re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
    "dmarc": re.compile(r"\bheader\.from\s*=\s*\"?(?:[^\s\";@]*@)?([^\s\";@]+)", re.IGNORECASE),
}


def parse_mail(content: bytes, received: datetime) -> ParsedMail:
    """Parse a mail; raises MalformedMessage: no header, too deep, too many parts or fields, or too slow
    (`ParseBudget`)."""
    budget = ParseBudget(len(content))
    message = parse_message(content, budget)
    return refuse_unreadable(lambda: _build_parsed_mail(message, content, received, budget))


def _build_parsed_mail(message: Message, content: bytes, received: datetime, budget: ParseBudget) -> ParsedMail:
    header = MailHeader.from_message(message)
    if not header.fields:
        raise MalformedMessage("header", "there is no header", MalformationKind.SYNTAX)
    parts = PartCollector(budget)
    parts.collect_parts(message)
    mail = IncomingMail(
        id=header.id or hashlib.sha256(content).hexdigest(),
        sender=header.sender,
        to=tuple(address for address in header.iter_addresses("to", "cc") if address),
        subject=header.first_value("subject")[:MAX_SUBJECT_CHARS],
        text=parts.text[:MAX_TEXT_CHARS],
        received=received,
        references=header.references,
        attachments=tuple(parts.files),
    )
    whole = ReportParts(header, mail, _report_type(message), tuple(parts.report))
    kind = detect_automatic(whole)
    return ParsedMail(
        mail=replace(mail, automatic=kind is not AutomaticMailKind.NO),
        bounce=detect_bounce(whole),
        automatic=kind,
        checks=read_sender_checks(header),
        dated=header.date,
        repaired=tuple(dict.fromkeys(parts.repaired)),
        digest=_content_digest(mail, parts.text),
    )


def _report_type(message: Message) -> str:
    if message.get_content_type() != "multipart/report":
        return ""
    return str(collapse_rfc2231_value(message.get_param("report-type", "") or "")).lower()


def _content_digest(mail: IncomingMail, text: str) -> str:
    """The same for the same content."""
    parts = [mail.sender, mail.subject, _BLANK.sub(" ", text).strip()]
    parts += [hashlib.sha256(file.content).hexdigest() for file in mail.attachments]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()


def read_sender_checks(header: MailHeader) -> tuple[SenderCheck, ...]:
    """Read the checks of all fields of the header, whoever wrote them; topmost first."""
    checks: list[SenderCheck] = []
    for value in header.all_values("authentication-results"):
        name, *parts = _COMMENT.sub(" ", value).split(";")
        server = next(iter(name.split()), "")
        for part in parts:
            if result := _RESULT.match(part):
                method = result[1].lower()
                domain = _DOMAIN[method].search(part) if method in _DOMAIN else None
                checks.append(
                    SenderCheck(server, method, result[2].lower(), domain[1].lower().rstrip(".") if domain else "")
                )
    return tuple(checks)


@value_object
class ReportParts:
    """The parts by which a mail is recognised. `report_type`: of a multipart/report (RFC 6522), empty for other
    mails."""

    header: MailHeader
    mail: IncomingMail
    report_type: str
    report: tuple[ReportPart, ...]


_ID = re.compile(r"^[ \t]*message-id:\s*<\s*([^<>\s]+)\s*>", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"<?[^\s<>@\"]+@[^\s<>@\"]+>?")
_FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY = re.compile(r"\b([45])\d\d[ -]")
_FROM_A_SERVER = re.compile(r"^(mailer-daemon|postmaster|mail-daemon|mdaemon)@", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|delivery (status|failure|notification|report)|returned mail|failure notice"
    r"|mail delivery (failed|system)"
    r"|unzustellbar|konnte nicht zugestellt|nicht zustellbar|non remis|non distribu|no entregado|mancato recapito",
    re.IGNORECASE,
)
_ABSENT_SUBJECT = re.compile(
    r"^\W*(out of (the )?office|automatic reply|auto(matic)?[- ]?(reply|response|answer)|abwesen|automatische antwort"
    r"|réponse automatique|absence du bureau|respuesta automática|risposta automatica|afwezig|automatisch antwoord)",
    re.IGNORECASE,
)


# --- delivery reports ------------------------------------------------------------------------------------


def detect_bounce(whole: ReportParts) -> BounceReport | None:
    """None: the mail is no delivery report."""
    if whole.report_type == "delivery-status":
        return _read_standard_report(whole)
    if _is_likely_bounce(whole):
        return _guess_bounce(whole)
    return None


def _read_standard_report(whole: ReportParts) -> BounceReport:
    fields = [
        (name.lower(), single_line(value))
        for part in whole.report
        if part.media_type == "message/delivery-status"
        for name, value in _FIELD.findall(decode_text(part.content, "utf-8")[0])
    ]
    actions = [_parse_bounce_action(value) for name, value in fields if name == "action"]
    # Several recipients are several blocks: what failed counts before what was only late.
    action = min(actions, key=list(BounceAction).index, default=BounceAction.FAILED)
    statuses = [match[1] for name, value in fields if name == "status" and (match := _STATUS.search(value))]
    wanted = {BounceAction.FAILED: "5", BounceAction.DELAYED: "4"}.get(action, "2")
    status = next((code for code in statuses if code.startswith(wanted)), statuses[0] if statuses else "")
    envelope = [value.strip("<> ") for name, value in fields if name == "original-envelope-id"]
    why = next((value for name, value in fields if name == "diagnostic-code"), "")
    return BounceReport(action, status, _find_original_ids(whole, envelope), _mask_addresses(why))


def _parse_bounce_action(value: str) -> BounceAction:
    word = value.partition(" ")[0].lower()
    return BounceAction(word) if word in set(BounceAction) else BounceAction.FAILED


def _is_likely_bounce(whole: ReportParts) -> bool:
    """Servers that don't follow RFC 3464: the sender is none, and the subject says so."""
    nobody = whole.header.first_value("return-path").strip() == "<>" or bool(_FROM_A_SERVER.match(whole.mail.sender))
    return nobody and bool(
        _BOUNCE_SUBJECT.search(whole.mail.subject) or whole.header.first_value("x-failed-recipients")
    )


def _guess_bounce(whole: ReportParts) -> BounceReport:
    text = whole.mail.text
    status = match[1] if (match := _STATUS.search(text)) else ""
    if not status and (reply := _REPLY.search(text)):
        status = f"{reply[1]}.0.0"
    action = BounceAction.DELAYED if status.startswith("4") else BounceAction.FAILED
    line = next((line for line in text.splitlines() if _STATUS.search(line) or _REPLY.search(line)), "")
    return BounceReport(action, status, _find_original_ids(whole, []), _mask_addresses(line))


def _find_original_ids(whole: ReportParts, envelope: list[str]) -> tuple[str, ...]:
    """Find the ids of the mail that came back: from its returned header, else from the text, else from what this one
    answers."""
    ids: list[str] = []
    for part in whole.report:
        if part.media_type in ("message/rfc822", "text/rfc822-headers"):
            content = take_header(part.content.lstrip())
            header = parse_message(content, ParseBudget(len(content)))
            ids.append(decode_header_text(str(header.get("message-id", ""))).strip("<> "))
    ids += _ID.findall(whole.mail.text)
    return tuple(dict.fromkeys(id_ for id_ in (*ids, *envelope, *whole.mail.references) if id_))


def _mask_addresses(text: str) -> str:
    words = single_line(text)
    if len(words) > MAX_REASON_CHARS:
        words = words[:MAX_REASON_CHARS].rpartition(" ")[0]  # whole words: half an address isn't known as one
    return _ADDRESS.sub("…", words)[:300]


# --- automatic mails -------------------------------------------------------------------------------------


def detect_automatic(whole: ReportParts) -> AutomaticMailKind:
    """RFC 3834 section 5, and what programs did before it."""
    keyword = whole.header.first_value("auto-submitted").partition(";")[0].strip().lower()
    if keyword.startswith("auto-replied") or _is_absence_note(whole):
        return AutomaticMailKind.REPLIED
    if keyword and keyword != "no":
        return AutomaticMailKind.GENERATED
    precedence = whole.header.first_value("precedence").lower()
    bulk = precedence in ("bulk", "list", "junk") or whole.header.first_value("return-path").strip() == "<>"
    return AutomaticMailKind.GENERATED if bulk or whole.header.first_value("list-id") else AutomaticMailKind.NO


def _is_absence_note(whole: ReportParts) -> bool:
    names = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation")
    if whole.header.first_value("precedence").lower() in ("auto_reply", "auto-reply"):
        return True
    if any(whole.header.first_value(name) for name in names) or whole.report_type == "disposition-notification":
        return True
    return bool(_ABSENT_SUBJECT.match(whole.mail.subject))
