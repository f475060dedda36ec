"""`services.check`: wrong codes, missing secrets and failing examples are found with file and line."""

import asyncio
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.domain.clock import FixedClock
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.library_system import Capability, LibraryCodes
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.profiles import read_profiles
from gateway.services.operation.check import CheckReport, CheckSubject, ExampleAnswer, UnknownProfileError, run_check
from gateway.settings import Settings
from tests.support.paths import ROOT
from tests.unit.profiles.support import ADAPTERS, NOW, SETTINGS, PlainDialect, PlainResponder, SmallLibrary, write


async def answer(arrival: RawMessage) -> ExampleAnswer:
    """As if the library had lent it to whoever is not blocked."""
    body = b'<p:Lent xmlns:p="urn:x"><p:Item><p:Value>1</p:Value><p:Note/></p:Item></p:Lent>'
    if len(arrival.body.split()) != 3:
        return ExampleAnswer(body, OutcomeClass.MALFORMED)
    refused = b"blocked" in arrival.body or b"REFUSE" in arrival.body
    return ExampleAnswer(body, OutcomeClass.REFUSED if refused else OutcomeClass.OK)


def subject(folder: Path, settings: Settings = SETTINGS) -> CheckSubject:
    return CheckSubject(
        settings=settings,
        loading=read_profiles(folder, ADAPTERS, settings),
        adapters=ADAPTERS,
        clock=FixedClock(NOW),
        libraries={"DEMO": SmallLibrary()},  # type: ignore[dict-item]
        scratch=lambda profile, symbol: nullcontext(answer),
    )


def lines(report: CheckReport, folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in report.problems]


async def found(folder: Path, text: str) -> list[str]:
    write(folder, one=text)
    return lines(await run_check(subject(folder)), folder)


async def test_nothing_is_found_where_all_is_well(tmp_path: Path) -> None:
    text = """
        plain: {}
        match: [{from_agency: nv}]
        circulation:
          agencies: {NV: NVD}
          pickup: {default: main, map: {A: north}}
          accept: {library: main, location: ill}
          patrons:
            institutional:
              - {match: "INST-.*", patron: "INST-{agency}"}
              - {match: "(P.*)", patron: "\\\\1"}
        examples:
          - name: lend
            send: LEND 1 2
            understood: {service: LEND, item.value: 1, patron.id.value: "2", due: null, patron.credentials: []}
            answer_contains: [Lent]
            answer_lacks: [error]
            answer_paths: {Lent/Item/Value: "1", Item/Note: ""}
          - {name: blocked, send: LEND 1 blocked, outcome: refused}
          - {name: short, send: LEND 1, outcome: malformed}
          - {name: other, send: REFUSE 1 2, outcome: refused}
        """
    write(tmp_path, one=text)

    report = await run_check(subject(tmp_path))

    assert lines(report, tmp_path) == []
    assert (report.profiles[0].examples, report.profiles[0].answers, report.notes) == (4, 4, ())


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        (
            "pickup: {map: {A: nroth}}",
            "pickup.map.A: unknown pickup location, found 'nroth', allowed: main, north (did you mean 'north'?)",
        ),
        (
            "pickup: {default: x}",
            "pickup.default: unknown pickup location, found 'x', allowed: main, north",
        ),
        (
            "accept: {library: sud}",
            "accept.library: unknown branch, found 'sud', allowed: main, north",
        ),
        (
            "accept: {location: stak}",
            "accept.location: unknown shelving location, found 'stak', allowed: ill, stack (did you mean 'stack'?)",
        ),
        (
            "accept: {policies: {book: bok}}",
            "accept.policies.book: unknown item policy, found 'bok', allowed: ill, ill-library-use, standard",
        ),
        (
            "check_in: {delete_libraries: [main, sud]}",
            "check_in.delete_libraries.1: unknown branch, found 'sud', allowed: main, north",
        ),
        (
            "patrons: {create_category: visitr}",
            "patrons.create_category: unknown patron category, found 'visitr', allowed: visitor (did you mean 'visitor'?)",  # noqa: E501
        ),
        (
            "patrons: {institutional: [{match: X, patron: NOBODY}]}",
            "patrons.institutional.0.patron: the institution's patron is not usable (unknown-patron), found 'NOBODY'",
        ),
        (
            "notifications: {institutional_patron: NOBODY}",
            "notifications.institutional_patron: the institution's patron is not usable (unknown-patron), found 'NOBODY'",  # noqa: E501
        ),
    ],
)
async def test_what_the_library_does_not_know_is_found(tmp_path: Path, section: str, problem: str) -> None:
    text = f"plain: {{}}\ncirculation:\n  {section}\n"

    assert await found(tmp_path, text) == [f"one.yml:3: circulation.{problem}"]


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        (
            "{name: e, send: LEND 1 2, understood: {item.value: '3'}}",
            "understood.item.value: example 'e': expected '3', understood '1'",
        ),
        (
            "{name: e, send: LEND 1 2, understood: {item.valu: '3'}}",
            "understood.item.valu: example 'e': Named has no 'valu', it has: value, type, agency",
        ),
        (
            "{name: e, send: LEND 1 2, understood: {service: GIVE}}",
            "understood.service: example 'e': expected 'GIVE', understood 'LEND'",
        ),
        ("{name: e, send: LEND 1}", "send: example 'e' can't be read: line 1: not three words"),
        ("{name: e, send: LEND 1 2, outcome: malformed}", "outcome: example 'e' should be malformed, but it was read"),
        (
            "{name: e, send: REFUSE 1 2}",
            "send: example 'e' is refused: unsupported-service: This service is not offered.",
        ),
        (
            "{name: e, send: LEND 1 2, outcome: refused}",
            "outcome: example 'e': expected the outcome refused, it was ok",
        ),
        (
            "{name: e, send: LEND 1 2, answer_contains: [Lent, Loan]}",
            "answer_contains.1: example 'e': the answer does not contain it, found 'Loan'",
        ),
        (
            "{name: e, send: LEND 1 2, answer_lacks: [Note]}",
            "answer_lacks.0: example 'e': the answer contains it, found 'Note'",
        ),
        (
            "{name: e, send: LEND 1 2, answer_paths: {Item/Value: '2'}}",
            "answer_paths.Item/Value: example 'e': expected '2', answered '1'",
        ),
        (
            "{name: e, send: LEND 1 2, answer_paths: {Lent/Value: ''}}",
            "answer_paths.Lent/Value: example 'e': the answer has no such element",
        ),
    ],
)
async def test_a_failing_example_is_found(tmp_path: Path, example: str, problem: str) -> None:
    text = f"plain: {{}}\nexamples:\n  - {example}\n"

    assert await found(tmp_path, text) == [f"one.yml:3: examples.0.{problem}"]


