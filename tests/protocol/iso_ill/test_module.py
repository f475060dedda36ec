"""Our ASN.1 module and the maintenance agency's mean the same on the wire, and so do the message classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asn1tools
import pytest
from hypothesis import HealthCheck, given, settings

import adapters.iso_ill
from adapters import ber
from adapters.iso_ill.codec import apdu_type_name, encode_apdu
from adapters.iso_ill.messages import APDUS, Apdu
from tests.protocol.iso_ill.comparing import Asn1Tools, Comparison
from tests.protocol.iso_ill.reference import edited, with_plain_external
from tests.protocol.iso_ill.strategies import apdus

MODULE = Path(adapters.iso_ill.__file__).parent / "ill.asn"


@pytest.fixture(scope="module")
def ours() -> Any:
    return asn1tools.compile_files(str(MODULE), "ber")


@pytest.fixture(scope="module")
def reference(specs_folder: Path) -> Any:
    return asn1tools.compile_string(with_plain_external(edited(specs_folder)), "ber")


def short(octets: bytes) -> bytes:
    """With the outermost length in its shortest form, as asn1tools writes it."""
    _, _, start, length = ber.parse_header(octets, 0)
    return octets[:1] + ber.length_octets(length) + octets[start:]


def test_both_modules_have_the_same_apdus(ours: Any, reference: Any) -> None:
    names = [apdu_type_name(cls.type) for cls in APDUS]

    assert set(names) <= ours.types.keys()
    assert set(names) <= reference.types.keys()


@pytest.mark.parametrize("cls", APDUS, ids=lambda cls: apdu_type_name(cls.type))
def test_both_modules_read_and_write_the_same(cls: type[Apdu], ours: Any, reference: Any) -> None:
    @settings(max_examples=5, suppress_health_check=list(HealthCheck))
    @given(apdus(cls))
    def check(apdu: Apdu) -> None:
        octets = encode_apdu(apdu)

        read = reference.decode("ILL-APDU", octets)

        assert read[0] == apdu_type_name(cls.type).lower()
        assert ours.decode("ILL-APDU", octets) == read
        assert reference.encode("ILL-APDU", read) == short(octets)
        assert ours.encode("ILL-APDU", read) == short(octets)

    check()


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(apdu=apdus())
def test_the_classes_are_declared_as_the_module_has_them(apdu: Apdu, ours: Any) -> None:
    _, read = ours.decode("ILL-APDU", encode_apdu(apdu))

    comparison = Comparison(Asn1Tools())

    assert list(comparison.differences(apdu, read)) == []
    assert comparison.seen > 5
