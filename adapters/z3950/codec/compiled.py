"""The project's module of the APDUs (`z3950.asn`), compiled by asn1tools.

asn1tools is loaded at the first use: most installations search no Z39.50 target, and it would take its time at each
start.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any


class Undecodable(Exception):
    """asn1tools can't read it; its reason as text."""


@lru_cache(maxsize=1)
def module() -> Any:
    """Takes a quarter of a second, the first time."""
    import asn1tools

    with as_file(files("adapters.z3950") / "z3950.asn") as file:
        return asn1tools.compile_files(str(file), "ber")


def decode_as(type_: str, data: bytes) -> Any:
    """Raises Undecodable; of octets that end too early also IndexError, ValueError, OverflowError, struct.error."""
    from asn1tools import DecodeError

    try:
        return module().decode(type_, data)
    except DecodeError as error:
        raise Undecodable(str(error)) from error