async def test_a_default_that_the_library_does_not_know_is_said_to_be_one(tmp_path: Path) -> None:
    write(tmp_path, one="plain: {}\nauth: [{kind: none}]\n")
    library = SmallLibrary()
    library.known = LibraryCodes(item_policies=frozenset({"ill-library-use"}))

    report = await run_check(replace(subject(tmp_path), libraries={"DEMO": library}))  # type: ignore[dict-item]

    assert lines(report, tmp_path) == [
        "one.yml: circulation.accept.policy: unknown item policy (the default; name another in the "
        "profile), found 'ill', allowed: ill-library-use"
    ]


NO_SHARING = "none of the library's branches is marked by `resource_sharing: true` in its set-up: "
RECEIVED = "a partner's item can't be received, unless circulation.accept.library names a branch (profiles: one)"
LENT = (
    "nothing can be lent to a partner that has no account yet, "
    "unless circulation.patrons.create_library names a branch (profiles: one)"
)


@pytest.mark.parametrize(
    ("sharing", "text", "message"),
    [
        ("", "auth: [{kind: none}]", NO_SHARING + RECEIVED),
        ("", "auth: [{kind: none}]\ncirculation: {accept: {library: main}}", ""),
        ("", "partner: {symbols: [NV]}", f"{NO_SHARING}{RECEIVED}; {LENT}"),
        ("", "partner: {symbols: [NV]}\ncirculation: {accept: {library: main}}", NO_SHARING + LENT),
        (
            "",
            "partner: {symbols: [NV]}\ncirculation: {accept: {library: main}, patrons: {create_library: main}}",
            "",
        ),
        ("", "abstract: true\nauth: [{kind: none}]", ""),
        ("main", "partner: {symbols: [NV]}", ""),
        (None, "partner: {symbols: [NV]}", ""),
    ],
)
async def test_a_library_without_a_resource_sharing_branch_is_found_before_anything_comes(
    tmp_path: Path, sharing: str | None, text: str, message: str
) -> None:
    write(tmp_path, one=f"plain: {{}}\n{text}\n")
    library = SmallLibrary()
    library.known = replace(library.known, sharing_branch=sharing)

    report = await run_check(replace(subject(tmp_path), libraries={"DEMO": library}))  # type: ignore[dict-item]

    said = [(problem.key, problem.message) for problem in report.installation]
    assert said == ([("libraries.0.system", message)] if message else [])


