"""Our Markdown as the documentation site reads it; the built site is tests/browser/test_documentation_site.py."""

from __future__ import annotations

import pytest

from docsite.markdown import indent_lists, rewrite_links


@pytest.mark.parametrize(
    ("text", "indented"),
    [
        ("Two:\n- one\n- two", "Two:\n\n- one\n- two"),
        ("- one:\n\n  ```sh\n  illgate check\n  ```", "- one:\n\n    ```sh\n    illgate check\n    ```"),
        ("- one\n  - inner,\n    on two lines", "- one\n    - inner,\n        on two lines"),
        ("1. one\n\n   More of it.", "1. one\n\n    More of it."),
        ("```\n- no list\n  here\n```", "```\n- no list\n  here\n```"),
    ],
)
def test_lists_are_indented_as_python_markdown_reads_them(text: str, indented: str) -> None:
    assert indent_lists(text) == indented


PLACES = {
    "README.md": "index.md",
    "docs/api.md": "api.md",
    "docs/staff/work.md": "staff/work.md",
    "adapters/ncip/README.md": "adapters/ncip/README.md",
}


@pytest.mark.parametrize(
    ("page", "text", "rewritten"),
    [
        ("README.md", "[API](docs/api.md#keys)", "[API](api.md#keys)"),
        ("docs/staff/work.md", "[start](../../README.md)", "[start](../index.md)"),
        ("docs/api.md", "[`NCIP`](../adapters/ncip/README.md)", "[`NCIP`](adapters/ncip/README.md)"),
        ("docs/api.md", "[the licence](../LICENSE)", "the licence"),
        ("docs/api.md", "[a host](https://illgate.example/x) and [here](#keys)", None),
        ("docs/api.md", "```\n[API](../LICENSE)\n```", None),
    ],
)
def test_links_lead_to_the_same_page_in_the_site(page: str, text: str, rewritten: str | None) -> None:
    assert rewrite_links(text, page, PLACES.get) == (text if rewritten is None else rewritten)
