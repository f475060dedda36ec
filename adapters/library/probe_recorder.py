"""Trying out a library system step by step: name, connection, certificate, then what the system's own probe asks."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

from yarl import URL

from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.value import value_object
from gateway.ports.library_system import ProbeStep
from gateway.ports.system_errors import describe_system_error
from gateway.ports.tls import ClientTls, abort_transport, make_client_context


class ProbeFailureError(Exception):
    """`key`: of the setting to look at."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


@value_object
class ProbedServer:
    """The server that is tried; `key`: of the setting that names it."""

    host: str
    port: int
    key: str
    seconds: float
    tls: ClientTls | None = None

    @classmethod
    def of_url(cls, text: str, tls: ClientTls, seconds: float) -> Self:
        url = URL(text)
        return cls(url.host or "", url.port or 0, "url", seconds, tls if url.scheme == "https" else None)

    async def resolve_host(self) -> str:
        try:
            async with asyncio.timeout(self.seconds):
                addresses = await asyncio.get_running_loop().getaddrinfo(self.host, self.port)
        except TimeoutError as error:
            problem = f"no answer about the name {self.host} within {self.seconds:g} s"
            raise ProbeFailureError(self.key, problem) from error
        except (OSError, UnicodeError) as error:
            raise ProbeFailureError(
                self.key, f"the name {self.host} is not known: {describe_system_error(error)}"
            ) from error
        return f"{self.host} is {', '.join(sorted({str(address[4][0]) for address in addresses}))}"

    async def connect(self, context: ssl.SSLContext | None) -> None:
        """Connect and hang up; raises ProbeFailureError."""
        place = f"{self.host}:{self.port}"
        try:
            async with asyncio.timeout(self.seconds):
                _, writer = await asyncio.open_connection(self.host, self.port, ssl=context)
        except TimeoutError as error:
            raise ProbeFailureError(self.key, f"no connection to {place} within {self.seconds:g} s") from error
        except ssl.SSLCertVerificationError as error:
            raise ProbeFailureError("ca", f"its certificate isn't trusted: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise ProbeFailureError(self.key, f"no TLS: {error.reason or 'is it plain http?'}") from error
        except OSError as error:
            raise ProbeFailureError(self.key, f"{place} is not reached: {describe_system_error(error)}") from error
        abort_transport(writer.transport)

    def make_context(self) -> ssl.SSLContext:
        try:
            return make_client_context(self.tls or ClientTls())
        except OSError as error:
            raise ProbeFailureError("ca", str(error)) from error


class ProbeRecorder:
    """Runs steps and keeps what came of each. `keys`: of the setting to look at after further errors, by their type."""

    def __init__(self, keys: Mapping[type[Exception], str] | None = None) -> None:
        self.steps: list[ProbeStep] = []
        self._keys = keys or {}

    async def try_step(self, name: str, act: Callable[[], Awaitable[str]]) -> bool:
        """`act` says in a few words what it found. False: it failed."""
        begun = time.perf_counter()
        report = problem = key = ""
        try:
            report = await act()
        except ProbeFailureError as failed:
            problem, key = str(failed), failed.key
        except tuple(self._keys) as failed:
            problem, key = str(failed), self._keys[type(failed)]
        except Refused as refused:
            problem = refused.internal or refused.detail
        except (Unavailable, OutcomeUnknown) as failed:
            problem = str(failed)
        self.steps.append(ProbeStep(name, time.perf_counter() - begun, report, problem, key))
        return not problem

    async def try_connection(self, server: ProbedServer) -> bool:
        """Try DNS, TCP and, if wanted, TLS. False: one of them failed."""

        async def connect_openly() -> str:
            await server.connect(None)
            return f"{server.host}:{server.port} is reached"

        async def connect_by_tls() -> str:
            await server.connect(server.make_context())
            return "the certificate is right"

        if not (await self.try_step("DNS", server.resolve_host) and await self.try_step("TCP", connect_openly)):
            return False
        return server.tls is None or await self.try_step("TLS", connect_by_tls)


def fail_trial(key: str, refused: Refused) -> ProbeFailureError | Refused:
    """Make the failure of a patron or item to try with, named at `key`: it is at fault unless the call is. To be
    raised."""
    is_about_call = refused.reason is RefusalReason.CALL_NOT_ACCEPTED
    return refused if is_about_call else ProbeFailureError(key, refused.detail)
