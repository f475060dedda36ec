"""Mails of mail programs rather than of people: delivery reports (RFC 3464) and automatic answers (RFC 3834). Pure.

Neither is ever answered.
"""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from email.policy import compat32

from adapters.mailbox.mime.decoding import header_text, one_line, text_of
from adapters.mailbox.mime.header import Header
from adapters.mailbox.mime.parts import ReportPart
from gateway.domain.frozen import frozen
from gateway.ports.mail_format import IncomingMail
from gateway.ports.mail_reading import Action, Automatic, Bounce


@frozen
class Whole:
    """What a mail is recognised by. `report_type`: of a multipart/report (RFC 6522), empty for other mails."""

    header: Header
    mail: IncomingMail
    report_type: str
    report: tuple[ReportPart, ...]


_ID = re.compile(r"^\s*message-id:\s*<\s*([^<>\s]+)\s*>", re.IGNORECASE | re.MULTILINE)
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


def bounce_of(whole: Whole) -> Bounce | None:
    """None: the mail is no delivery report."""
    if whole.report_type == "delivery-status":
        return _by_standard(whole)
    if _looks_like_bounce(whole):
        return _by_habit(whole)
    return None


def _by_standard(whole: Whole) -> Bounce:
    fields = [
        (name.lower(), one_line(value))
        for part in whole.report
        if part.media_type == "message/delivery-status"
        for name, value in _FIELD.findall(text_of(part.content, "utf-8")[0])
    ]
    actions = [_action(value) for name, value in fields if name == "action"]
    # Several recipients are several blocks: what failed counts before what was only late.
    action = min(actions, key=list(Action).index, default=Action.FAILED)
    statuses = [found[1] for name, value in fields if name == "status" and (found := _STATUS.search(value))]
    wanted = {Action.FAILED: "5", Action.DELAYED: "4"}.get(action, "2")
    status = next((one for one in statuses if one.startswith(wanted)), statuses[0] if statuses else "")
    envelope = [value.strip("<> ") for name, value in fields if name == "original-envelope-id"]
    why = next((value for name, value in fields if name == "diagnostic-code"), "")
    return Bounce(action, status, _original_ids(whole, envelope), _without_addresses(why))


def _action(value: str) -> Action:
    word = value.partition(" ")[0].lower()
    return Action(word) if word in set(Action) else Action.FAILED


def _looks_like_bounce(whole: Whole) -> bool:
    """Servers that don't follow RFC 3464: the sender is none, and the subject says so."""
    nobody = whole.header.first("return-path").strip() == "<>" or bool(_FROM_A_SERVER.match(whole.mail.sender))
    return nobody and bool(_BOUNCE_SUBJECT.search(whole.mail.subject) or whole.header.first("x-failed-recipients"))


def _by_habit(whole: Whole) -> Bounce:
    text = whole.mail.text
    status = found[1] if (found := _STATUS.search(text)) else ""
    if not status and (reply := _REPLY.search(text)):
        status = f"{reply[1]}.0.0"
    action = Action.DELAYED if status.startswith("4") else Action.FAILED
    line = next((line for line in text.splitlines() if _STATUS.search(line) or _REPLY.search(line)), "")
    return Bounce(action, status, _original_ids(whole, []), _without_addresses(line))


def _original_ids(whole: Whole, envelope: list[str]) -> tuple[str, ...]:
    """Of the mail that came back: from its returned header, else from the text, else from what this one answers."""
    found: list[str] = []
    for part in whole.report:
        if part.media_type in ("message/rfc822", "text/rfc822-headers"):
            header = BytesHeaderParser(policy=compat32).parsebytes(part.content.lstrip())
            found.append(header_text(str(header.get("message-id", ""))).strip("<> "))
    found += _ID.findall(whole.mail.text)
    return tuple(dict.fromkeys(one for one in (*found, *envelope, *whole.mail.references) if one))


def _without_addresses(text: str) -> str:
    return _ADDRESS.sub("…", one_line(text))[:300]


# --- automatic mails -------------------------------------------------------------------------------------


def automatic(whole: Whole) -> Automatic:
    """RFC 3834 section 5, and what programs did before it."""
    said = whole.header.first("auto-submitted").partition(";")[0].strip().lower()
    if said.startswith("auto-replied") or _is_absence(whole):
        return Automatic.REPLIED
    if said and said != "no":
        return Automatic.GENERATED
    precedence = whole.header.first("precedence").lower()
    bulk = precedence in ("bulk", "list", "junk") or whole.header.first("return-path").strip() == "<>"
    return Automatic.GENERATED if bulk or whole.header.first("list-id") else Automatic.NO


def _is_absence(whole: Whole) -> bool:
    told = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation")
    if whole.header.first("precedence").lower() in ("auto_reply", "auto-reply"):
        return True
    if any(whole.header.first(name) for name in told) or whole.report_type == "disposition-notification":
        return True
    return bool(_ABSENT_SUBJECT.match(whole.mail.subject))
