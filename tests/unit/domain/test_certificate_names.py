"""What client certificates are known by, in one way of writing."""

from __future__ import annotations

import pytest

from gateway.domain.profile import normalize_alternative_name, normalize_fingerprint


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("DNS:ILL.Nord.example", "DNS:ill.nord.example"),
        ("dns: ill.nord.example", "DNS:ill.nord.example"),
        ("email:Ill.Office@Nord.Example", "email:Ill.Office@nord.example"),
        ("URI:urn:ILL:nord", "URI:urn:ILL:nord"),
        ("IP Address:2001:0DB8::0001", "IP:2001:db8::1"),
        ("IP:192.0.2.7", "IP:192.0.2.7"),
    ],
)
def test_alternative_names(written: str, name: str) -> None:
    assert normalize_alternative_name(written) == name


@pytest.mark.parametrize("written", ["ill.nord.example", "DNS:", "IP:ill.nord.example", "othername:7", ""])
def test_what_is_no_alternative_name(written: str) -> None:
    with pytest.raises(ValueError, match=r"not a subject alternative name|does not appear to be"):
        normalize_alternative_name(written)


def test_fingerprints() -> None:
    assert normalize_fingerprint("AB:" * 31 + "cd") == "ab" * 31 + "cd"
    for wrong in ("", "AB:" * 19 + "CD", "xy" * 32):
        with pytest.raises(ValueError, match="SHA-256"):
            normalize_fingerprint(wrong)
