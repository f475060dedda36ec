"""The root of a message: version, namespace style as seen, and the message itself or problems with it."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from adapters.ncip.messages.base import RawElement, Structure, many
from adapters.ncip.messages.identifiers import Initiation, Problem, Response
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class Problems(Structure):
    """NCIPMessage/Problem: the whole message could not be dealt with."""

    problems: tuple[Problem, ...] = ()


@frozen_by_name
class Extension(Structure):
    """NCIPMessage/Ext: a message that the partners have agreed on between themselves; its content is `ext`."""


@frozen_by_name
class LookupVersion(Initiation):
    """Ask which versions are spoken. Stands in NCIPVersionMessage, or in a plain NCIPMessage (KOHA)."""


@frozen_by_name
class LookupVersionResponse(Response):
    """Answer to LookupVersion: namespaces in NCIPVersionMessage (OCLC), XSD and DTD URLs in NCIPMessage (KOHA)."""

    versions_supported: tuple[str, ...] = many("VersionSupported")


Body = Initiation | Response | Problems | Extension


class NamespaceStyle(StrEnum):
    """How elements are named."""

    STANDARD = "standard"  # what the version's standard shows: prefix in version 2, none in version 1
    PREFIX = "prefix"
    DEFAULT = "default"
    NONE = "none"


class Root(StrEnum):
    MESSAGE = "NCIPMessage"
    VERSION_MESSAGE = "NCIPVersionMessage"


@frozen_by_name
class Message:
    """A whole message.

    Only `version`, `root` and `body` count when messages are compared. The rest tells how it was written:
    `version_string`, `namespace_style` (never STANDARD when decoded) and `prefix` as seen; `unknown`, what the
    model has no place for, as paths below the message; `notes`, what was repaired to be able to read it.
    """

    body: Body
    version: Version = Version.V2_02
    root: Root = Root.MESSAGE
    version_string: str = field(default="", compare=False)
    namespace_style: NamespaceStyle = field(default=NamespaceStyle.STANDARD, compare=False)
    prefix: str = field(default="", compare=False)
    unknown: tuple[RawElement, ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def service(self) -> str:
        """The name of the message's element: `LookupUser`, `LookupUserResponse`, `Problem`, `Ext`."""
        if isinstance(self.body, Problems):
            return "Problem"
        return "Ext" if isinstance(self.body, Extension) else type(self.body).__name__
