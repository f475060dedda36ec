"""What the codec has to know of a partner's manner; a dialect makes one of its `wire` section."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.frozen import frozen


class Strings(StrEnum):
    GENERAL = "general"  # GeneralString: any characters
    EDIFACT = "edifact"  # EDIFACTString: basic Latin letters, digits and some signs


class Defaults(StrEnum):
    """Values that are meant anyhow when they are absent."""

    OMIT = "omit"
    SEND = "send"


@frozen
class Style:
    """`fallback`: character set of texts that aren't UTF-8; `charset`: that of what we write; `day_formats`: strptime
    formats of dates tried after YYYYMMDD."""

    fallback: str = "iso-8859-1"
    charset: str = "utf-8"
    strings: Strings = Strings.GENERAL
    defaults: Defaults = Defaults.OMIT
    day_formats: tuple[str, ...] = ()


DEFAULT_STYLE = Style()
