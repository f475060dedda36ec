"""Files that come in: type, scan, page count, in bounded subprocesses.

PDFs come from anywhere: they are read by a process of their own, bounded in time and memory, so that one that is made
to harm costs a count and nothing else.

The scanner's exit code 0: clean. 1: something was found, the file is refused. Anything else, no end in time, no such
program: nobody knows, so nothing is kept and whoever sent it may try again (clamdscan and clamscan count in this
way).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.requests.attachments import FileType, clean_file_name, detect_file_type
from gateway.domain.requests.policy import CopyRules
from gateway.domain.requests.views import FileUpload
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.system_errors import describe_system_error
from gateway.secrets import make_child_environment

log = structlog.get_logger(component="files")

SECONDS = 20.0

ONE_PAGE = (FileType.PNG, FileType.JPEG)

MAX_OUTPUT_BYTES = 10_000
"""Bytes of its output that are looked at."""

CLEAN, FOUND = 0, 1

PAGE_COUNTER = Path(__file__).with_name("pdf_page_count.py")
UNREADABLE = 3
"""Its exit code for a PDF that nobody can read."""


async def check_upload(upload: FileUpload, rules: CopyRules) -> FileUpload:
    """Return a file with its real media type, a name that fits it (`clean_file_name`), and with its pages where they
    can be counted; what the sender says of them counts only where they can't.

    Raises Refused(INVALID_VALUE) for a file that isn't taken, is infected or is a PDF that nobody can read; Unavailable
    when the scanner is away.
    """
    kind = require_file_type(upload.content, rules)
    await scan_file(rules.scan_command, upload.content, rules.scan_seconds)
    return await complete_upload(upload, kind)


async def complete_upload(upload: FileUpload, kind: FileType) -> FileUpload:
    """Complete a file as `check_upload` does, where scanner and rules have had their say. Raises
    Refused(INVALID_VALUE)."""
    pages = await count_pages(kind, upload.content)
    return replace(
        upload,
        name=clean_file_name(upload.name, kind),
        media_type=kind.value,
        pages=pages if pages is not None else upload.pages,
    )


def require_file_type(content: bytes, rules: CopyRules) -> FileType:
    """Detect the file's type; raises Refused(INVALID_VALUE)."""
    kind = detect_file_type(content)
    if kind is None or kind not in rules.types:
        taken = ", ".join(file_type.value for file_type in rules.types)
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("The file type is %(found)s. Accepted types: %(taken)s.", found=kind.value, taken=taken)
            if kind is not None
            else write_sentence("The file type is unknown. Accepted types: %(taken)s.", taken=taken),
            about=MessagePart.REQUEST,
        )
    return kind


async def count_pages(kind: FileType, content: bytes) -> int | None:
    """None: it can't be told (another kind of file; a PDF that is too large to read). Raises Refused(INVALID_VALUE) for
    a PDF that nobody can read: no patron gets it."""
    if kind in ONE_PAGE:
        return 1
    if kind is not FileType.PDF:
        return None
    command = (sys.executable, "-I", str(PAGE_COUNTER))
    try:
        ended = await run_program(command, content, SECONDS)
    except Unavailable as error:
        log.warning("files.pages_not_counted", reason=str(error))
        return None
    if ended.code == UNREADABLE:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "The PDF cannot be read, because it is damaged, incomplete, empty or locked. Ask for the file again.",
            about=MessagePart.REQUEST,
        )
    output = ended.output.strip()
    return int(output) if ended.code == 0 and output.isdigit() else None


@value_object
class ProgramResult:
    """`code`: as the shell counts them; negative: it was ended by that signal."""

    code: int
    output: bytes


async def run_program(command: Sequence[str], content: bytes, seconds: float) -> ProgramResult:
    """`command`: the program and its arguments; no shell reads it. Raises Unavailable when it can't be started, or
    has not ended after `seconds`: then it is killed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=make_child_environment(),
        )
    except (OSError, ValueError) as error:
        raise Unavailable(
            write_sentence(
                "%(command)s could not be started: %(report)s", command=command[0], report=describe_system_error(error)
            )
        ) from error
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate(content)
    except TimeoutError as error:
        raise Unavailable(
            write_sentence("%(command)s did not finish within %(seconds)s seconds", command=command[0], seconds=seconds)
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return ProgramResult(process.returncode, output[:MAX_OUTPUT_BYTES])


async def scan_file(command: Sequence[str], content: bytes, seconds: float) -> None:
    """An empty command scans nothing. Raises Refused(INVALID_VALUE) for an infected file, Unavailable."""
    if not command:
        return
    ended = await run_program(command, content, seconds)
    if ended.code == FOUND:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "The virus scanner reported this file, so it was not kept.",
            about=MessagePart.REQUEST,
        )
    if ended.code != CLEAN:
        raise Unavailable(
            write_sentence("virus scanner %(command)s exited with code %(code)s", command=command[0], code=ended.code)
        )
