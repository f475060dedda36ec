"""Whatever the model can say in a version is written validly and read back unchanged."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.ncip.codec import decode_message, encode_message
from adapters.ncip.messages import INITIATIONS, RESPONSES
from adapters.ncip.messages.envelope import Message
from adapters.ncip.wire_dialect import AttributeStyle, DateOut, DateStyle, Strictness, XmlDialect
from adapters.ncip.wire_values import NAMESPACE, V2, NamespaceStyle, Version
from adapters.ncip.xml_parser import parse_xml
from tests.protocol.ncip import strategies
from tests.support.paths import ROOT

SPECS = Path(os.environ.get("ILLGATE_SPECS", ROOT / "../shared/specs"))
XSD = {Version.V2_0: "ncip_v2_0.xsd", Version.V2_01: "ncip_v2_01.xsd", Version.V2_02: "ncip_v2_02.xsd"}

BOUNDED = settings(
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole message takes minutes and tells little
    max_examples=4,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
STRICT = XmlDialect(strictness=Strictness.SCHEMA)
SERVICES = [
    pytest.param(cls, version, id=f"{cls.__name__}-{version.value}")
    for version in (Version.V1_0, Version.V2_0, Version.V2_02)
    for cls in strategies.services_of(version)
]


@cache
def schema(version: Version) -> etree.XMLSchema:
    file = SPECS / XSD[version]
    if not file.exists():
        pytest.skip(f"no schema files at {SPECS} (ILLGATE_SPECS)")
    return etree.XMLSchema(etree.parse(str(file)))


def check_valid(document: bytes, version: Version) -> None:
    """Valid but for what partners agreed on between themselves: the schema's wildcard in Ext knows no other schema."""
    tree = etree.fromstring(document)
    for ext in tree.iter(f"{{{NAMESPACE}}}Ext"):
        del ext[:]
    rules = schema(version)
    assert rules.validate(tree), f"{rules.error_log.last_error}\n{document.decode()}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("cls", "version"), SERVICES)
def test_every_service_comes_back_as_it_was_written(cls: type, version: Version) -> None:
    @BOUNDED
    @given(strategies.messages_of(cls, version))
    def comes_back(message: Message) -> None:
        document = encode_message(message)

        read = decode_message(parse_xml(document), STRICT)

        assert read == message
        assert read.unknown == ()
        assert read.notes == ()
        if not version.is_v1:
            check_valid(document, version)

    comes_back()


@settings(BOUNDED, max_examples=60)
@given(strategies.messages(Version.V2_01))
def test_2_01_is_valid_and_comes_back(message: Message) -> None:
    document = encode_message(message)
    check_valid(document, Version.V2_01)
    assert decode_message(parse_xml(document), STRICT) == message


@settings(BOUNDED, max_examples=40)
@given(strategies.messages(Version.V1_01))
def test_1_01_comes_back(message: Message) -> None:
    assert decode_message(parse_xml(encode_message(message))) == message


@settings(BOUNDED, max_examples=30)
@given(st.sampled_from([Version.V1_0, *V2]).flatmap(strategies.top_level))
def test_top_level_problems_and_extensions_come_back(message: Message) -> None:
    document = encode_message(message)
    assert decode_message(parse_xml(document)) == message
    if not message.version.is_v1:
        check_valid(document, message.version)


@settings(BOUNDED, max_examples=20)
@given(strategies.version_messages())
def test_version_messages_come_back(message: Message) -> None:
    assert decode_message(parse_xml(encode_message(message))) == message


STYLES = st.builds(
    XmlDialect,
    namespace_style=st.sampled_from(NamespaceStyle),
    prefix=st.sampled_from(("ns1", "ncip", "n")),
    version_attribute=st.sampled_from(AttributeStyle),
    scheme_style=st.sampled_from(("standard", "attribute", "children")),
    declaration=st.sampled_from(("none", "encoding", "standalone")),
    charset_out=st.sampled_from(("utf-8", "iso-8859-1", "us-ascii", "cp1252", "utf-16")),
    date_out=st.builds(
        DateOut,
        style=st.sampled_from([DateStyle.UTC, DateStyle.OFFSET]),
        fraction=st.sampled_from(("none", "milliseconds")),
    ),
)


@settings(BOUNDED, max_examples=80)
@given(st.sampled_from([Version.V1_0, *V2]).flatmap(strategies.messages), STYLES)
def test_every_style_is_read_back(message: Message, style: XmlDialect) -> None:
    """The reader is told the character set: some pairs of 8-bit characters ('Ä£') are good UTF-8 as well."""
    reading = XmlDialect(charset_in=style.charset_out)

    assert decode_message(parse_xml(encode_message(message, style), reading), reading) == message


@settings(BOUNDED, max_examples=40)
@given(strategies.messages(Version.V2_02), st.sampled_from((NamespaceStyle.DEFAULT, NamespaceStyle.PREFIX)))
def test_qualified_styles_are_valid(message: Message, style: NamespaceStyle) -> None:
    check_valid(encode_message(message, XmlDialect(namespace_style=style, prefix="q")), Version.V2_02)


def test_every_message_of_the_schema_is_known() -> None:
    schema(Version.V2_02)  # skips where the folder is absent
    tree = etree.parse(str(SPECS / XSD[Version.V2_02]))
    names = {
        element.get("ref", "").removeprefix("ncip:")
        for element in tree.iterfind("{*}element[@name='NCIPMessage']//{*}choice/{*}element")
    }
    assert len(names) > 90
    assert names - {"Problem", "Ext"} <= {*INITIATIONS, *RESPONSES}
