"""Names of libraries in addresses of staff pages."""

from __future__ import annotations

from gateway.runtime.page_assembly import AddressNames
from gateway.settings import LibrarySettings, Settings


def test_names_follow_the_libraries_and_leave_words_of_pages_alone() -> None:
    settings = Settings(
        libraries=(LibrarySettings(symbol="ISIL:US-AAA", short="lib01"), LibrarySettings(symbol="PRINT"))
    )
    names = AddressNames(settings)
    assert names.list_names() == {"ISIL:US-AAA": "lib01", "PRINT": "print-library"}

    settings.take_libraries(
        (LibrarySettings(symbol="NEW"), LibrarySettings(symbol="PRINT", short="press")), settings.document
    )

    assert names.list_names() == {"ISIL:US-AAA": "lib01", "NEW": "new", "PRINT": "press"}
