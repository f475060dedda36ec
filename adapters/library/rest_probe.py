"""Trying out a library system that is asked by HTTP, step by step: name, connection, certificate, then what the
system's own probe asks."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable

from yarl import URL

from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_system import ProbeStep
from gateway.ports.tls import ClientTls, abort_transport, make_client_context


class ProbeFailureError(Exception):
    """`key`: of the setting to look at."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


class ProbeRecorder:
    """Runs steps and keeps what came of each."""

    def __init__(self) -> None:
        self.steps: list[ProbeStep] = []

    async def try_step(self, name: str, act: Callable[[], Awaitable[str]]) -> bool:
        """`act` says in a few words what it found. False: it failed."""
        begun = time.perf_counter()
        report = problem = key = ""
        try:
            report = await act()
        except ProbeFailureError as failed:
            problem, key = str(failed), failed.key
        except Refused as refused:
            problem = refused.internal or refused.detail
        except (Unavailable, OutcomeUnknown) as failed:
            problem = str(failed)
        self.steps.append(ProbeStep(name, time.perf_counter() - begun, report, problem, key))
        return not problem

    async def try_connection(self, url: str, tls: ClientTls, seconds: float) -> bool:
        """DNS, TCP and, with https, TLS. False: one of them failed."""
        place = URL(url)

        async def resolve_host() -> str:
            return await _resolve_host(place, seconds)

        async def connect_openly() -> str:
            await _connect_to_server(place, None, seconds)
            return f"{place.host}:{place.port} is reached"

        async def connect_by_tls() -> str:
            await _connect_to_server(place, _make_context(tls), seconds)
            return "the certificate is right"

        if not (await self.try_step("DNS", resolve_host) and await self.try_step("TCP", connect_openly)):
            return False
        return place.scheme != "https" or await self.try_step("TLS", connect_by_tls)


def fail_trial(key: str, refused: Refused) -> ProbeFailureError | Refused:
    """Make the failure of a patron or item to try with, named at `key`: it is at fault unless the call is. To be
    raised."""
    is_about_call = refused.reason is RefusalReason.CALL_NOT_ACCEPTED
    return refused if is_about_call else ProbeFailureError(key, refused.detail)


async def _resolve_host(place: URL, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            addresses = await asyncio.get_running_loop().getaddrinfo(place.host, place.port)
    except TimeoutError as error:
        raise ProbeFailureError("url", f"no answer about the name {place.host} within {seconds:g} s") from error
    except (OSError, UnicodeError) as error:
        raise ProbeFailureError("url", f"the name {place.host} is not known: {_describe_error(error)}") from error
    return f"{place.host} is {', '.join(sorted({str(address[4][0]) for address in addresses}))}"


async def _connect_to_server(place: URL, context: ssl.SSLContext | None, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(place.host, place.port, ssl=context)
    except TimeoutError as error:
        raise ProbeFailureError("url", f"no connection to {place.host}:{place.port} within {seconds:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise ProbeFailureError("ca", f"its certificate isn't trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise ProbeFailureError("url", f"no TLS: {error.reason or 'is it plain http?'}") from error
    except OSError as error:
        raise ProbeFailureError("url", f"{place.host}:{place.port} is not reached: {_describe_error(error)}") from error
    abort_transport(writer.transport)


def _make_context(tls: ClientTls) -> ssl.SSLContext:
    try:
        return make_client_context(tls)
    except OSError as error:
        raise ProbeFailureError("ca", str(error)) from error


def _describe_error(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
