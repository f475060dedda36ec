"""Library × secrets, files and paths: what belongs to one library is refused in the profiles of another."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.adapter_registry import load_adapters
from gateway.domain.secret_reference import ResourceKind
from gateway.profiles import library_resources, read_profiles
from gateway.profiles.library_resources import iter_named_resources
from gateway.profiles.loader import read_profiles_with_draft
from gateway.settings import LibrarySettings, Settings
from gateway.settings.sections import ProfilesSettings, StoreSettings
from tests.unit.profiles.support import write

ADAPTERS = load_adapters()

NORTH = LibrarySettings(symbol="NORTH", secrets=("env:NORTH_*", "file:keys/north/*", "env:SHARED"))
SOUTH = LibrarySettings(symbol="SOUTH", secrets=("env:SOUTH_KEY", "env:SHARED", "file:keys/south.pem"))
BOTH = Settings(libraries=(NORTH, SOUTH))

BY_KEY = """
library: {library}
ncip: {{}}
auth: [{{kind: bearer, secret: '{reference}'}}]
"""
BY_CALL = """
library: {library}
ncip: {{http: {{auth: {{kind: bearer, secret: '{reference}'}}}}}}
"""
BY_FILE = """
library: {library}
partner: {{symbols: [XX-1], name: One, channel: iso18626}}
iso18626: {{http: {{url: 'https://ill.example', certificate: '{reference}'}}}}
"""


def list_problems(folder: Path, settings: Settings, **profiles: str) -> list[str]:
    found = read_profiles(write(folder, **profiles), ADAPTERS, settings).problems
    return [str(problem).replace(f"{folder}/", "") for problem in found]


@pytest.mark.parametrize("text", [BY_KEY, BY_CALL], ids=["for who comes", "for whom we call"])
@pytest.mark.parametrize(
    ("library", "reference", "said"),
    [
        ("NORTH", "env:NORTH_RESHARE", ""),
        ("NORTH", "file:keys/north/reshare", ""),
        ("NORTH", "file:./keys/south/../north/reshare", ""),
        ("NORTH", "env:SHARED", ""),
        ("SOUTH", "env:SHARED", ""),
        ("SOUTH", "env:NORTH_RESHARE", "belongs to library NORTH"),
        ("SOUTH", "file:keys/north/reshare", "belongs to library NORTH"),
        ("SOUTH", "file:keys/south/../north/reshare", "belongs to library NORTH"),
        ("NORTH", "env:SOUTH_KEY", "belongs to library SOUTH"),
        ("NORTH", "file:keys/northern", "is not among the `secrets` of library NORTH"),
        ("NORTH", "file:keys/north/../../gateway.yml", "is not among the `secrets` of library NORTH"),
        ("SOUTH", "env:SOUTH_KEY_2", "is not among the `secrets` of library SOUTH"),
        ("SOUTH", "env:PATH", "is not among the `secrets` of library SOUTH"),
    ],
)
def test_a_secret_is_named_by_its_own_librarys_profiles_alone(
    tmp_path: Path, text: str, library: str, reference: str, said: str
) -> None:
    found = list_problems(tmp_path, BOTH, one=text.format(library=library, reference=reference))
    assert len(found) == bool(said), found
    assert all(said in problem and f"found '{reference}'" in problem for problem in found)


def test_a_library_with_a_folder_has_its_secrets_without_a_list(tmp_path: Path) -> None:
    libraries = tuple(LibrarySettings(symbol=symbol, short=symbol.lower()) for symbol in ("NORTH", "SOUTH"))
    for library in libraries:
        library.live_in(f"libraries/{library.short}")
    both = Settings(libraries=libraries)
    for folder in ("own", "other"):
        (tmp_path / folder).mkdir()
    own = ("env:NORTH_RESHARE", "file:libraries/north/secrets/reshare")
    for reference in own:
        assert list_problems(tmp_path / "own", both, one=BY_KEY.format(library="NORTH", reference=reference)) == []
        (found,) = list_problems(tmp_path / "other", both, one=BY_KEY.format(library="SOUTH", reference=reference))
        assert "belongs to library NORTH, by its folder" in found
    (found,) = list_problems(tmp_path / "own", both, one=BY_KEY.format(library="NORTH", reference="env:NORTHERN"))
    assert "is not among the `secrets` of library NORTH" in found


STATE = """
partner: {symbols: [XX-1], name: State, channel: iso18626, email: ill@state.example}
iso18626: {http: {url: 'https://ill.example', secret_header: X-Key, secret: env:OFFICE_KEY}}
"""


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ("partner: {workflow: {borrowing: {answer_days: 9}}}", ""),
        ("iso18626: {http: {url: 'https://mine.example'}}", "iso18626"),
        ("iso18626: {http: {url: 'https://mine.example', secret: env:NORTH_KEY}}", ""),
        ("iso18626: {http: {secret: env:OFFICE_KEY}}", "iso18626.http.secret"),
        ("partner: {email: me@mine.example}", "partner.email"),
    ],
)
def test_a_library_leads_no_secret_of_the_offices_elsewhere(tmp_path: Path, changes: str, key: str) -> None:
    north = LibrarySettings(symbol="NORTH", short="north")
    north.live_in("libraries/north")
    (tmp_path / "partners").mkdir()
    (tmp_path / "libraries" / "north" / "partners").mkdir(parents=True)
    there = ProfilesSettings(partners=str(write(tmp_path / "partners", state=STATE)))
    settings = Settings(libraries=(north, SOUTH), profiles=there)
    settings.read_own_partners_in(tmp_path)
    write(tmp_path / "libraries" / "north" / "partners", state=changes)
    problems = read_profiles(tmp_path, ADAPTERS, settings).problems
    assert [problem.key for problem in problems] == [key] * bool(key)
    assert {Path(problem.file).parts[-3] for problem in problems} <= {"north"}


LINES = "partner: {symbols: [XX-1], name: One, channel: iso-ill}\niso_ill: {transport: {address: '127.0.0.1:1611'}}\n"


def test_connections_of_all_libraries_are_no_librarys_to_lead(tmp_path: Path) -> None:
    north = LibrarySettings(symbol="NORTH", short="north")
    north.live_in("libraries/north")
    (tmp_path / "partners").mkdir()
    own = tmp_path / "libraries" / "north" / "partners"
    own.mkdir(parents=True)
    there = ProfilesSettings(partners=str(write(tmp_path / "partners", shared=LINES)))
    settings = Settings(libraries=(north, SOUTH), profiles=there)
    settings.read_own_partners_in(tmp_path)
    write(own, alone=LINES.replace("XX-1", "XX-2"), shared="iso_ill: {transport: {address: '127.0.0.1:9'}}")
    problems = read_profiles(tmp_path, ADAPTERS, settings).problems
    assert {(Path(problem.file).name, problem.key) for problem in problems} == {
        ("alone.yml", "partner.channel"),
        ("shared.yml", "iso_ill"),
    }


def test_a_name_is_compared_once_for_all_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred libraries with forty partners would else be compared for minutes at the start."""
    libraries = tuple(LibrarySettings(symbol=f"L{number}", secrets=(f"file:keys/{number}/*",)) for number in range(40))
    partner = "auth: [{{kind: bearer, secret: 'file:keys/of-all/{name}'}}]\nncip: {{}}\n"
    (tmp_path / "partners").mkdir()
    partners = write(tmp_path / "partners", **{name: partner.format(name=name) for name in ("one", "two", "three")})
    settings = Settings(libraries=libraries, profiles=ProfilesSettings(partners=str(partners)))
    paths = []
    make_whole = library_resources._make_whole
    monkeypatch.setattr(library_resources, "_make_whole", lambda *path: paths.append(path) or make_whole(*path))
    assert list_problems(tmp_path, settings) == []
    assert len(paths) == len(libraries) + 3


