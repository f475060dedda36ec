"""The project's module of the APDUs (`z3950.asn`), compiled by asn1tools."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

import asn1tools


@lru_cache(maxsize=1)
def module() -> Any:
    """Takes a tenth of a second, the first time."""
    with as_file(files("adapters.z3950") / "z3950.asn") as file:
        return asn1tools.compile_files(str(file), "ber")
