"""A profile as it works: it can be read again, and says where each value is from."""

from pathlib import Path

import pytest

from gateway.configuration.yaml_document import parse_yaml
from gateway.profiles import LoadedProfile, load_profiles
from gateway.profiles.effective import compare_profiles, dump_profile, format_yaml, format_yaml_with_sources
from tests.unit.profiles.support import ADAPTERS, SETTINGS, write


@pytest.fixture
def loaded(tmp_path: Path) -> dict[str, LoadedProfile]:
    write(
        tmp_path,
        base="""
            abstract: true
            plain: {greeting: curt}
            circulation:
              accept: {title_prefix: "no", note: "for {request}: 'quoted' # no comment"}
              pickup: {map: {"yes": main, "007": north, "a: b": main, Ωmega: main}}
            """,
        one="""
            extends: base
            contact: Þóra í Norðvík
            match: [{from_agency: NVD, version: "2.00"}, {}]
            auth: [{kind: network, networks: ["::1"]}]
            circulation:
              due_dates: {time_of_day: "23:59:00"}
            examples:
              - name: lend
                send: |
                  LEND 1 2

                    indented
                understood: {service: LEND, item.value: "1"}
              - {name: odd, send: "  tab\\t\\x07 ends ", answer_contains: [a, ""]}
            """,
        two="extends: base\nplain: {greeting: kind}\nmatch: [{from_agency: SUD}]\n",
    )
    return load_profiles(tmp_path, ADAPTERS, SETTINGS).loaded


def show_with_sources(loaded: LoadedProfile) -> str:
    return format_yaml_with_sources(dump_profile(loaded), loaded.document)


@pytest.mark.parametrize("render", [lambda loaded: format_yaml(dump_profile(loaded)), show_with_sources])
def test_what_is_shown_means_the_same_when_it_is_read_again(loaded: dict[str, LoadedProfile], render, tmp_path) -> None:  # type: ignore[no-untyped-def]
    again = tmp_path / "again"
    again.mkdir()
    write(again, one=render(loaded["one"]))

    assert dump_profile(load_profiles(again, ADAPTERS, SETTINGS).loaded["one"]) == dump_profile(loaded["one"])


def test_every_value_says_where_it_is_from(loaded: dict[str, LoadedProfile], tmp_path: Path) -> None:
    text = show_with_sources(loaded["one"]).replace(f"{tmp_path}/", "")
    sources = {line.split("#")[0].strip(): line.rpartition("# ")[2] for line in text.splitlines() if "# " in line}

    assert sources["greeting: curt"] == "base.yml:2"
    assert sources['title_prefix: "no"'] == "base.yml:4"
    assert sources['time_of_day: "23:59:00"'] == "one.yml:6"
    assert sources["- path: null"] == "default"
    assert sources["location: ill"] == "default"


def test_provenance_agrees_with_the_files(loaded: dict[str, LoadedProfile]) -> None:
    """Each place that is given holds that very value in that very file."""
    for one in loaded.values():
        for path, place in one.document.places.items():
            document = parse_yaml(Path(place.file).read_text(encoding="utf-8"), place.file)
            assert document.places[path] == place


def test_the_differences_of_two_profiles(loaded: dict[str, LoadedProfile], tmp_path: Path) -> None:
    found = {one.key: one for one in compare_profiles(loaded["base"], loaded["two"])}

    assert set(found) == {"abstract", "plain.greeting", "match", *(key for key in found if key.startswith("match.0."))}
    assert (found["plain.greeting"].left, found["plain.greeting"].right) == ("curt", "kind")
    assert found["plain.greeting"].left_source == f"{tmp_path}/base.yml:2"
    assert found["match.0.from_agency"].left == ""
    assert compare_profiles(loaded["one"], loaded["one"]) == []
