"""The hook for a virus scanner: a command of the operator's that gets the file on its standard input.

Exit code 0: clean. 1: something was found, the file is refused. Anything else, no end in time, no such program: nobody
knows, so nothing is kept and whoever sent it may try again (clamdscan and clamscan count in this way).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.problems import About, Reason, Refused, Unavailable
from gateway.services.files.program import run_program

CLEAN, FOUND = 0, 1


async def scan(command: Sequence[str], content: bytes, seconds: float) -> None:
    """An empty command scans nothing. Raises Refused(INVALID_VALUE) for an infected file, Unavailable."""
    if not command:
        return
    ended = await run_program(command, content, seconds)
    if ended.code == FOUND:
        raise Refused(
            Reason.INVALID_VALUE, "The virus scanner found something in this file; it is not kept.", about=About.REQUEST
        )
    if ended.code != CLEAN:
        raise Unavailable(f"the virus scanner {command[0]} ended with exit code {ended.code}")
