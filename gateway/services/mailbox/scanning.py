"""The hook for a virus scanner: a command that reads a file from its standard input.

Exit code 0: clean; 1: infected; anything else: it can't tell now, and the mail waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.domain.problems import Unavailable

SECONDS = 120.0


async def infected(command: Sequence[str], content: bytes) -> bool:
    """Raises Unavailable."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise Unavailable(f"the virus scanner {command[0]} can't be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(SECONDS):
            await process.communicate(content)
    except TimeoutError as error:
        raise Unavailable(f"the virus scanner {command[0]} gave no answer in {SECONDS:.0f} seconds") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode not in (0, 1):
        raise Unavailable(f"the virus scanner {command[0]} ended with exit code {process.returncode}")
    return process.returncode == 1
