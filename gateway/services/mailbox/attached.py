"""Files that came with a mail, looked at before anything is written: scanned, told by their content, pages counted."""

from __future__ import annotations

from gateway.domain.frozen import frozen
from gateway.domain.problems import Refused
from gateway.domain.requests.policy import Copies
from gateway.domain.requests.views import Upload
from gateway.ports.mail_format import IncomingMail, MailPart
from gateway.services.files.arriving import counted, kind_of
from gateway.services.files.scanning import scan


@frozen
class Attached:
    """`upload` None: the rules don't take it; `why` in a sentence for staff."""

    name: str
    upload: Upload | None = None
    why: str = ""


async def infected(mail: IncomingMail, rules: Copies) -> bool:
    """Raises Unavailable: nobody knows now, and the mail waits."""
    try:
        for part in mail.attachments:
            await scan(rules.scan_command, part.content, rules.scan_seconds)
    except Refused:
        return True
    return False


async def attached(mail: IncomingMail, rules: Copies) -> tuple[Attached, ...]:
    """One for each file, in the order of the mail."""
    return tuple([await _looked_at(part, rules) for part in mail.attachments])


async def _looked_at(part: MailPart, rules: Copies) -> Attached:
    upload = Upload(name=part.name, media_type=part.media_type, content=part.content)
    try:
        return Attached(part.name, await counted(upload, kind_of(part.content, rules)))
    except Refused as refused:
        return Attached(part.name, why=refused.detail)
