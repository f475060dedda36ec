"""Templates of pages: Jinja2, with texts by gettext.

The English text is what templates and code say (`{{ _('…') }}`, `{% trans %}…{% endtrans %}`); catalogues have the
other languages. Whatever comes from outside is escaped; nothing that a template doesn't know is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import jinja2
from markupsafe import Markup

from gateway.services.letters.localization import Localization, install_translations
from gateway.web.html.assets import PageAssets

FOLDER = Path(__file__).parent / "templates"
"""Of what all pages share."""


_ADDRESS_BREAK = re.compile(r"(?<=\w)(?=[@.]\w)")
_PATH_BREAK = re.compile(r"(?<=/)(?=\w)")


def allow_address_breaks(text: str) -> Markup:
    """A mail address, a path, or a name, which stays as it is: narrow columns break an address before @ and dots and a
    path after slashes, not within a word."""
    return Markup("<wbr>").join((_ADDRESS_BREAK if "@" in text else _PATH_BREAK).split(text))


class PageTemplates:
    """Those of one part of the pages, in `folder`, and those that all share. Macros that have texts are imported
    `with context`."""

    def __init__(self, folder: Path, assets: PageAssets) -> None:
        self._folders = (folder, FOLDER)
        self._assets = assets

    def render(self, template: str, localization: Localization, values: Mapping[str, object]) -> str:
        template_file = self._environment.get_template(f"{template}.html.j2")
        return template_file.render({"localization": localization, **values})

    @cached_property
    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self._folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        install_translations(environment)
        environment.filters["allow_address_breaks"] = allow_address_breaks
        environment.globals["asset"] = self._assets.make_url
        return environment
