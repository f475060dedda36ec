"""groups.yml: members, values and terms of groups, and libraries that lend to each other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.partner_policy import PartnerPolicy, PartnerRole
from gateway.domain.requests.request import RequestedService, ServiceType
from gateway.profiles import MessageSender, ProfileLoadResult, ProfileSet, ProfileStore, load_profiles, read_profiles
from gateway.profiles.loader import read_profiles_with_fallback
from gateway.services.operation.profile_drafts import ProfileDraftChecks
from gateway.settings import LibrarySettings, Settings
from gateway.settings.directory import DirectorySettings, DirectorySource
from gateway.settings.sections import ProfilesSettings
from tests.unit.profiles.support import ADAPTERS, write

ALDER = LibrarySettings(
    symbol="ISIL:US-AAA", short="lib01", symbols=("OCLC:AAA",), name="Alder", email="ill@alder.test"
)
BIRCH = LibrarySettings(symbol="ISIL:US-BBB", short="lib02", name="Birch")
CEDAR = LibrarySettings(symbol="ISIL:US-CCC", short="lib03", name="Cedar")

LOAN, COPY = RequestedService(ServiceType.LOAN), RequestedService(ServiceType.COPY)
RUSH = RequestedService(ServiceType.COPY, level="rush")

WORKFLOW = ("partner", "workflow", "borrowing")

VALLEY = """
    valley:
      members: all
      mesh: true
      reciprocal: true
      terms:
        - {service: loan, price: 0, days: 42, renewals: 3, answer_days: 5}
        - {service: copy, level: [rush], price: {amount: 12, currency: USD}, answer: 4h}
        - {service: copy, price: 0}
    """


def settings_of(folder: Path, *libraries: LibrarySettings) -> Settings:
    there = ProfilesSettings(partners=str(folder / "partners"), groups=str(folder / "groups.yml"))
    return Settings(libraries=libraries or (ALDER, BIRCH, CEDAR), profiles=there)


def read(folder: Path, groups: str, *libraries: LibrarySettings, **partners: str) -> ProfileLoadResult:
    for name in ("profiles", "partners"):
        (folder / name).mkdir(exist_ok=True)
    write(folder, groups=groups)
    write(folder / "partners", **partners)
    return read_profiles(folder / "profiles", ADAPTERS, settings_of(folder, *libraries))


def load(folder: Path, groups: str, *libraries: LibrarySettings, **partners: str) -> ProfileSet:
    result = read(folder, groups, *libraries, **partners)
    assert not result.problems
    return result.profiles


def problems(folder: Path, groups: str, **partners: str) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in read(folder, groups, **partners).problems]


def partner_of(profiles: ProfileSet, library: LibrarySettings, name: str) -> PartnerPolicy:
    profile = profiles.of_library(library.symbol).find_profile(name)
    assert profile is not None
    assert profile.partner is not None
    return profile.partner


def names_of(profiles: ProfileSet, library: LibrarySettings) -> list[str]:
    return [profile.name for profile, _ in profiles.of_library(library.symbol).partners]


# --- the mesh ------------------------------------------------------------------------------------------------


def test_each_library_of_a_mesh_has_all_others_as_partners_and_not_itself(tmp_path: Path) -> None:
    profiles = load(tmp_path, VALLEY)

    assert [names_of(profiles, library) for library in (ALDER, BIRCH, CEDAR)] == [
        ["lib02", "lib03"],
        ["lib01", "lib03"],
        ["lib01", "lib02"],
    ]
    alder = partner_of(profiles, BIRCH, "lib01")
    assert (alder.symbols, alder.name, alder.email) == (("ISIL:US-AAA", "OCLC:AAA"), "Alder", "ill@alder.test")
    assert alder.channel == "loopback"
    found = profiles.of_library(BIRCH.symbol).find_by_symbol("oclc:aaa")
    assert found is not None
    assert found.name == "lib01"


def test_nobody_outside_can_speak_as_a_library_of_a_mesh(tmp_path: Path) -> None:
    """It has no address: a path that begins with its name goes on meaning the library."""
    profiles = load(tmp_path, VALLEY, state="plain: {}")

    assert not profiles.has_address("lib01")
    assert profiles.find_candidates(MessageSender("", path="lib01")) == ()
    assert profiles.find_candidates(MessageSender("", symbols=("ISIL:US-AAA",))) == ()
    assert profiles.has_address("state")


def test_a_library_that_takes_no_part_has_none_and_is_none(tmp_path: Path) -> None:
    profiles = load(tmp_path, VALLEY, ALDER, BIRCH.model_copy(update={"mesh": False}), CEDAR)

    assert [names_of(profiles, library) for library in (ALDER, BIRCH, CEDAR)] == [["lib03"], [], ["lib01"]]


@pytest.mark.parametrize(
    ("lends", "roles", "services"),
    [
        ("all", (PartnerRole.SUPPLIER, PartnerRole.REQUESTER), ()),
        ("copies", (PartnerRole.SUPPLIER, PartnerRole.REQUESTER), (ServiceType.COPY,)),
        ("off", (PartnerRole.REQUESTER,), ()),
    ],
)
def test_a_library_is_asked_for_what_it_lends(
    tmp_path: Path, lends: str, roles: tuple[PartnerRole, ...], services: tuple[ServiceType, ...]
) -> None:
    profiles = load(tmp_path, VALLEY, ALDER, BIRCH.model_copy(update={"lends": lends}))

    birch = partner_of(profiles, ALDER, "lib02")

    assert (birch.roles, birch.services) == (roles, services)
    assert names_of(profiles, BIRCH) == ["lib01"]


def test_a_group_without_a_mesh_makes_no_partners(tmp_path: Path) -> None:
    assert names_of(load(tmp_path, "valley: {members: all}"), ALDER) == []


def test_two_meshes_make_one_partner_of_a_library(tmp_path: Path) -> None:
    groups = "east: {members: [lib01, lib02], mesh: true}\nwest: {members: [lib02, lib03], mesh: true}"
    profiles = load(tmp_path, groups)

    assert [names_of(profiles, library) for library in (ALDER, BIRCH, CEDAR)] == [
        ["lib02"],
        ["lib01", "lib03"],
        ["lib02"],
    ]


def test_each_says_what_differs_for_one_library_of_a_mesh(tmp_path: Path) -> None:
    groups = """
        valley:
          members: [lib01, lib02]
          mesh: true
          each: {lib01: {partner: {max_open: 3}, circulation: {accept: {policy: FERN}}}}
        west: {members: [lib01, lib03], mesh: true, each: {lib01: {partner: {max_open: 4}}}}
        """
    profiles = load(tmp_path, groups)

    seen = {
        (library.short, profile.name): (partner.max_open, profile.circulation.accept.policy)
        for library in (ALDER, BIRCH, CEDAR)
        for profile, partner in profiles.of_library(library.symbol).partners
    }
    assert seen == {
        ("lib01", "lib02"): (4, "FERN"),
        ("lib01", "lib03"): (4, "FERN"),
        ("lib02", "lib01"): (0, "ill"),
        ("lib03", "lib01"): (0, "ill"),
    }


def test_what_no_file_says_of_a_mesh_is_the_business_of_the_line_that_makes_it(tmp_path: Path) -> None:
    version = load(tmp_path, VALLEY).loaded["lib02"]
    place = version.find_position(("circulation", "accept", "policy"))
    assert (Path(place.file).name, place.line) == ("groups.yml", 3)


# --- values and terms ------------------------------------------------------------------------------------------


def test_values_of_a_group_come_after_what_is_extended_and_before_the_partners_file(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    write(
        tmp_path / "profiles",
        base="abstract: true\nplain: {greeting: curt, address: base.test}\npartner: {name: Base, phone: '1'}",
    )
    groups = """
        state:
          members: [archive]
          partner: {plain: {address: group.test}, partner: {phone: '2', channel: plain, category: state}}
        """
    archive = "extends: base\npartner: {symbols: [X], category: own}"
    profiles = load(tmp_path, groups, archive=archive, other="extends: base\npartner: {symbols: [Y]}")

    partner = partner_of(profiles, ALDER, "archive")
    assert (partner.name, partner.phone, partner.category) == ("Base", "2", "own")
    profile = profiles.find_profile("archive")
    assert profile is not None
    assert profile.dialects["plain"].model_dump() == {"greeting": "curt", "address": "group.test"}
    assert partner_of(profiles, ALDER, "other").phone == "1"
    place = profiles.loaded["archive"].find_position(("partner", "phone"))
    assert (Path(place.file).name, place.line) == ("groups.yml", 3)


@pytest.mark.parametrize(
    ("base", "group", "own", "answer", "days"),
    [
        ("", "answer: 4h", "answer_days: 9", None, 9),
        ("", "answer_days: 9", "answer: 4h", "4h", 3),
        ("", "answer: 4h", "answer: 2d", "2d", 3),
        ("", "answer: 4h", "answer: 2d, answer_days: 9", "2d", 9),
        ("answer: 4h", "answer_days: 9", "renew: false", None, 9),
    ],
)
def test_of_a_time_for_an_answer_the_nearest_counts_in_hours_or_in_days(
    tmp_path: Path, base: str, group: str, own: str, answer: str | None, days: int
) -> None:
    partner = "partner: {{{}workflow: {{borrowing: {{{}}}}}}}"
    (tmp_path / "profiles").mkdir()
    write(tmp_path / "profiles", base=f"abstract: true\n{partner.format('symbols: [X], ', base)}")
    groups = f"state: {{members: [archive], partner: {{{partner.format('', group)}}}}}"
    archive = f"extends: base\n{partner.format('', own)}"
    profiles = load(tmp_path, groups, archive=archive)

    rules = partner_of(profiles, ALDER, "archive").workflow.borrowing

    assert (rules.answer, rules.answer_days) == (answer, days)
    if answer is None:
        assert profiles.loaded["archive"].document.places.keys().isdisjoint({(*WORKFLOW, "answer")})


def test_a_mesh_takes_values_of_its_group_but_no_address(tmp_path: Path) -> None:
    groups = "valley: {members: all, mesh: true, partner: {plain: {}, partner: {max_open: 5}}}"
    profiles = load(tmp_path, groups)

    profile = profiles.of_library(ALDER.symbol).find_profile("lib02")
    assert profile is not None
    assert profile.partner is not None
    assert (profile.partner.max_open, list(profile.dialects)) == (5, [])


def test_terms_say_price_loan_and_wait_by_service_and_level(tmp_path: Path) -> None:
    birch = partner_of(load(tmp_path, VALLEY), ALDER, "lib02")

    assert birch.usual_price(LOAN) is None
    assert birch.usual_price(RUSH) == Money(Decimal(12), "USD")
    assert birch.usual_price(COPY) is None
    assert birch.usual_price(RequestedService(ServiceType.COPY, level="express")) is None
    workflow = birch.workflow_of_service(LOAN)
    assert (workflow.lending.loan_days, workflow.lending.renewals) == (42, 3)
    assert birch.workflow_of_service(COPY).lending.loan_days == 28
    answers = [birch.workflow_of_service(service).borrowing.answer for service in (LOAN, RUSH, COPY)]
    assert answers == ["5d", "4h", None], "`answer_days` is read on"


def test_a_term_has_the_line_where_it_was_written(tmp_path: Path) -> None:
    loaded = load(tmp_path, VALLEY).loaded["lib02"]
    assert loaded.find_position(("partner", "terms", 1, "price", "amount")).line == 7
    assert loaded.find_position(("partner", "terms", 1, "price", "amount")).file.endswith("groups.yml")


def test_a_price_of_nothing_is_for_who_lends_that_itself_where_terms_are_reciprocal(tmp_path: Path) -> None:
    groups = VALLEY.rstrip(" ") + "      partner: {partner: {cost: {amount: 20, currency: USD}}}\n"
    only_loans = ALDER.model_copy(update={"lends": "loans"})
    off = BIRCH.model_copy(update={"lends": "off"})
    profiles = load(tmp_path, groups, only_loans, off, CEDAR)

    prices = {
        library.name: [partner_of(profiles, library, "lib03").usual_price(service) for service in (LOAN, COPY, RUSH)]
        for library in (only_loans, off)
    }

    own, rush = Money(Decimal(20), "USD"), Money(Decimal(12), "USD")
    assert prices == {"Alder": [None, own, rush], "Birch": [own, own, rush]}
    assert partner_of(profiles, CEDAR, "lib01").usual_price(COPY) is None


def test_of_several_groups_the_cheapest_counts_and_of_each_the_first_that_fits(tmp_path: Path) -> None:
    groups = """
        east: {members: [lib01, state], terms: [{service: loan, price: {amount: 9, currency: USD}, days: 9}]}
        west:
          members: [lib01, lib02, state]
          terms: [{level: [rush], price: {amount: 8, currency: USD}}, {price: {amount: 5, currency: USD}, days: 5}]
        """
    own = "partner: {symbols: [S], cost: {amount: 3, currency: USD}, terms: [{service: copy, days: 7}]}"
    profiles = load(tmp_path, groups, state=own)

    def costs(library: LibrarySettings, service: RequestedService) -> tuple[int, int]:
        partner = partner_of(profiles, library, "state")
        price = partner.usual_price(service)
        assert price is not None
        return int(price.amount), partner.workflow_of_service(service).lending.loan_days

    rush_loan = RequestedService(ServiceType.LOAN, level="rush")
    assert [costs(ALDER, service) for service in (LOAN, rush_loan)] == [(5, 5), (8, 28)]
    assert costs(BIRCH, LOAN) == (5, 5)
    assert [costs(CEDAR, service) for service in (LOAN, COPY)] == [(3, 28), (3, 7)]


# --- for -------------------------------------------------------------------------------------------------------


def test_a_partner_is_for_the_libraries_of_a_group(tmp_path: Path) -> None:
    groups = "east: {members: [lib01, lib02]}"
    profiles = load(tmp_path, groups, broker="for: [lib02, east]\nplain: {}", mine="for: [lib03]\nplain: {}")

    assert profiles.loaded["broker"].libraries == {ALDER.symbol, BIRCH.symbol}
    assert [version.profile.library for version in profiles.loaded["broker"].versions] == [BIRCH.symbol, ALDER.symbol]


# --- what is wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (
            "valley: {members: [lib01, lib13]}",
            "groups.yml:1: valley.members.1: no such library or partner, found 'lib13', allowed: all, lib01, lib02, "
            "lib03, state (did you mean 'lib03'?)",
        ),
        ("valley: {members: [lib01, state, 'ISIL:US-AAA']}", "groups.yml:1: valley.members.2: stands twice"),
        ("valley: {mesh: true}", "groups.yml:1: valley.members: is missing"),
        ("valley: {members: all, mehs: true}", "groups.yml:1: valley.mehs: unknown key, allowed: each, members, mesh"),
        (
            "valley: {members: all, terms: [{service: loans}]}",
            "groups.yml:1: valley.terms.0.service: found 'loans', allowed: loan, copy",
        ),
        (
            "valley: {members: all, terms: [{answer: 30m}]}",
            "groups.yml:1: valley.terms.0.answer: not a time limit such as 4h (hours) or 3d (days), found '30m'",
        ),
        (
            "valley: {members: all, terms: [{answer: 4h, answer_days: 1}]}",
            "groups.yml:1: valley.terms.0: answer_days is the former name of answer; keep only answer",
        ),
        ("state: {members: all}", "groups.yml:1: state: a partner is called so; give the group another name"),
        ("LIB01: {members: all}", "groups.yml:1: LIB01: a group's name has lower-case letters"),
        ("lib01: {members: all}", "groups.yml:1: lib01: a library is called so"),
        ("all: {members: all}", "groups.yml:1: all: all libraries are called so"),
        ("valley: {members: all, partner: {extends: base}}", "groups.yml:1: valley.partner.extends: says who"),
        (
            "valley: {members: all, partner: {partner: {symbols: [X]}}}",
            "groups.yml:1: valley.partner.partner.symbols: says who a partner is",
        ),
        (
            "valley: {members: [lib01, lib02], mesh: true, each: {lib03: {partner: {max_open: 1}}}}",
            "groups.yml:1: valley.each.lib03: it has no part in a mesh of this group, found 'lib03', allowed: lib01",
        ),
        (
            "valley: {members: all, mesh: true, each: {lib01: {plain: {}}}}",
            "groups.yml:1: valley.each.lib01.plain: does not apply to a library of a mesh, allowed: circulation, partn",
        ),
        (
            "valley: {members: all, mesh: true, each: {lib01: {extends: base}}}",
            "groups.yml:1: valley.each.lib01.extends: says who the partner is",
        ),
        ("valley: {members: all, partner: {plian: {}}}", "groups.yml:1: plian: unknown key"),
        ("valley: {members: all, mesh: true, partner: {partner: {nam: X}}}", "groups.yml:1: partner.nam: unknown key"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, groups: str, expected: str) -> None:
    (first, *others) = problems(tmp_path, groups, state="plain: {}")
    assert first.startswith(expected)
    assert others == []


def test_a_library_or_group_that_is_missing_is_said_in_the_partners_file(tmp_path: Path) -> None:
    found = problems(tmp_path, "valley: {members: [lib01]}", state="for: [vally]\nplain: {}")
    assert found == [
        "partners/state.yml:1: for.0: no such library or group, found 'vally', allowed: all, lib01, lib02, lib03, "
        "valley (did you mean 'valley'?)"
    ]


def test_a_partners_file_with_the_symbol_of_a_library_in_the_mesh_is_a_problem(tmp_path: Path) -> None:
    birch = "for: [lib01]\npartner: {symbols: ['ISIL:US-BBB']}"
    (problem,) = problems(tmp_path, VALLEY, birch_before=birch)
    assert "profile 'birch-before' has this symbol too" in problem


# --- members from a directory ------------------------------------------------------------------------------------

STATE = """
    state:
      members: {source: state}
      partner: {auth: [{kind: bearer, secret: "file:secrets/{partner}"}], partner: {category: "{partner}"}}
    """
OAK = "{extends: base, partner: {symbols: ['ISIL:US-OAK'], name: Oak, phone: '1'}}"
FIR = "partner: {symbols: ['ISIL:US-FIR']}"


def settings_with_directory(folder: Path) -> Settings:
    source = DirectorySource(name="state", url="https://dir.example", format="crosslink")
    directory = DirectorySettings(folder=str(folder / "directory"), sources=(source,))
    return settings_of(folder).model_copy(update={"directory": directory})


def read_directory(
    folder: Path, groups: str = STATE, entries: dict[str, str] | None = None, **partners: str
) -> ProfileLoadResult:
    for name in ("profiles", "partners", "directory/state"):
        (folder / name).mkdir(exist_ok=True, parents=True)
    write(folder / "profiles", base="abstract: true\npartner: {channel: plain, phone: '0'}\nplain: {}")
    write(folder, groups=groups)
    write(folder / "partners", **partners)
    write(folder / "directory" / "state", **(entries if entries is not None else {"us-oak": OAK, "us-fir": FIR}))
    return read_profiles(folder / "profiles", ADAPTERS, settings_with_directory(folder))


def test_the_entries_of_a_source_are_partners_with_the_values_of_its_group(tmp_path: Path) -> None:
    result = read_directory(tmp_path, **{"us-fir": "partner: {phone: '2', category: ours}"})

    assert not result.problems
    profiles = result.profiles.of_library("ISIL:US-CCC")
    oak, fir = profiles.find_by_symbol("ISIL:US-OAK"), profiles.find_by_symbol("ISIL:US-FIR")
    assert oak is not None
    assert oak.partner is not None
    assert fir is not None
    assert fir.partner is not None
    assert (oak.name, oak.partner.channel, oak.partner.phone, oak.partner.category) == (
        "us-oak",
        "plain",
        "1",
        "us-oak",
    )
    assert [entry.secret for entry in oak.auth] == ["file:secrets/us-oak"]
    assert (fir.partner.phone, fir.partner.category) == ("2", "ours"), "its own file comes last"
    assert [
        candidate.profile.name for candidate in result.profiles.find_candidates(MessageSender("plain", path="us-oak"))
    ] == ["us-oak"]
    assert result.profiles.groups["state"].member_names == ("us-fir", "us-oak")


def test_without_a_group_that_names_the_source_its_entries_are_no_partners(tmp_path: Path) -> None:
    result = read_directory(tmp_path, "state: {members: [us-elm]}", **{"us-elm": FIR})

    assert (list(result.profiles.loaded), result.problems) == (["base", "us-elm"], ())


@pytest.mark.parametrize("key", ["auth: [{kind: none}]", "match: [{path: koha}]", "circulation: {}", "for: all"])
def test_a_directory_does_not_say_who_may_send_as_a_partner(tmp_path: Path, key: str) -> None:
    result = read_directory(tmp_path, entries={"us-fir": f"{FIR}\n{key}"})

    (problem,) = result.problems
    assert str(problem).startswith(f"{tmp_path}/directory/state/us-fir.yml:2: {key.partition(':')[0]}: ")
    assert "us-fir" not in result.profiles.loaded


def test_an_entry_that_does_not_fit_is_as_before_or_left_out_and_the_others_are_taken(tmp_path: Path) -> None:
    settings, before = settings_with_directory(tmp_path), read_directory(tmp_path).profiles
    write(tmp_path / "directory" / "state", **{"us-oak": "partner: {phne: '2'}", "us-fir": f"{FIR}\nextends: base"})
    write(tmp_path / "directory" / "state", **{"us-yew": "{name: us-yew, partner: {symbols: ['ISIL:US-FIR']}}"})

    result = read_profiles_with_fallback(tmp_path / "profiles", ADAPTERS, settings, before)

    oak, fir = (result.profiles.find_profile(name) for name in ("us-oak", "us-fir"))
    assert oak == before.find_profile("us-oak")
    assert fir is not None
    assert fir.partner is not None
    assert fir.partner.channel == "plain"
    assert {Path(problem.file).name for problem in result.problems} == {"us-oak.yml", "us-yew.yml"}
    assert result.profiles.find_profile("us-yew") is None


def test_an_edit_of_an_entry_goes_into_a_file_of_ones_own(tmp_path: Path) -> None:
    profiles = read_directory(tmp_path, **{"us-fir": "partner: {phone: '2'}"}).profiles
    folder, settings = tmp_path / "profiles", settings_with_directory(tmp_path)
    store = ProfileStore(folder, lambda: profiles, lambda _: profiles, settings.partners_folder)
    drafts = ProfileDraftChecks(settings, ADAPTERS, store)

    files = [drafts.find_file(name).relative_to(tmp_path) for name in ("us-oak", "us-fir", "base")]

    assert [str(file) for file in files] == ["partners/us-oak.yml", "partners/us-fir.yml", "profiles/base.yml"]


def test_a_source_that_gateway_yml_does_not_have_is_a_problem_of_the_group(tmp_path: Path) -> None:
    (problem,) = read_directory(tmp_path, "state: {members: {source: stat}}").problems

    assert str(problem) == (
        f"{tmp_path}/groups.yml:1: state.members.source: no such source in `directory.sources` of gateway.yml, "
        "found 'stat', allowed: state (did you mean 'state'?)"
    )


# --- live ------------------------------------------------------------------------------------------------------


async def test_an_edit_of_groups_is_taken_over_and_a_bad_one_is_not(tmp_path: Path) -> None:
    load(tmp_path, VALLEY)
    settings, folder = settings_of(tmp_path), tmp_path / "profiles"
    store = ProfileStore(
        folder,
        lambda: load_profiles(folder, ADAPTERS, settings),
        lambda before: read_profiles_with_fallback(folder, ADAPTERS, settings, before).profiles,
        settings.partners_folder,
        settings.groups_file,
    )
    assert tmp_path in store.folders
    write(tmp_path, groups=VALLEY.replace("days: 42", "days: 30"))
    assert await store.reload()
    write(tmp_path, groups=VALLEY.replace("days: 42", "days: many"))
    assert not await store.reload()

    assert partner_of(store.current, ALDER, "lib02").workflow_of_service(LOAN).lending.loan_days == 30
