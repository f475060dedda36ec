"""How names and attributes look, resolved from a dialect for one version and root."""

from __future__ import annotations

from adapters.ncip.characters import escape_attribute
from adapters.ncip.dialect.xml import AttributeStyle, Declaration, SchemeStyle, XmlDialect
from adapters.ncip.messages.envelope import NamespaceStyle, Root
from adapters.ncip.versions import NAMESPACE, VERSION_MESSAGE_STRING, VERSION_STRINGS, Version, recognise
from gateway.domain.frozen import frozen


@frozen
class Style:
    """How names and attributes look, resolved for one version and root. `prefix` ends in a colon."""

    version: Version
    prefix: str
    attribute_prefix: str
    schemes: SchemeStyle
    root_attributes: str


def style_of(dialect: XmlDialect, version: Version, root: Root) -> Style:
    """NCIPVersionMessage has no namespace, whatever the dialect says (facts/ncip.md 1.4)."""
    namespaces = NamespaceStyle.NONE if root is Root.VERSION_MESSAGE else dialect.namespace_style
    if namespaces is NamespaceStyle.STANDARD:
        namespaces = NamespaceStyle.NONE if version.is_v1 else NamespaceStyle.PREFIX
    prefix = f"{dialect.prefix}:"
    qualified = dialect.version_attribute is AttributeStyle.QUALIFIED and namespaces is not NamespaceStyle.NONE
    declared = ""
    if namespaces is NamespaceStyle.DEFAULT:
        declared = f' xmlns="{NAMESPACE}"'
    if namespaces is NamespaceStyle.PREFIX or (qualified and namespaces is NamespaceStyle.DEFAULT):
        declared += f' xmlns:{dialect.prefix}="{NAMESPACE}"'
    schemes = dialect.scheme_style
    if schemes is SchemeStyle.STANDARD:
        schemes = SchemeStyle.CHILDREN if version.is_v1 else SchemeStyle.ATTRIBUTE
    attribute_prefix = prefix if qualified else ""
    said = VERSION_MESSAGE_STRING if root is Root.VERSION_MESSAGE else _version_string(dialect, version)
    return Style(
        version=version,
        prefix=prefix if namespaces is NamespaceStyle.PREFIX else "",
        attribute_prefix=attribute_prefix,
        schemes=schemes,
        root_attributes=f'{declared} {attribute_prefix}version="{escape_attribute(said)}"',
    )


def _version_string(dialect: XmlDialect, version: Version) -> str:
    """The dialect's own string, unless it names another version than the one to be written."""
    if dialect.version_string and recognise(dialect.version_string) in (None, version):
        return dialect.version_string
    return VERSION_STRINGS[version]


def charset_name(codec: str) -> str:
    """Python's name of a codec -> the registered one that XML programs know: `iso8859-1` -> `ISO-8859-1`."""
    if codec.startswith("iso8859-"):
        return codec.replace("iso8859", "ISO-8859")
    if codec.startswith("cp125"):
        return codec.replace("cp", "windows-")
    if codec in ("ascii", "shift_jis"):
        return {"ascii": "US-ASCII", "shift_jis": "Shift_JIS"}[codec]
    return codec.upper().replace("_", "-")


def prolog(dialect: XmlDialect, version: Version, root: str) -> str:
    """XML declaration and DOCTYPE, as far as the dialect has them; no line end, since some programs choke on it."""
    text = ""
    if dialect.declaration is not Declaration.NONE:
        standalone = ' standalone="yes"' if dialect.declaration is Declaration.STANDALONE else ""
        text = f'<?xml version="1.0" encoding="{charset_name(dialect.charset_out)}"{standalone}?>'
    if dialect.doctype:
        text += f'<!DOCTYPE {root} PUBLIC "{escape_attribute(dialect.doctype)}" "{VERSION_STRINGS[version]}">'
    return text
