"""What templates make of text."""

from __future__ import annotations

import pytest

from gateway.web.html.rendering import allow_address_breaks


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("ill@vaumarin.example", "ill<wbr>@vaumarin<wbr>.example"),
        (
            "fjernlån@bib.no, Нина <нина@шум.example>",
            "fjernlån<wbr>@bib<wbr>.no, Нина &lt;нина<wbr>@шум<wbr>.example&gt;",
        ),
        ("St. Martin, vol. 2.1", "St. Martin, vol. 2.1"),
    ],
)
def test_a_mail_address_breaks_before_its_signs(text: str, html: str) -> None:
    assert allow_address_breaks(text) == html
