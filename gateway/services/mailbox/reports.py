"""Mails of mail programs rather than of people: delivery reports (RFC 3464) and automatic answers (RFC 3834). Pure.

Neither is ever answered.
"""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum

from gateway.domain.frozen import frozen
from gateway.services.mailbox.decoding import header_text, one_line, text_of
from gateway.services.mailbox.parsing import ParsedMail


class Action(StrEnum):
    """RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@frozen
class Bounce:
    """A report on a mail of ours. `status`: RFC 3463, such as 5.1.1, empty where none is said; `message_ids`: what
    the mail may have been called, without angle brackets; `why`: the server's words, without addresses."""

    action: Action
    status: str
    message_ids: tuple[str, ...]
    why: str = ""

    @property
    def hard(self) -> bool:
        """It will never arrive: not what is only late, nor what a server will try again."""
        return self.action is Action.FAILED and not self.status.startswith("4")


class Automatic(StrEnum):
    NO = "no"
    GENERATED = "generated"  # by a program, of its own accord: a partner's system at work
    REPLIED = "replied"  # to a mail of ours, by nobody: absence notes


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


def bounce_of(parsed: ParsedMail) -> Bounce | None:
    """None: the mail is no delivery report."""
    if parsed.report_type == "delivery-status":
        return _by_standard(parsed)
    if _looks_like_bounce(parsed):
        return _by_habit(parsed)
    return None


def _by_standard(parsed: ParsedMail) -> Bounce:
    fields = [
        (name.lower(), one_line(value))
        for part in parsed.report
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
    return Bounce(action, status, _original_ids(parsed, envelope), _without_addresses(why))


def _action(value: str) -> Action:
    word = value.partition(" ")[0].lower()
    return Action(word) if word in set(Action) else Action.FAILED


def _looks_like_bounce(parsed: ParsedMail) -> bool:
    """Servers that don't follow RFC 3464: the sender is none, and the subject says so."""
    nobody = parsed.header("return-path").strip() == "<>" or bool(_FROM_A_SERVER.match(parsed.mail.sender))
    return nobody and bool(_BOUNCE_SUBJECT.search(parsed.mail.subject) or parsed.header("x-failed-recipients"))


def _by_habit(parsed: ParsedMail) -> Bounce:
    text = parsed.mail.text
    status = found[1] if (found := _STATUS.search(text)) else ""
    if not status and (reply := _REPLY.search(text)):
        status = f"{reply[1]}.0.0"
    action = Action.DELAYED if status.startswith("4") else Action.FAILED
    line = next((line for line in text.splitlines() if _STATUS.search(line) or _REPLY.search(line)), "")
    return Bounce(action, status, _original_ids(parsed, []), _without_addresses(line))


def _original_ids(parsed: ParsedMail, envelope: list[str]) -> tuple[str, ...]:
    """Of the mail that came back: from its returned header, else from the text, else from what this one answers."""
    found: list[str] = []
    for part in parsed.report:
        if part.media_type in ("message/rfc822", "text/rfc822-headers"):
            header = BytesHeaderParser(policy=compat32).parsebytes(part.content.lstrip())
            found.append(header_text(str(header.get("message-id", ""))).strip("<> "))
    found += _ID.findall(parsed.mail.text)
    return tuple(dict.fromkeys(one for one in (*found, *envelope, *parsed.mail.references) if one))


def _without_addresses(text: str) -> str:
    return _ADDRESS.sub("…", one_line(text))[:300]


# --- automatic mails -------------------------------------------------------------------------------------


def automatic(parsed: ParsedMail) -> Automatic:
    """RFC 3834 section 5, and what programs did before it."""
    said = parsed.header("auto-submitted").partition(";")[0].strip().lower()
    if said.startswith("auto-replied") or _is_absence(parsed):
        return Automatic.REPLIED
    if said and said != "no":
        return Automatic.GENERATED
    precedence = parsed.header("precedence").lower()
    bulk = precedence in ("bulk", "list", "junk") or parsed.header("return-path").strip() == "<>"
    return Automatic.GENERATED if bulk or parsed.header("list-id") else Automatic.NO


def _is_absence(parsed: ParsedMail) -> bool:
    told = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation")
    if parsed.header("precedence").lower() in ("auto_reply", "auto-reply"):
        return True
    if any(parsed.header(name) for name in told) or parsed.report_type == "disposition-notification":
        return True
    return bool(_ABSENT_SUBJECT.match(parsed.mail.subject))
