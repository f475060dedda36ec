"""NCIP versions and the strings by which messages name them (facts/ncip.md 1.4)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

NAMESPACE = "http://www.niso.org/2008/ncip"
VERSION_MESSAGE_STRING = "http://www.niso.org/ncip/v1_0/imp1/xsd/ncip_version.xsd"
"""What the root NCIPVersionMessage carries as its version (OCLC lookup_version)."""


_SINCE_2_02 = frozenset({"LookupItemSet"})


class Version(StrEnum):
    V1_0 = "1.0"
    V1_01 = "1.01"
    V2_0 = "2.0"
    V2_01 = "2.01"
    V2_02 = "2.02"

    @property
    def is_v1(self) -> bool:
        return self in (Version.V1_0, Version.V1_01)

    def has(self, service: str) -> bool:
        """Whether its schema has this service and the answer to it (facts/ncip.md 3.5)."""
        return self is Version.V2_02 or service not in _SINCE_2_02


V2 = (Version.V2_0, Version.V2_01, Version.V2_02)

VERSION_STRINGS = {
    Version.V1_0: "http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd",
    Version.V1_01: "http://www.niso.org/ncip/v1_01/imp1/dtd/ncip_v1_01.dtd",
    Version.V2_0: "http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd",
    Version.V2_01: "http://www.niso.org/schemas/ncip/v2_01/ncip_v2_01.xsd",
    Version.V2_02: "http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd",
}
"""What we write where a profile names no exact string."""

PUBLIC_IDS = {
    Version.V1_0: "-//NISO//NCIP DTD Version 1.0//EN",
    Version.V1_01: "-//NISO//NCIP DTD Version 1.01//EN",
}

_NAMED = re.compile(r"v([12])_0?([0-9]{0,2})")
_BY_DIGITS = {
    ("1", "01"): Version.V1_01,
    ("1", "1"): Version.V1_01,
    ("2", "01"): Version.V2_01,
    ("2", "1"): Version.V2_01,
    ("2", "02"): Version.V2_02,
    ("2", "2"): Version.V2_02,
}


def recognise(text: str) -> Version | None:
    """The version that a version string means, or None when it says nothing known (`5.6`, empty).

    The last `vN_NN` counts: in `…/ncip/v1_0/imp1/dtd/ncip_v1_01.dtd` the file name is the more exact.
    """
    return _recognised(text[-200:])


@lru_cache(maxsize=256)
def _recognised(text: str) -> Version | None:
    found = _NAMED.findall(text)
    if not found:
        return None
    major, minor = found[-1]
    return _BY_DIGITS.get((major, minor), Version.V1_0 if major == "1" else Version.V2_0)