INSTITUTION = "plain: {}\ncirculation:\n  notifications: {institutional_patron: inst-valm}\n"
NO_PATRON = "circulation.notifications.institutional_patron: the institution's patron is not usable (unknown-patron)"


async def test_a_patron_of_the_sample_library_in_a_profile_as_shipped_is_remarked_on(tmp_path: Path) -> None:
    """A library of one's own has none of them; who sets the profile up for a partner names another."""
    for folder in ("shipped", "own"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, one=INSTITUTION, two=INSTITUTION)
    write(tmp_path / "own", two=f"{INSTITUTION}library: DEMO\n", three=INSTITUTION)

    checked = replace(subject(tmp_path / "own"), shipped=tmp_path / "shipped")
    report = await run_check(checked)

    assert [str(one).split(", found")[0] for one in report.remarks] == [f"{tmp_path}/own/one.yml:3: {NO_PATRON}"]
    assert lines(report, tmp_path / "own") == [
        f"{name}.yml:3: {NO_PATRON}, found 'inst-valm'" for name in ("three", "two")
    ]


LOAN_TO = """
partner:
  symbols: [NV]
  workflow: {lending: {loan_to: requester}}
circulation: {accept: {library: main}, patrons: {create_library: main, create_category: visitor}}
"""
AT_LOAN_TO = "one.yml:3: partner.workflow.lending.loan_to: "
NAMELESS = "its requests name no patron: it needs the section of a protocol that does, besides"
NO_ACCOUNT = "the library's system cannot create patrons, so a partner's patron has no account to lend on"


@pytest.mark.parametrize(
    ("text", "lacks", "problems"),
    [
        ("", None, []),
        ("named: {}\n", None, []),
        ("named: {}\nplain: {}\n", None, []),
        ("plain: {}\n", None, [f"{NAMELESS} plain"]),
        ("plain: {}\nother: {}\n", None, [f"{NAMELESS} plain, other"]),
        ("named: {}\n", Capability.PATRON_CREATE, [NO_ACCOUNT]),
        ("named: {}\n", Capability.PATRON_DELETE, []),
        ("abstract: true\nplain: {}\n", Capability.PATRON_CREATE, []),
    ],
)
async def test_a_loan_to_a_partners_patron_where_it_cannot_be_is_found(
    tmp_path: Path, text: str, lacks: Capability | None, problems: list[str]
) -> None:
    write(tmp_path, one=LOAN_TO.lstrip("\n") + text)
    named = ProtocolAdapter("named", PlainDialect, PlainResponder, names_patrons=True)
    adapters = AdapterRegistry.from_adapters(*ADAPTERS.libraries.values(), *ADAPTERS.protocols.values(), named)
    system = SmallLibrary(capabilities=frozenset(Capability) - {lacks})
    checked = replace(
        subject(tmp_path),
        adapters=adapters,
        loading=read_profiles(tmp_path, adapters, SETTINGS),
        libraries={"DEMO": system},  # type: ignore[dict-item]
    )

    found = lines(await run_check(checked), tmp_path)

    assert [one.split(", found")[0] for one in found] == [f"{AT_LOAN_TO}{words}" for words in problems]


async def test_who_asks_us_for_nothing_lends_nothing_to_its_patrons(tmp_path: Path) -> None:
    write(tmp_path, one=LOAN_TO.replace("symbols: [NV]", "symbols: [NV]\n  roles: [supplier]").lstrip("\n"))
    (problem,) = [one for one in lines(await run_check(subject(tmp_path)), tmp_path) if "loan_to" in one]
    assert "needs the role requester in `partner.roles`" in problem


