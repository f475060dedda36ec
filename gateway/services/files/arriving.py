"""A file before it is kept: what it is, whether it is taken, whether it is clean, how many pages it has."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.problems import About, Reason, Refused
from gateway.domain.requests.file_types import FileType, type_of
from gateway.domain.requests.policy import Copies
from gateway.domain.requests.views import Upload
from gateway.services.files.pages import count_pages
from gateway.services.files.scanning import scan


async def checked(upload: Upload, rules: Copies) -> Upload:
    """With its real media type, and with its pages where they can be counted; what the sender says of them counts
    only where they can't.

    Raises Refused(INVALID_VALUE) for a file that isn't taken or is infected; Unavailable when the scanner is away.
    """
    kind = kind_of(upload.content, rules)
    await scan(rules.scan_command, upload.content, rules.scan_seconds)
    return await counted(upload, kind)


async def counted(upload: Upload, kind: FileType) -> Upload:
    """As `checked`, where scanner and rules have had their say."""
    pages = await count_pages(kind, upload.content)
    return replace(upload, media_type=kind.value, pages=pages if pages is not None else upload.pages)


def kind_of(content: bytes, rules: Copies) -> FileType:
    """Raises Refused(INVALID_VALUE)."""
    kind = type_of(content)
    if kind is None or kind not in rules.types:
        taken = ", ".join(one.value for one in rules.types)
        found = f"The file is {kind.value}" if kind is not None else "Nobody knows what this file is"
        raise Refused(Reason.INVALID_VALUE, f"{found}; taken are: {taken}.", about=About.REQUEST)
    return kind
