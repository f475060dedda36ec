"""How many pages a file has. PDFs come from anywhere: they are read by a process of their own, bounded in time and
memory, so that one that is made to harm costs a count and nothing else."""

from __future__ import annotations

import sys

import structlog

from gateway.domain.problems import Unavailable
from gateway.domain.requests.file_types import FileType
from gateway.services.files.program import run_program

log = structlog.get_logger(component="files")

SECONDS = 20.0

ONE_PAGE = (FileType.PNG, FileType.JPEG)


async def count_pages(kind: FileType, content: bytes) -> int | None:
    """None: it can't be told (another kind of file; a PDF that is damaged, locked or too large to read)."""
    if kind in ONE_PAGE:
        return 1
    if kind is not FileType.PDF:
        return None
    command = (sys.executable, "-I", "-m", "gateway.services.files.pdf_pages")
    try:
        ended = await run_program(command, content, SECONDS)
    except Unavailable as error:
        log.warning("files.pages_not_counted", reason=str(error))
        return None
    said = ended.output.strip()
    return int(said) if ended.code == 0 and said.isdigit() else None