async def test_a_catalogue_that_is_only_searched_needs_no_codes_of_circulation(tmp_path: Path) -> None:
    catalogues = [ROOT / "profiles" / f"{name}.yml" for name in ("bnf-sru", "dnb-sru", "k10plus-sru", "loc-z3950")]
    for one in catalogues:
        shutil.copy(one, tmp_path)
    library = SmallLibrary(patrons=())
    library.known = LibraryCodes(
        branches=frozenset({"HB"}),
        shelves=frozenset({("HB", "MAG")}),
        item_policies=frozenset({"28T"}),
        patron_categories=frozenset({"EXT"}),
        fee_types=frozenset({"FEE"}),
    )
    adapters = load_adapters()
    searched = replace(
        subject(tmp_path),
        loading=read_profiles(tmp_path, adapters, SETTINGS),
        adapters=adapters,
        libraries={"DEMO": library},  # type: ignore[dict-item]
    )

    assert lines(await run_check(searched), tmp_path) == []

    said = "circulation:\n  accept: {policy: 7T, library: HB, location: MAG}\n"
    write(tmp_path, searched=f"extends: dnb-sru\n{said}")
    report = await run_check(replace(searched, loading=read_profiles(tmp_path, adapters, SETTINGS)))
    assert [one.partition(",")[0] for one in lines(report, tmp_path)] == [
        "searched.yml:3: circulation.accept.policy: unknown item policy"
    ]


async def test_without_a_scratch_library_answers_are_not_claimed_to_be_right(tmp_path: Path) -> None:
    write(tmp_path, one="plain: {}\nexamples:\n  - {name: e, send: LEND 1 2, answer_contains: [Loan]}\n")

    report = await run_check(replace(subject(tmp_path), scratch=None))

    assert report.problems == ()
    assert report.profiles[0].answers == 0
    assert report.notes == ("1 example was decoded only; its answer was not looked at",)


async def test_a_journal_key_with_which_the_gateway_does_not_start_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older of two as well; one of the least length is good."""
    monkeypatch.setenv("NEW_KEY", "k" * 16)
    monkeypatch.setenv("OLD_KEY", "k" * 15)
    write(tmp_path, one="plain: {}\n")
    settings = Settings.model_validate({"journal": {"encryption_keys": ["env:NEW_KEY", "env:OLD_KEY"]}})

    report = await run_check(subject(tmp_path, settings))

    assert [(problem.key, problem.message) for problem in report.installation] == [
        ("journal.encryption_keys.1", "a secret for the encryption of bodies needs at least 16 characters")
    ]


async def test_a_secret_that_is_not_there_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABSENT", raising=False)

    assert await found(tmp_path, "plain: {}\nauth:\n  - kind: bearer\n    secret: env:ABSENT\n") == [
        "one.yml:4: auth.0.secret: no secret at env:ABSENT: the environment has no such variable, or it is empty"
    ]


async def test_a_broken_profile_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, broken="plain: {greeting: rude}\n", one="plain: {}\ncirculation:\n  pickup: {default: x}\n")

    report = await run_check(subject(tmp_path))

    assert [(one.name.rpartition("/")[2], len(one.problems)) for one in report.profiles] == [
        ("one", 1),
        ("broken.yml", 1),
    ]


async def test_only_named_profiles_are_checked(tmp_path: Path) -> None:
    write(tmp_path, broken="plain: {greeting: rude}\n", one="plain: {}\n", two="plain: {}\nlibrary: X\n")

    assert lines(await run_check(subject(tmp_path), ["one"]), tmp_path) == []
    assert len((await run_check(subject(tmp_path), ["broken"])).problems) == 1
    with pytest.raises(UnknownProfileError, match="no such profile: three; there are: one, two"):
        await run_check(subject(tmp_path), ["three"])


async def test_a_library_that_does_not_answer_is_a_problem_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, one="plain: {}\n")
    down = replace(subject(tmp_path), libraries={"DEMO": SmallLibrary(down=True)})  # type: ignore[dict-item]

    report = await run_check(down)

    assert [problem.key for problem in report.installation] == ["libraries.0.system"]
    assert "no route to the library" in report.installation[0].message


async def test_live_tries_the_partners_addresses(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    write(tmp_path, up=f"plain: {{address: '127.0.0.1:{port}'}}\n", odd="plain: {address: nowhere}\n")
    live = replace(subject(tmp_path), live=True)

    assert lines(await run_check(live), tmp_path) == [
        "odd.yml:1: plain.address: not a URL or host:port, found 'nowhere'"
    ]
    server.close()
    await server.wait_closed()
    after = lines(await run_check(live, ["up"]), tmp_path)
    assert after[0].startswith("up.yml:1: plain.address: no connection: Connection refused (127.0.0.1, port ")
