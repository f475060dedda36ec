"""A program of its own that reads a file from its standard input: bounded in time, ended with us."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.domain.frozen import frozen
from gateway.domain.problems import Unavailable

MOST_OUTPUT = 10_000
"""Bytes of its output that are looked at."""


@frozen
class Ended:
    """`code`: as the shell counts them; negative: it was ended by that signal."""

    code: int
    output: bytes


async def run_program(command: Sequence[str], content: bytes, seconds: float) -> Ended:
    """`command`: the program and its arguments; no shell reads it. Raises Unavailable when it can't be started, or
    has not ended after `seconds`: then it is killed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        raise Unavailable(f"{command[0]} can't be started: {getattr(error, 'strerror', None) or error}") from error
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate(content)
    except TimeoutError as error:
        raise Unavailable(f"{command[0]} has not ended after {seconds:g} seconds") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, output[:MOST_OUTPUT])