@pytest.mark.parametrize(("library", "said"), [("SOUTH", ""), ("NORTH", "belongs to library SOUTH")])
def test_a_file_belongs_to_a_library_too(tmp_path: Path, library: str, said: str) -> None:
    found = list_problems(tmp_path, BOTH, one=BY_FILE.format(library=library, reference="keys/south.pem"))
    assert [said in problem for problem in found] == [True] * bool(said), found


def test_a_draft_of_the_page_is_refused_alike(tmp_path: Path) -> None:
    write(tmp_path, one=BY_KEY.format(library="SOUTH", reference="env:SOUTH_KEY"))
    draft = BY_KEY.format(library="SOUTH", reference="env:NORTH_RESHARE")
    (problem,) = read_profiles_with_draft(tmp_path, tmp_path / "one.yml", draft, ADAPTERS, BOTH).problems
    assert problem.key == "auth.0.secret"
    assert "belongs to library NORTH" in problem.message


def test_what_a_profile_inherits_is_looked_at_where_it_is_used(tmp_path: Path) -> None:
    base = "abstract: true\nncip: {}\nauth: [{kind: bearer, secret: 'env:NORTH_RESHARE'}]\n"
    found = list_problems(
        tmp_path, BOTH, base=base, one="extends: base\nlibrary: NORTH\n", two="extends: base\nlibrary: SOUTH\n"
    )
    assert len(found) == 1
    assert found[0].startswith("base.yml:3: auth.0.secret: belongs to library NORTH")


