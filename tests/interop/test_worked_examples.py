"""Whole installations from files in tests/worked_examples: what `illgate check` says of each, and that it works."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from lxml import etree

from gateway.adapter_registry import load_adapters
from gateway.cli.installation import Installation as OpenedInstallation
from gateway.profiles import MessageSender
from gateway.runtime.daemon import Daemon
from gateway.settings import load_settings
from rehearsal.fakes.koha import FakeKoha
from tests.support.daemon import Installation
from tests.support.paths import ROOT
from tests.support.running_servers import running
from tests.unit.runtime.test_journal_of_strangers import read_journal

ACCEPT_ITEM = """\
<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
<AcceptItem><InitiationHeader><FromAgencyId><AgencyId>ILLIAD</AgencyId></FromAgencyId>
<ToAgencyId><AgencyId>ILLIAD</AgencyId></ToAgencyId></InitiationHeader>
<RequestId><RequestIdentifierValue>ILL-77</RequestIdentifierValue></RequestId>
<RequestedActionType>Hold For Pickup And Notify</RequestedActionType>
<UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId>
<ItemId><ItemIdentifierValue>ILL-77</ItemIdentifierValue></ItemId>
<ItemOptionalFields><BibliographicDescription><Title>Aniara</Title></BibliographicDescription></ItemOptionalFields>
</AcceptItem></NCIPMessage>"""

LACKS = "no secret at {}: the environment has no such variable, or it is empty"


def copy_example(name: str, folder: Path) -> Installation:
    """With a database, and without any secret."""
    shutil.copytree(ROOT / "tests" / "worked_examples" / name, folder)
    made = Installation(folder, 0, 0)
    made.run("init", "--empty")
    return made


def check(installation: Installation, *options: str) -> list[str]:
    """What it says, line by line, with files as they are in the example."""
    said = installation.run("check", *options, check=False).stdout
    return [line.strip() for line in said.replace(f"{installation.folder}/", "").splitlines()]


# --- one library with ILLiad and Koha ------------------------------------------------------------------------


@pytest.fixture
async def koha() -> AsyncIterator[FakeKoha]:
    async with running(FakeKoha()) as fake:
        yield fake


@pytest.fixture
async def riverside(tmp_path: Path, koha: FakeKoha) -> Installation:
    """Koha answers in this event loop, so commands run in threads."""
    made = await asyncio.to_thread(copy_example, "riverside", tmp_path / "riverside")
    text = made.config.read_text()
    assert "https://koha.riverside.example/api/v1" in text
    made.config.write_text(text.replace("https://koha.riverside.example", koha.url) + "http: {port: 0}\n")
    return made


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, koha: FakeKoha) -> None:
    monkeypatch.setenv("KOHA_SECRET", koha.access.client_secret)
    monkeypatch.setenv("ILLIAD_PASSWORD", "a-password-of-ours")


async def test_of_the_first_one_only_secrets_are_missed(riverside: Installation) -> None:
    assert await asyncio.to_thread(check, riverside) == [
        "installation:",
        f"gateway.yml:8: libraries.0.system.sign_in.client_secret: {LACKS.format('env:KOHA_SECRET')}",
        "illiad:",
        f"partners/illiad.yml:2: auth.0.secret: {LACKS.format('env:ILLIAD_PASSWORD')}",
        "2 problems; 1 profile, 0 examples run, 0 of them with their answer",
    ]


@pytest.mark.usefixtures("secrets")
async def test_of_the_first_one_there_is_nothing_to_say(riverside: Installation) -> None:
    assert await asyncio.to_thread(check, riverside) == [
        "no problems; 1 profile, 0 examples run, 0 of them with their answer"
    ]


@pytest.mark.usefixtures("secrets")
async def test_codes_that_koha_has_not_are_said_at_the_line_that_extends(riverside: Installation) -> None:
    """They are defaults, which no file says; nothing is said of patrons, whom ILLiad's addon can't create."""
    file = riverside.folder / "partners" / "illiad.yml"
    file.write_text(file.read_text().replace("  accept: {policy: ILL, library_use_policy: ILL}\n", ""))

    said = await asyncio.to_thread(check, riverside)

    unknown = "unknown item policy (the default; name another in the profile), found"
    assert said[1] == (
        f"partners/illiad.yml:1: circulation.accept.policy: {unknown} 'ill', allowed: BK, ILL, REF "
        "(did you mean 'ILL'?)"
    )
    assert said[2].startswith(f"partners/illiad.yml:1: circulation.accept.library_use_policy: {unknown}")
    assert said[3].startswith("2 problems; ")


@pytest.mark.usefixtures("secrets")
async def test_what_illiad_receives_waits_in_koha(riverside: Installation, koha: FakeKoha) -> None:
    adapters = load_adapters()
    gateway = Daemon(load_settings(riverside.config, adapters), adapters)
    await gateway.start()
    try:
        async with aiohttp.ClientSession() as session:
            outcomes = []
            for password in ("guessed", "a-password-of-ours"):
                url, signed_in = f"{gateway.url}/ncip/illiad", aiohttp.encode_basic_auth("illiad", password)
                async with session.post(url, data=ACCEPT_ITEM, headers={"Authorization": signed_in}) as answer:
                    parsed = etree.fromstring(await answer.read())
                    outcomes.append(parsed.findtext(".//{*}ItemIdentifierValue"))
    finally:
        await gateway.stop()

    assert outcomes == [None, "ILL-77"]
    assert [row["external_id"] for row in koha.state.items.values()].count("ILL-77") == 1
    assert len(koha.state.holds) == 1


# --- twelve libraries that lend to each other and share three partners ---------------------------------------


def test_of_twelve_libraries_it_is_said_what_each_lacks(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")

    said = check(valley)

    assert said[:3] == [
        "installation:",
        f"libraries/lib01/library.yml:5: system.api_key: {LACKS.format('env:LIB01_ALMA')}",
        f"libraries/lib02/library.yml:5: system.sign_in.client_secret: {LACKS.format('env:LIB02_KOHA')}",
    ]
    assert said[3:16] == ["british-library:"] + [
        f"partners/british-library.yml:{4 if number == 2 else 2}: artemail.customers.0.password: "
        f"for ISIL:US-{chr(64 + number) * 3}: {LACKS.format(f'env:LIB{number:02}_BL')}"
        for number in range(1, 13)
    ]
    assert said[16:19] == [
        "worldshare:",
        f"partners/worldshare.yml:2: auth.0.secret: {LACKS.format('env:OCLC_IN')}",
        "remarks:",
    ]
    assert all("nothing is set up in this library yet" in line for line in said[19:-1])
    assert said[-1].startswith("15 problems; 10 remarks; 15 profiles, ")


def test_three_files_and_eleven_members_are_the_partners_of_each_of_the_twelve(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")
    profiles = OpenedInstallation(valley.config).profiles.profiles

    for number in range(1, 13):
        code = chr(64 + number) * 3
        partners = profiles.of_library(f"ISIL:US-{code}")
        members = [f"lib{other:02}" for other in range(1, 13) if other != number]
        names = [profile.name for profile, _ in partners.partners]
        assert names == ["british-library", *members, "state", "worldshare"]
        sender = MessageSender("iso18626", path="worldshare", to_agency=f"OCLC:{code}")
        (candidate,) = profiles.find_candidates(sender)
        assert candidate.profile.library == f"ISIL:US-{code}"
        assert candidate.profile.dialects["iso18626"].model_dump()["symbols"]["ours"] == f"OCLC:{code}"
        bldss = partners.find_profile("british-library")
        assert bldss is not None
        (customer,) = bldss.dialects["artemail"].model_dump()["customers"]
        assert customer["code"] == ("99-0002" if number == 2 else "99-0001")
        assert customer["password"] == f"env:LIB{number:02}_BL"


def test_a_wrong_key_of_one_library_holds_that_one_back(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")
    with (valley.folder / "libraries" / "lib09" / "library.yml").open("a") as file:
        file.write("nmae: Ivy\n")

    said = check(valley)

    (wrong,) = [line for line in said if "nmae" in line]
    assert wrong.startswith("libraries/lib09/library.yml:5: nmae: unknown key")
    assert sum(": for ISIL:US-" in line for line in said) == 12, "its partners are looked at as those of the others"
    assert sum("nothing is set up" in line for line in said) == 9


def test_a_check_of_one_library_says_what_that_one_lacks(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")
    (valley.folder / "partners" / "broker.yml").write_text(
        "for: [lib03, lib05]\nextends: illiad-alma\nauth: [{kind: none}]\n"
    )
    with valley.config.open("a") as file:
        file.write("store: {password: env:DATABASE}\n")

    second, third = check(valley, "--library", "lib02"), check(valley, "--library", "ISIL:US-CCC")

    assert second == [
        "installation:",
        f"libraries/lib02/library.yml:5: system.sign_in.client_secret: {LACKS.format('env:LIB02_KOHA')}",
        "british-library:",
        f"partners/british-library.yml:4: artemail.customers.0.password: {LACKS.format('env:LIB02_BL')}",
        "worldshare:",
        f"partners/worldshare.yml:2: auth.0.secret: {LACKS.format('env:OCLC_IN')}",
        "3 problems; 14 profiles, 0 examples run, 0 of them with their answer",
    ]
    assert any(line.startswith("partners/broker.yml:3: auth.0.kind: lets everybody in") for line in third)
    assert [line.partition(": nothing is set up")[0] for line in third if "nothing is set up" in line] == [
        "libraries/lib03/library.yml:1: system"
    ]
    assert third[-1].startswith("2 problems; 2 remarks; 15 profiles, ")


def test_a_check_of_a_library_that_is_held_back_says_why(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")
    with (valley.folder / "libraries" / "lib09" / "library.yml").open("a") as file:
        file.write("nmae: Ivy\n")

    assert check(valley, "--library", "lib09")[1].startswith("libraries/lib09/library.yml:5: nmae: unknown")
    assert not any("nmae" in line for line in check(valley, "--library", "lib08"))
    refused = valley.run("check", "--library", "lib13", check=False)
    assert (refused.returncode, "library not found: lib13; libraries: lib01, lib02" in refused.stderr) == (2, True)


# --- three hundred libraries behind one broker ---------------------------------------------------------------

LOOKUP_USER = (
    '<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><LookupUser><UserId><UserIdentifierValue>21000000000017'
    "</UserIdentifierValue></UserId><UserElementType>Name Information</UserElementType></LookupUser></NCIPMessage>"
)

REQUEST = """\
<ISO18626Message xmlns="http://illtransactions.org/2013/iso18626" version="1.2"><request><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-ST117</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>US-BROKER</agencyIdValue></requestingAgencyId>
<timestamp>2026-12-01T10:00:00Z</timestamp><requestingAgencyRequestId>STATE-88</requestingAgencyRequestId></header>
<bibliographicInfo><title>Aniara</title></bibliographicInfo><serviceInfo><serviceType>Loan</serviceType></serviceInfo>
</request></ISO18626Message>"""


@pytest.fixture
def state(tmp_path: Path) -> Installation:
    made = copy_example("state", tmp_path / "state")
    made.run("library", "add", "--csv", str(made.folder / "members.csv"))
    return made


def test_of_three_hundred_libraries_only_secrets_are_missed(state: Installation) -> None:
    said = check(state)

    lacks = "no secret at file:libraries/lib{:03}/secrets/{}: No such file or directory"
    assert said[0] == "installation:"
    assert said[1:301] == [
        f"gateway.yml:8: defaults.system.sign_in.client_secret: {lacks.format(number, 'koha')}"
        for number in range(1, 301)
    ]
    at = "partners/broker.yml:4: iso18626.http.secret: for ISIL:US-ST"
    assert [line for line in said if line.startswith(at)] == [
        f"{at}{number:03}: {lacks.format(number, 'broker')}" for number in range(1, 301)
    ]
    assert said[-1].startswith("602 problems; 2 profiles, "), "the broker's two keys are the last ones"


async def test_the_broker_reaches_each_by_its_path_and_by_its_symbol(
    tmp_path: Path, koha: FakeKoha, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await asyncio.to_thread(copy_example, "state", tmp_path / "state")
    table = state.folder / "members.csv"
    text = table.read_text()
    assert "https://koha042.state.example" in text
    table.write_text(text.replace("https://koha042.state.example", koha.url))
    await asyncio.to_thread(state.run, "library", "add", "--csv", str(table))
    (state.folder / "libraries" / "lib042" / "secrets" / "koha").write_text(koha.access.client_secret)
    with state.config.open("a") as file:
        file.write("http: {port: 0}\n")
    monkeypatch.setenv("BROKER_IN", "a-key-for-requests")
    monkeypatch.setenv("BROKER_NCIP", "a-key-for-ncip")
    adapters = load_adapters()
    gateway = Daemon(load_settings(state.config, adapters), adapters)
    await gateway.start()
    try:
        async with aiohttp.ClientSession(gateway.url) as session:
            answers = []
            for path, body, key in (
                ("/ncip/lib042/broker-ncip", LOOKUP_USER, "a-key-for-ncip"),
                ("/ncip/broker-ncip", LOOKUP_USER, "a-key-for-ncip"),
                ("/iso18626/broker", REQUEST, "a-key-for-requests"),
                ("/iso18626/broker", REQUEST.replace("US-ST117", "US-ST301"), "a-key-for-requests"),
            ):
                async with session.post(path, data=body.encode(), headers={"Authorization": f"Bearer {key}"}) as answer:
                    answers.append(await answer.text())
        journal = await read_journal(gateway)
    finally:
        await gateway.stop()

    assert "<Surname>" in answers[0].replace("ns1:", "")
    assert "Send it to /ncip/LIBRARY/broker-ncip." in answers[1]
    assert "<messageStatus>OK</messageStatus>" in answers[2]
    assert journal == [("ISIL:US-ST042", "ok"), ("", "refused"), ("ISIL:US-ST117", "ok"), ("", "refused")]


def test_a_key_that_lacks_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")
    (valley.folder / "partners" / "broker.yml").write_text(
        "for: [lib03, lib05]\nextends: illiad-alma\n"
        'auth: [{kind: path-key, secret: "file:libraries/{library}/secrets/illiad"}]\n'
    )
    keys = [valley.folder / "libraries" / short / "secrets" / "illiad" for short in ("lib03", "lib05")]

    listed = valley.run("partner", "secret", "--missing", "--dry-run").stdout
    assert not any(key.exists() for key in keys)
    keys[1].parent.mkdir(mode=0o700)
    keys[1].write_text("given by hand")
    made = valley.run("partner", "secret", "--missing").stdout

    assert [line.split() for line in listed.splitlines()[1:]] == [
        ["broker", f"ISIL:US-{code}", f"libraries/{short}/secrets/illiad"]
        for code, short in (("CCC", "lib03"), ("EEE", "lib05"))
    ]
    assert [line.split()[0] for line in made.splitlines()] == ["PARTNER", "broker"]
    assert len(keys[0].read_text().strip()) == 43
    assert (keys[0].stat().st_mode & 0o777, keys[0].parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert keys[1].read_text() == "given by hand"
    assert valley.run("partner", "secret", "--missing").stdout == "no key is missing\n"


CEDARS_CODES = """\
branches: {MAIN: {name: Cedar, pickup: true, shelves: {ill: Interlibrary loan}}}
categories: {visitor: {name: Other libraries}}
policies: {FERN: {name: Interlibrary loan}}
loan_rules: [{loan_days: 28, renewals: 2, renewal_days: 28}]
"""


def test_codes_that_a_members_system_has_not_are_said_once_at_the_line_of_the_mesh(tmp_path: Path) -> None:
    valley = copy_example("valley", tmp_path / "valley")
    (tmp_path / "codes.yml").write_text(CEDARS_CODES)
    valley.run("library", "--library", "lib03", "import", "setup", str(tmp_path / "codes.yml"))

    said = [line for line in check(valley) if line.startswith("groups.yml:")]
    said_of_cedar = [line for line in check(valley, "--library", "lib03") if line.startswith("groups.yml:")]
    with (valley.folder / "groups.yml").open("a") as file:
        file.write("  each: {lib03: {circulation: {accept: {policy: FERN, library_use_policy: FERN}}}}\n")

    unknown = "unknown item policy (the default; name another in the profile), found"
    assert said == [
        f"groups.yml:4: circulation.accept.policy: for ISIL:US-CCC: {unknown} 'ill', allowed: FERN",
        f"groups.yml:4: circulation.accept.library_use_policy: for ISIL:US-CCC: {unknown} 'ill-library-use', "
        "allowed: FERN",
    ]
    assert said_of_cedar == [line.replace("for ISIL:US-CCC: ", "") for line in said]
    assert not any(line.startswith("groups.yml:") for line in check(valley))
