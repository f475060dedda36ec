"""Sections `locate` and groups of catalogues: what is wrong is found when they are read, or by `illgate check`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.policies import read_policies
from gateway.ports.adapter import SearchAdapter
from gateway.ports.catalogue import SearchHits
from gateway.profiles import read_profiles
from gateway.services.operation.check import CheckSubject, run_check
from gateway.settings import Settings
from tests.unit.profiles.support import ADAPTERS, NOW, write
from tests.unit.services.searching.support import Answer, Catalogue, ScriptedSearch, nothing


class SruCatalogue(Catalogue):
    """Another section."""


def adapters(search: ScriptedSearch | None = None) -> AdapterRegistry:
    made = search or ScriptedSearch(nothing)
    return replace(
        ADAPTERS,
        searches={
            "z3950": SearchAdapter("z3950", Catalogue, lambda _: made, lambda dialect: dialect.address),
            "sru": SearchAdapter("sru", SruCatalogue, lambda _: made, lambda dialect: dialect.address),
        },
        sections={**ADAPTERS.sections, "z3950": Catalogue, "sru": SruCatalogue},
    )


def problems(folder: Path, **profiles: str) -> list[str]:
    found = read_profiles(write(folder, **profiles), adapters(), Settings()).problems
    return [str(one).replace(f"{folder}/", "") for one in found]


PARTNER = "partner: {symbols: [CH-SEE]}\n"


@pytest.mark.parametrize(
    ("seeberg", "said"),
    [
        ("z3950: {}\nlocate: {}\n", ""),
        ("locate: {target: union}\n", ""),
        ("z3950: {}\nsru: {}\nlocate: {by: sru}\n", ""),
        ("locate: {}\n", "seeberg.yml:2: locate: this profile has no section that says where"),
        ("z3950: {}\nlocate: {by: sru}\n", "seeberg.yml:3: locate.by: this profile has no section `sru`"),
        ("z3950: {}\nlocate: {by: http}\n", "seeberg.yml:3: locate.by: no such protocol of catalogues"),
        ("z3950: {}\nsru: {}\nlocate: {}\n", "seeberg.yml:4: locate: this profile has several catalogues"),
        ("locate: {target: unoin}\n", "seeberg.yml:2: locate.target: no such profile"),
        ("locate: {target: base}\n", "seeberg.yml:2: locate.target: this profile is abstract"),
        ("locate: {target: union, by: sru}\n", "seeberg.yml:2: locate.by: profile 'union' has no section `sru`"),
        ("z3950: {}\nlocate: {plan: [isbn, isbn]}\n", "seeberg.yml:3: locate.plan: a step stands twice"),
        ("z3950: {}\nlocate: {plan: [isbm]}\n", "seeberg.yml:3: locate.plan.0"),
        ("z3950: {}\nlocate: {holdings: ignored, locations: [MAG]}\n", "seeberg.yml:3: locate: `lending`"),
        ("z3950: {}\nlocate: {lending: [{shelf: x}]}\n", "seeberg.yml:3: locate.lending.0.shelf: unknown key"),
    ],
)  # fmt: skip
def test_a_section_locate(tmp_path: Path, seeberg: str, said: str) -> None:
    found = problems(tmp_path, seeberg=PARTNER + seeberg, union="z3950: {}\n", base="abstract: true\nz3950: {}\n")
    assert len(found) == bool(said)
    assert all(one.startswith(said) for one in found)


def subject(folder: Path, requests: str, search: ScriptedSearch | None = None, *, live: bool = False) -> CheckSubject:
    (folder / "profiles").mkdir()
    write(
        folder / "profiles",
        union="z3950: {}\n",
        bare=PARTNER,
        shared="partner: {symbols: [X]}\nlocate: {target: union}\n",
    )
    (folder / "requests.yml").write_text(requests, encoding="utf-8")
    settings = Settings()
    settings._file = folder / "gateway.yml"
    plugged = adapters(search)
    loading = read_profiles(folder / "profiles", plugged, settings)
    return CheckSubject(
        settings=settings,
        loading=loading,
        adapters=plugged,
        clock=FixedClock(NOW),
        live=live,
        policies=read_policies(settings, loading.profiles),
    )


@pytest.mark.parametrize(
    ("catalogues", "said"),
    [
        ("{groups: {all: [union, shared]}, look_up: all}", []),
        ("{look_up: union}", []),
        ("{groups: {all: [union, nobody]}}", ["catalogues.groups.all.1: no such profile"]),
        ("{groups: {all: [bare]}}", ["catalogues.groups.all.0: Profile 'bare' has no searchable catalogue"]),
        ("{groups: {all: [union, union]}}", ["catalogues.groups.all: stands twice: union"]),
        ("{groups: {all: []}}", ["catalogues.groups.all: "]),
        ("{groups: {union: [shared]}}", ["catalogues.groups.union: a profile has this name"]),
        ("{look_up: nobody}", ["catalogues.look_up: no such profile or group"]),
        ("{look_up: bare}", ["catalogues.look_up: Profile 'bare' has no searchable catalogue"]),
    ],
)
async def test_groups(tmp_path: Path, catalogues: str, said: list[str]) -> None:
    report = await run_check(subject(tmp_path, f"catalogues: {catalogues}\n"))
    found = [str(one).partition("requests.yml:1: ")[2] for one in report.requests]
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SearchHits(total=7), ""),
        (Unavailable("connection refused"), "its catalogue: connection refused"),
        (Refused(RefusalReason.SENDER_AUTH_FAILED, "It does not let us in."), "its catalogue: It does not let us in"),
    ],
)
async def test_live_each_catalogue_is_asked(tmp_path: Path, answer: Answer, said: str) -> None:
    search = ScriptedSearch(lambda *_: answer)

    report = await run_check(subject(tmp_path, "{}\n", search, live=True))

    assert search.targets() == ["union"]
    assert search.closed
    assert [one.message for one in report.problems] == ([said] if said else [])
