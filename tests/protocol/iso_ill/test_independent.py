"""Another ASN.1 library, pycrate, compiled from the maintenance agency's module: it reads our APDUs as we mean them,
and we read its."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pycrate_asn1c.asnproc import GLOBAL, PycrateGenerator, compile_text, generate_modules
from pycrate_asn1rt.asnobj_str import STR_GENE

from adapters import ber
from adapters.iso_ill.codec import apdu_type_name, decode_apdu, encode_apdu
from adapters.iso_ill.messages import APDUS, Apdu
from adapters.iso_ill.messages.declaration import Encoding, External
from tests.protocol.iso_ill.comparing import Comparison
from tests.protocol.iso_ill.reference import edited, with_plain_external
from tests.protocol.iso_ill.strategies import apdus


class Pycrate:
    def text(self, value: str) -> str:
        return value

    def identifier(self, value: tuple[int, ...]) -> str:
        return ".".join(map(str, value))

    def octets(self, value: tuple[str, bytes]) -> bytes:
        """An open value: its class, form and tag stand in the name that it is given."""
        kind = value[0].removeprefix("_unk_")
        tag = int(kind[0]) << 6 | int(kind[1]) << 5 | int(kind[2:])
        return bytes((tag,)) + ber.length_octets(len(value[1])) + value[1]

    def external(self, value: Any) -> External:
        name, content = value["encoding"]
        encoding = Encoding[name.upper().replace("-", "_")]
        if encoding is Encoding.ARBITRARY:
            number, bits = content
            size = (bits + 7) // 8
            content = bytes((size * 8 - bits,)) + (number << size * 8 - bits).to_bytes(size, "big")
        return External(
            self.identifier(value.get("direct-reference", ())),
            self.octets(content) if encoding is Encoding.SINGLE_ASN1_TYPE else bytes(content),
            encoding,
            value.get("indirect-reference"),
            value.get("data-value-descriptor", ""),
        )


@pytest.fixture(scope="module")
def theirs(specs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The type ILL-APDU of pycrate."""
    file = tmp_path_factory.mktemp("pycrate") / "ill.py"
    compile_text(with_plain_external(edited(specs_folder)))
    generate_modules(PycrateGenerator, str(file))
    GLOBAL.clear()
    spec = importlib.util.spec_from_file_location("ill", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before, STR_GENE._codec = STR_GENE._codec, "utf-8"  # it takes GeneralString for a Japanese set
    spec.loader.exec_module(module)
    yield module.ISO_10161_ILL_1.ILL_APDU
    STR_GENE._codec = before
    GLOBAL.clear()


@pytest.mark.parametrize("cls", APDUS, ids=lambda cls: apdu_type_name(cls.type))
def test_field_by_field(cls: type[Apdu], theirs: Any) -> None:
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(apdus(cls))
    def check(apdu: Apdu) -> None:
        theirs.from_ber(encode_apdu(apdu))
        name, read = theirs.get_val()
        comparison = Comparison(Pycrate())

        assert name == apdu_type_name(cls.type).lower()
        assert list(comparison.differences(apdu, read)) == []
        assert comparison.seen > 5

        assert decode_apdu(theirs.to_ber()).apdu == apdu

    check()
