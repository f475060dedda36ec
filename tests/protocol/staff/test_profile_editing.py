"""Profiles changed at their page: checked, compared, saved into their file, brought back; files stay the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.services.operation.gateway_operation import ProfileState
from gateway.store import profile_versions
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import PATRON, Answer, Running, on_both, running
from tests.protocol.staff.request_scenes import hear_program, library_context
from tests.protocol.staff.support import PASSWORD, Colleague, colleague, wait_until_password_is_asked
from tests.protocol.staff.test_operation_pages import GOOD_PROFILE, words_of
from tests.support.daemon import Installation

SECRET = "Кот в мешке"
WRITTEN = f"# password: env:PARTNER\n{GOOD_PROFILE}"
WITH_SECRET = f"# old password: '{SECRET}'\n{GOOD_PROFILE}"
EDIT = "/operation/profiles/sahil/edit"


@pytest.fixture
def file(installation: Installation) -> Path:
    path = installation.folder / "profiles" / "sahil.yml"
    for other in path.parent.glob("*.yml"):
        if other.stem != "ncip2":
            other.unlink()
    path.write_text(WRITTEN, encoding="utf-8")
    path.chmod(0o640)
    return path


@pytest.fixture
async def gateway(installation: Installation, file: Path) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES, staff={"edit_profiles": True}, profiles={"reload": False}) as one:
        yield one


@pytest.fixture
async def olga(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "o.brandt", "operator", shown_name="Olga Brandt") as somebody:
        yield somebody


def read_text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def read_mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def read_form(page: Answer) -> dict[str, str]:
    """Of the text that is being changed."""
    (text,) = page.tree.xpath("//textarea[@name='text']")
    (base,) = page.tree.xpath("//form[.//textarea]//input[@name='base']/@value")
    return {"step": "check", "text": text.text_content().removeprefix("\n"), "base": str(base)}


def read_save_form(page: Answer) -> dict[str, str]:
    """Of the last step, as a browser sends it: with the line ends of forms."""
    fields = {
        name: page.tree.xpath(f"//form[.//input[@name='reason']]//input[@name='{name}']/@value")[0]
        for name in ("step", "text", "base", "reason")
    }
    return {name: str(value).replace("\n", "\r\n") for name, value in fields.items()}


async def check(olga: Colleague, old: str, new: str) -> Answer:
    form = read_form(await olga.get(EDIT))
    assert old in form["text"]
    return await olga.post(EDIT, {**form, "text": form["text"].replace(old, new).replace("\n", "\r\n")})


def find_state(gateway: Running, name: str) -> ProfileState:
    pages = gateway.gateway._staff_pages
    assert pages is not None
    return pages._parts.operations["DEMO"].find_profile(name)


def channel_of(gateway: Running) -> str:
    loaded = find_state(gateway, "sahil").loaded
    assert loaded is not None
    assert loaded.profile.partner is not None
    return loaded.profile.partner.email


@on_both
async def test_a_change_is_shown_then_saved_then_in_use(gateway: Running, olga: Colleague, file: Path) -> None:
    shown = await check(olga, "ill@sahil", "loans@sahil")

    changes = words_of(shown, "Changes")
    assert "− removed: email: ill@sahil.example" in changes
    assert "+ added: email: loans@sahil.example" in changes
    assert read_text(file) == WRITTEN
    fields = read_save_form(shown)
    assert (await olga.post(EDIT, fields)).status == 422, "no reason"
    saved = await olga.post(EDIT, {**fields, "reason": "new desk"})

    assert "Saved and in use." in saved.text
    assert read_text(file) == WRITTEN.replace("ill@sahil", "loans@sahil")
    assert read_mode(file) == 0o640
    assert [one.name for one in file.parent.glob(".*")] == []
    assert channel_of(gateway) == "loans@sahil.example"
    log = " ".join((await olga.get("/audit")).tree.xpath("string(//main)").split())
    assert "o.brandt changed the profile sahil new desk" in log


@on_both
async def test_a_change_is_taken_back_in_two_clicks(gateway: Running, olga: Colleague, file: Path) -> None:
    changed = read_save_form(await check(olga, "ill@sahil", "loans@sahil"))
    await olga.post(EDIT, {**changed, "reason": "new desk"})
    history = await olga.get("/operation/profiles/sahil/history")
    assert [" ".join(row.xpath("string(td[2])").split()) for row in history.tree.xpath("//main//tbody/tr")] == [
        "Olga Brandt",
        "edited as a file",
    ]
    assert "new desk" in history.text

    oldest = str(history.tree.xpath("//main//tbody/tr[2]//a/@href")[0])
    version = await olga.browser.get(oldest)
    await olga.post(EDIT, read_save_form(version))

    assert read_text(file) == WRITTEN
    assert channel_of(gateway) == "ill@sahil.example"
    assert "The file already has this text." in (await olga.browser.get(oldest)).text
    stored = await library_context(gateway).store.read(
        lambda c: profile_versions.list_profile_versions(c, ("", "DEMO"), "sahil")
    )
    assert len(stored) == 3
    assert all("env:PARTNER" in one.content for one in stored)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "A secret is written in the file"), ("de", "In der Datei steht ein Geheimnis")]
)
async def test_a_file_with_a_secret_in_it_is_neither_shown_nor_edited(
    gateway: Running, olga: Colleague, file: Path, language: str, words: str
) -> None:
    draft = read_save_form(await check(olga, "ill@sahil", "loans@sahil"))
    write_text(file, WITH_SECRET)
    page, editor = [
        await olga.get(f"{address}?ui_language={language}") for address in ("/operation/profiles/sahil", EDIT)
    ]

    assert words in page.text
    assert words in editor.text
    assert SECRET not in page.text + editor.text
    assert (await olga.post(EDIT, {**draft, "reason": "new desk"})).status == 422
    assert read_text(file) == WITH_SECRET
    assert (
        await library_context(gateway).store.read(
            lambda c: profile_versions.list_profile_versions(c, ("", "DEMO"), "sahil")
        )
        == ()
    )


async def test_an_edit_of_the_file_meanwhile_is_shown_and_not_lost(
    gateway: Running, olga: Colleague, file: Path
) -> None:
    fields = read_save_form(await check(olga, "ill@sahil", "loans@sahil"))
    elsewhere = WRITTEN.replace("SAHIL", "SAHIL, SAHIL2")
    write_text(file, elsewhere)

    page = await olga.post(EDIT, {**fields, "reason": "new desk"})

    assert page.status == 422
    assert read_text(file) == elsewhere
    assert "added: symbols: [SAHIL, SAHIL2]" in words_of(page, "The file has changed")
    assert "edited, not loaded yet" in (await olga.get("/operation/profiles/sahil")).text
    again = await olga.post(EDIT, read_form(page))
    assert "removed: symbols: [SAHIL, SAHIL2]" in words_of(again, "Changes"), "it is said what would go"
    both = {**read_form(page), "text": read_form(page)["text"].replace("[SAHIL]", "[SAHIL, SAHIL2]")}
    await olga.post(EDIT, {**read_save_form(await olga.post(EDIT, both)), "reason": "both"})
    assert read_text(file) == elsewhere.replace("ill@sahil", "loans@sahil")
    assert "3 versions" in (await olga.get("/operation/profiles/sahil/history")).text


async def test_what_is_wrong_stands_at_its_line_and_is_not_saved(olga: Colleague, file: Path) -> None:
    for old, new, line in (
        ("channel: mail", "channel: pigeon", 6),
        ("  name", "  - name", 4),  # not YAML
        ("symbols: [SAHIL]", "symbols: [SAHIL]\n  secret: hunter2", 4),
        ("channel: mail", "channel: [mail", 7),  # behind the last line
    ):
        page = await check(olga, old, new)

        assert page.status == 422, new
        assert page.tree.xpath(f"//section[@aria-labelledby='wrong']//a[@href='#line-{line}']"), new
        assert page.tree.xpath(f"//*[@id='line-{line}']/mark"), new
        assert not page.tree.xpath("//input[@name='reason']"), new
        form = read_form(page)
        assert (await olga.post(EDIT, {**form, "step": "save", "reason": "all the same"})).status == 422, new
    assert read_text(file) == WRITTEN


async def test_no_secret_is_written_at_the_page(olga: Colleague, file: Path) -> None:
    page = await check(olga, "password: env:PARTNER", f"password: {SECRET}")

    assert page.status == 422
    assert "a secret is written here" in words_of(page, "Errors")
    assert (await olga.post(EDIT, {**read_form(page), "step": "save", "reason": "all the same"})).status == 422
    assert read_text(file) == WRITTEN


async def test_rules_for_requests_that_name_it_are_looked_at_too(installation: Installation, file: Path) -> None:
    rules = {**RULES, "rotas": {"near": {"lines": [{"partner": "sahil"}]}}}
    async with (
        running(installation, rules=rules, staff={"edit_profiles": True}) as gateway,
        colleague(gateway, "o.brandt", "operator") as olga,
    ):
        page = await check(olga, "partner:", "library: DEMO\nabstract: true\npartner:")

        assert page.status == 422
        assert "rotas.near.lines.0" in words_of(page, "Errors")


async def test_a_new_profile_begins_as_another_one(gateway: Running, olga: Colleague, file: Path) -> None:
    assert (await olga.post("/operation/new-profile", {"name": "../sahil", "extends": "sahil"})).status == 422
    assert (await olga.post("/operation/new-profile", {"name": "sahil", "extends": "sahil"})).status == 422

    page = await olga.post("/operation/new-profile", {"name": "north", "extends": "ncip2"})
    form = read_form(page)
    text = f"{form['text']}partner:\n  symbols: [НОРД]\n  name: Библиотека Норд\n"
    shown = await olga.post("/operation/profiles/north/edit", {**form, "text": text})
    assert not (file.parent / "north.yml").exists()
    (file.parent / "base.yml").write_text("extends: ncip2\nabstract: true\n")
    await olga.post("/operation/profiles/north/edit", {**read_save_form(shown), "reason": "a new partner"})

    assert read_text(file.parent / "north.yml").endswith("Норд\n")
    assert find_state(gateway, "north").loaded is not None
    everything, in_use = [await olga.get(f"/operation/profiles{query}") for query in ("", "?status=in-use")]
    assert "north" in in_use.tree.xpath("//tbody//a/text()")
    assert ["for extending only" in page.text for page in (everything, in_use)] == [True, False]
    values = await olga.get("/operation/profiles/north/values")
    assert "Библиотека Норд" in values.text
    assert "# ncip2.yml, line " in values.text, "of the folder nothing"
    assert "# default" not in values.text


async def test_a_new_partner_begins_as_a_shipped_profile(installation: Installation, file: Path) -> None:
    partners = installation.folder / "partners"
    partners.mkdir()
    async with (
        running(installation, rules=RULES, staff={"edit_profiles": True}, profiles={"reload": False}) as gateway,
        colleague(gateway, "o.brandt", "operator") as olga,
    ):
        form = read_form(await olga.post("/operation/new-profile", {"name": "oclc", "extends": "worldshare"}))
        shown = await olga.post("/operation/profiles/oclc/edit", {**form, "text": f"{form['text']}match: []\n"})
        await olga.post("/operation/profiles/oclc/edit", {**read_save_form(shown), "reason": "a new partner"})
        offered = (await olga.get("/operation/new-profile")).tree.xpath("//select[@name='extends']/option/@value")

        assert find_state(gateway, "oclc").loaded is not None
    first, *_ = read_text(partners / "oclc.yml").splitlines()
    assert first == "# yaml-language-server: $schema=../profiles/schema.json"
    assert ("worldshare" in offered, "sahil" in offered, "oclc" in offered) == (True, True, False)


async def test_the_own_password_is_asked_for_again(gateway: Running, olga: Colleague, file: Path) -> None:
    fields = {**read_save_form(await check(olga, "ill@sahil", "loans@sahil")), "reason": "new desk"}
    await wait_until_password_is_asked(gateway)

    assert (await olga.post(EDIT, {**fields, "own_password": "falsch"})).status == 422
    assert read_text(file) == WRITTEN
    await olga.post(EDIT, {**fields, "own_password": PASSWORD})
    assert "loans@sahil" in read_text(file)


async def test_two_saves_at_once_are_one_save_and_one_notice(olga: Colleague, file: Path) -> None:
    one = {**read_save_form(await check(olga, "ill@sahil", "loans@sahil")), "reason": "loans"}
    other = {**read_save_form(await check(olga, "ill@sahil", "desk@sahil")), "reason": "desk"}

    answers = await asyncio.gather(*(olga.post(EDIT, {**fields}, follow=False) for fields in (one, other)))

    assert sorted(answer.status for answer in answers) == [303, 422]


async def test_without_the_setting_nothing_can_be_changed(installation: Installation, file: Path) -> None:
    async with (
        running(installation, rules=RULES) as gateway,
        colleague(gateway, "o.brandt", "operator") as olga,
    ):
        page = await olga.get("/operation/profiles/sahil")
        assert not page.tree.xpath(f"//a[@href='/staff{EDIT}']")
        assert "Set staff.edit_profiles in gateway.yml to enable it" in page.text
        form = read_form(await olga.get(EDIT))
        saving = {**form, "text": form["text"].replace("ill@", "loans@"), "step": "save", "reason": "x"}

        assert (await olga.post(EDIT, saving)).status == 422
        assert read_text(file) == WRITTEN


async def test_a_profile_of_all_libraries_is_changed_by_who_runs_all_of_them(
    installation: Installation, file: Path
) -> None:
    altona = {"symbol": "ALT", "name": "Altona", "requests": "requests-alt.yml"}
    (file.parent / "ncip2.yml").unlink()
    write_text(file, "library: DEMO\n" + WRITTEN)
    write_text(file.parent / "base.yml", "abstract: true\nmax_bytes: 5000\n")
    sections = {"other_libraries": [altona], "staff": {"edit_profiles": True}}
    (installation.folder / "requests-alt.yml").write_text("{}\n", encoding="utf-8")
    async with (
        running(installation, rules=RULES, **sections) as gateway,
        colleague(gateway, "o.brandt", "operator") as olga,
    ):
        assert read_save_form(await check(olga, "ill@sahil", "loans@sahil"))
        address = "/operation/profiles/base/edit"
        form = read_form(await olga.get(address))
        saving = {**form, "text": "abstract: true\nmax_bytes: 6000\n", "step": "save", "reason": "more"}
        page = await olga.post(address, saving)

        assert "This profile is also used by ALT, which you do not administer." in page.text
        assert read_text(file.parent / "base.yml") == "abstract: true\nmax_bytes: 5000\n"


async def test_messages_with_which_a_draft_was_tried_are_next_once_it_is_saved(
    gateway: Running, olga: Colleague
) -> None:
    await hear_program(gateway, "check-out", patron=PATRON, item="ILL-1")
    address = "/operation/profiles/ncip2/edit"
    form = read_form(await olga.get(address))
    tried = await olga.post(address, {**form, "text": f"# as they send it\n{form['text']}", "step": "try"})
    assert "1 refused message of the last 7 days" in tried.text
    assert tried.tree.xpath("//button[@name='then']/@value") == ["replay"]

    saved = await olga.post(address, {**read_save_form(tried), "reason": "a habit", "then": "replay"})

    assert "Saved and in use." in saved.text
    (replay,) = saved.tree.xpath("//form[contains(@action, '/operation/replays/preview')]")
    fields = {str(one.get("name")): str(one.get("value")) for one in replay.xpath(".//input[@type='hidden']")}
    assert (fields["profile"], fields["outcome"]) == ("ncip2", "refused")
    preview = await olga.post("/operation/replays/preview", fields)
    assert preview.hidden("agreed") == "1"
