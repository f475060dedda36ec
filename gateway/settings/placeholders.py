"""`{library}` and its kin in texts of partners' files and of libraries' settings: what they are for one library."""

from __future__ import annotations

import re

from gateway.configuration.yaml_document import YamlDocument, nearest_match
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.value import value_object
from gateway.settings.sections import LibrarySettings

_PLACEHOLDER = re.compile(r"\{(library|LIBRARY)(?:\.([A-Za-z][A-Za-z0-9_-]*))?\}")
_OF_SETTINGS = ("symbol", "name", "email")


@value_object
class PlaceholderFilling:
    """Fills in what one library has; what it lacks goes to `problems`, with its place in the document."""

    library: LibrarySettings
    document: YamlDocument
    problems: list[ConfigurationProblem]

    def fill_value(self, value: object, path: KeyPath) -> object:
        """Fill in texts, at any depth; a value without placeholders stays the same object."""
        match value:
            case str() if "{" in value:
                text = _PLACEHOLDER.sub(lambda match: self._resolve_placeholder(match, path), value)
                return value if text == value else text
            case dict():
                filled = {key: self.fill_value(inner, (*path, key)) for key, inner in value.items()}
                return value if all(filled[key] is value[key] for key in filled) else filled
            case list():
                items = [self.fill_value(inner, (*path, index)) for index, inner in enumerate(value)]
                return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        return value

    def _resolve_placeholder(self, match: re.Match[str], path: KeyPath) -> str:
        library = self.library
        word, key = match.groups()
        if word == "LIBRARY" and not key:
            return library.environment_name
        if word == "library" and not key:
            return library.short_name
        text: str = ""
        if word == "library" and key in _OF_SETTINGS:
            text = getattr(library, key)
        elif word == "library":
            text = library.authorities.get(key, "")
        if not text:
            message = f"library {library.symbol} has no such value in its settings"
            names = (*(name for name in _OF_SETTINGS if getattr(library, name)), *library.authorities)
            allowed = ("{library}", "{LIBRARY}", *(f"{{library.{name}}}" for name in names))
            near = nearest_match(match.group(), allowed)
            self.problems.append(self.document.make_problem(path, message, f"'{match.group()}'", allowed, near))
        return text