def test_a_single_library_lists_nothing_and_gives_away_none_of_the_gateways_own(tmp_path: Path) -> None:
    one = Settings(store=StoreSettings(url="postgresql://illgate@db.example/illgate", password="env:DB_PASSWORD"))
    assert list_problems(tmp_path, one, one=BY_KEY.format(library="DEMO", reference="env:RESHARE")) == []
    (found,) = list_problems(tmp_path, one, one=BY_KEY.format(library="DEMO", reference="env:DB_PASSWORD"))
    assert "is named in gateway.yml for another use" in found
    listed = one.model_copy(update={"libraries": (LibrarySettings(secrets=("env:DB_PASSWORD",)),)})
    assert list_problems(tmp_path, listed, one=BY_KEY.format(library="DEMO", reference="env:DB_PASSWORD")) == []


def test_of_several_libraries_one_that_lists_nothing_has_nothing(tmp_path: Path) -> None:
    both = Settings(libraries=(LibrarySettings(symbol="NORTH"), LibrarySettings(symbol="SOUTH")))
    (found,) = list_problems(tmp_path, both, one=BY_KEY.format(library="SOUTH", reference="env:PATH"))
    assert "is not among the `secrets` of library SOUTH" in found


@pytest.mark.parametrize(
    "reference",
    [
        "file:{folder}/keys/db",
        "file:{folder}/keys/../keys/db",
        "file:/{folder}/keys/db",
        "file:/proc/self/root{folder}/keys/db",
        "file:{folder}/link",
        "file:/proc/self/environ",
    ],
)
def test_no_other_name_of_a_file_gives_away_the_gateways_own(tmp_path: Path, reference: str) -> None:
    (tmp_path / "link").symlink_to("keys/db")
    password = f"file:{tmp_path}/keys/db"
    one = Settings(store=StoreSettings(url="postgresql://illgate@db.example/illgate", password=password))
    profile = BY_KEY.format(library="DEMO", reference=reference.format(folder=tmp_path))
    (found,) = list_problems(tmp_path, one, one=profile)
    assert "is named in gateway.yml for another use" in found or "is no file of an installation" in found


def test_every_secret_that_a_section_may_name_is_found() -> None:
    """Whatever a protocol adds: a key that ends in a secret's name is marked as one."""
    unmarked = []

    def walk(section: type[BaseModel], path: str) -> None:
        for name, field in section.model_fields.items():
            kinds = [one for one in field.metadata if isinstance(one, ResourceKind)]
            if name in ("password", "secret", "ca", "certificate") and field.annotation is str and not kinds:
                unmarked.append(f"{path}.{name}")
            for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    walk(part, f"{path}.{name}")

    for name, section in dict(ADAPTERS.sections).items():
        walk(section, name)
    assert unmarked == []


def test_names_are_found_in_lists_too(tmp_path: Path) -> None:
    text = "ncip: {}\nauth: [{kind: bearer, secret: 'env:ONE'}, {kind: query-key, secret: 'file:two'}]\n"
    (profile,) = read_profiles(write(tmp_path, one=text), ADAPTERS, Settings()).profiles
    assert [(one.path, one.reference) for one in iter_named_resources(profile)] == [
        (("auth", 0, "secret"), "env:ONE"),
        (("auth", 1, "secret"), "file:two"),
    ]


# --- paths of messages -----------------------------------------------------------------------------------

OWNS_NAME = "library: NORTH\nncip: {}\n"
OWNS_RULE = "library: NORTH\nncip: {}\nmatch: [{path: partners}]\n"
SHARES = "library: NORTH\nncip: {}\nmatch: [{path: partners, to_agency: NORTH}]\n"


@pytest.mark.parametrize(
    ("theirs", "rule", "is_wrong"),
    [
        (OWNS_NAME, "{path: reshare}", True),
        (OWNS_NAME, "{path: ReShare, from_agency: EBU}", True),
        (OWNS_RULE, "{path: partners, from_agency: EBU}", True),
        (SHARES, "{path: partners, to_agency: SOUTH}", False),
        (OWNS_RULE, "{path: others}", False),
    ],
)
def test_a_path_that_another_librarys_profile_owns_is_no_rule_of_ours(
    tmp_path: Path, theirs: str, rule: str, is_wrong: bool
) -> None:
    found = list_problems(tmp_path, BOTH, reshare=theirs, two=f"library: SOUTH\nncip: {{}}\nmatch: [{rule}]\n")
    assert bool(found) is is_wrong, found
    assert all("two.yml:3: match.0.path: this path is that of profile 'reshare' of library NORTH" in p for p in found)


def test_a_library_may_say_more_of_its_own_path(tmp_path: Path) -> None:
    more = "library: NORTH\nncip: {}\nmatch: [{path: partners, from_agency: EBU}]\n"
    assert list_problems(tmp_path, BOTH, reshare=OWNS_RULE, more=more) == []


def test_the_only_library_need_not_be_named_by_all_profiles(tmp_path: Path) -> None:
    named, unnamed = "library: DEMO\nncip: {}\n", "ncip: {}\nmatch: [{path: named, from_agency: EBU}]\n"
    assert list_problems(tmp_path, Settings(), named=named, unnamed=unnamed) == []
