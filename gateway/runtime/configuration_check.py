"""`illgate check`, run now and then by the daemon for its System page: the same command, so that page and terminal find
the same. It is a process of its own: it reads and tries everything, which would hold up messages here."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationProblem
from gateway.services.operation.gateway_operation import CheckFindings

log = structlog.get_logger(component="check")

FIRST_SECONDS = 300.0
"""After a start, when there is other work."""

EVERY_SECONDS = 3600.0

MAX_SECONDS = 600.0

MAX_LISTED = 200
"""Problems, and remarks."""

ENDED_WELL = (0, 1)
"""Exit codes of the command: nothing is wrong, or something is."""

PROGRAM = "import os; os.nice(10); from gateway.cli import main; main()"


class CheckProcess:
    """A `ConfigurationCheck`."""

    def __init__(self, config: Path, clock: Clock) -> None:
        self.findings: CheckFindings | None = None
        self._command = (sys.executable, "-c", PROGRAM, "--config", os.fspath(config), "check", "--json")
        self._clock = clock
        self._lock = asyncio.Lock()

    async def run_regularly(self) -> None:
        """Run until cancelled."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            await self.run()
            await asyncio.sleep(EVERY_SECONDS)

    async def run(self) -> None:
        """Whoever comes while it runs waits for the next one."""
        async with self._lock:
            self.findings = await self._check()
            if self.findings.failure:
                log.error("check.failed", reason=self.findings.failure)

    async def _check(self) -> CheckFindings:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return CheckFindings(self._clock.now(), failure=f"illgate check could not be started: {error.strerror}")
        try:
            async with asyncio.timeout(MAX_SECONDS):
                out, errors = await process.communicate()
        except TimeoutError:
            return CheckFindings(self._clock.now(), failure=f"illgate check took longer than {MAX_SECONDS:g} s")
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode not in ENDED_WELL or not out.strip():
            last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            why = f": {last}" if last else ""
            return CheckFindings(
                self._clock.now(), failure=f"illgate check ended with exit code {process.returncode}{why}"
            )
        report = json.loads(out)
        return CheckFindings(self._clock.now(), _read_problems(report["problems"]), _read_problems(report["remarks"]))


def _read_problems(listed: list[dict[str, Any]]) -> tuple[ConfigurationProblem, ...]:
    return tuple(
        ConfigurationProblem(**{**problem, "path": tuple(problem["path"]), "allowed": tuple(problem["allowed"])})
        for problem in listed[:MAX_LISTED]
    )
