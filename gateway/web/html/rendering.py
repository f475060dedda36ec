"""Templates of pages: Jinja2, with texts by gettext.

The English text is what templates and code say (`{{ _('…') }}`, `{% trans %}…{% endtrans %}`); catalogues have the
other languages. Whatever comes from outside is escaped; nothing that a template doesn't know is passed over.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import jinja2

from gateway.web.html.assets import PageAssets

FOLDER = Path(__file__).parent / "templates"
"""Of what all pages share."""


class Translations(Hashable, Protocol):
    """The texts of one language (`gettext.NullTranslations`: English). It must be hashable, and the same object for
    the same texts: templates are compiled once for each."""

    def gettext(self, message: str) -> str: ...

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str: ...

    def pgettext(self, context: str, message: str) -> str: ...

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str: ...


class PageTemplates:
    """Those of one part of the pages, in `folder`, and those that all share."""

    def __init__(self, folder: Path, assets: PageAssets) -> None:
        self._folders = (folder, FOLDER)
        self._assets = assets
        self._environment_for = lru_cache(maxsize=32)(self._make_environment)

    def render(self, template: str, translations: Translations, values: Mapping[str, object]) -> str:
        return self._environment_for(translations).get_template(f"{template}.html.j2").render(values)

    def _make_environment(self, translations: Translations) -> jinja2.Environment:
        """One for each language, so that macros that are imported say their texts in it too."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self._folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.policies["ext.i18n.trimmed"] = True
        environment.globals["asset"] = self._assets.make_url
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            translations.gettext,
            translations.ngettext,
            newstyle=True,
            pgettext=translations.pgettext,
            npgettext=translations.npgettext,
        )
        return environment
