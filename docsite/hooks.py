"""What MkDocs calls while it builds the site: see `hooks` in mkdocs.yml.

A page of the navigation that isn't in docs/ is the file of this path in the repository, so `nav` alone says which pages
the site has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from docsite.markdown import indent_lists, rewrite_links
from docsite.mermaid import MermaidNotFetchedError, fetch_mermaid
from docsite.reference import PAGES

ROOT = Path(__file__).resolve().parents[1]
FRONT = ("index.md", "README.md")
"""The first page of the site, and where it is in the repository."""

RECORDS = ("benchmarks.md", "mutation-tests.md", "staff/review.md")
"""Records of quality: for those who change the program. They are linked, but neither in the navigation nor found."""

MERMAID = "assets/mermaid.min.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    try:
        script = fetch_mermaid()
    except MermaidNotFetchedError as error:
        raise PluginError(str(error)) from error
    files.append(File.generated(config, MERMAID, abs_src_path=str(script)))
    files.append(File.generated(config, FRONT[0], abs_src_path=str(ROOT / FRONT[1])))
    for path, write_page in PAGES.items():
        files.append(File.generated(config, path, content=write_page()))
    for path in list_nav_pages(config.nav):
        if files.get_file_from_path(path) is None and (ROOT / path).is_file():
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def list_nav_pages(entry: Any) -> Iterator[str]:
    match entry:
        case str():
            yield entry
        case list():
            for inner in entry:
                yield from list_nav_pages(inner)
        case dict():
            for inner in entry.values():
                yield from list_nav_pages(inner)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if page.file.src_uri in RECORDS:
        page.meta["search"] = {"exclude": True}
    elif page.file.src_uri.startswith("decisions/"):
        page.meta["search"] = {"boost": 0.2}  # after the guides on the same topic

    def find_place(path: str) -> str | None:
        """Of a file or, by its README.md, a folder of the repository."""
        for one in (path, f"{path}/README.md"):
            place = FRONT[0] if one == FRONT[1] else one.removeprefix("docs/")
            if files.get_file_from_path(place) is not None:
                return place
        return None

    path = page.file.abs_src_path
    if path is None:  # written by the build
        return markdown
    return rewrite_links(indent_lists(markdown), Path(path).relative_to(ROOT).as_posix(), find_place)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """With Mermaid where there is a diagram: the theme would load it from elsewhere."""
    if '<pre class="mermaid">' not in output:
        return output
    script = f'<script src="{get_relative_url(MERMAID, page.url)}"></script>'
    return output.replace("<script", f"{script}\n<script", 1)
