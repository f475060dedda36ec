"""Accounts of staff at /staff/users: who may change whom, one's own password first, and what the audit log keeps."""

from __future__ import annotations

import re

import pytest

from gateway.domain.roles import RoleGrant, StaffRole
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import (
    BY_TEST,
    PASSWORD,
    colleague,
    make_user,
    user_service,
    wait_until_password_is_asked,
)
from tests.support.daemon import Installation

NEW_PASSWORD = "fünf Wörter sind besser"
SCRIPT = "<script>alert(1)</script>"


async def roles_of(gateway: Running, name: str) -> list[str]:
    user = await user_service(gateway).find_user(name)
    return [str(grant) for grant in user.grants]


async def test_a_manager_makes_a_user_who_can_sign_in(gateway: Running) -> None:
    async with colleague(gateway, "m.eriksen", "manager") as manager, colleague(gateway) as desk:
        fields = {
            "name": "Desk-East",
            "shown_name": "Empfang Ost",
            "email": "ost@riverside.example",
            "role-patron-services": "yes",
            "branch-patron-services": "EAST NORTH",
            "new_password": NEW_PASSWORD,
        }

        form = await manager.get("/new-user")
        done = await manager.post("/new-user", fields)

        assert "MAIN Central Library" in form.tree.get_element_by_id("branch-patron-services-hint").text_content()
        assert done.tree.find(".//h1").text_content() == "Empfang Ost"
        assert "The account Empfang Ost can sign in." in done.text
        assert NEW_PASSWORD not in done.text
        assert await roles_of(gateway, "desk-east") == ["patron-services@EAST", "patron-services@NORTH"]
        assert (await desk.sign_in("desk-east", NEW_PASSWORD)).title == "Work queue"


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"name": ""}, "name", "Please fill in “User name”."),
        ({"name": "ein Name"}, "name", "2 to 100 lower-case letters"),
        ({"name": "m.eriksen"}, "name", "An account with this name already exists."),
        ({"email": "nirgends"}, "email", "This is not a valid email address."),
        ({"new_password": "kurz"}, "new_password", "at least 12 characters"),
        ({"role-staff": ""}, "role-patron-services", "Please choose a role"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    gateway: Running, change: dict[str, str], field: str, why: str
) -> None:
    async with colleague(gateway, "m.eriksen", "manager") as manager:
        fields = {"name": "neu", "shown_name": "Neue", "role-staff": "yes", "new_password": NEW_PASSWORD, **change}

        answer = await manager.post("/new-user", {name: value for name, value in fields.items() if value})

        assert answer.status == 422
        assert answer.tree.xpath(f"//div[@role='alert']//a[@href='#{field}']"), answer.text
        assert why in answer.text
        assert answer.tree.xpath("//input[@name='shown_name']/@value") == ["Neue"]
        assert NEW_PASSWORD not in answer.text


async def test_a_manager_makes_no_operator(gateway: Running) -> None:
    async with colleague(gateway, "m.eriksen", "manager") as manager:
        form = await manager.get("/new-user")
        assert form.tree.xpath("//input[@name='role-operator']/@disabled") == ["disabled"]

        await manager.post(
            "/new-user", {"name": "neu", "role-operator": "yes", "role-staff": "yes", "new_password": NEW_PASSWORD}
        )

        assert await roles_of(gateway, "neu") == ["staff"]


@pytest.mark.parametrize("act", ["details", "roles", "password", "state"])
async def test_a_manager_changes_neither_operators_nor_oneself(gateway: Running, act: str) -> None:
    async with colleague(gateway, "m.eriksen", "manager") as manager:
        await make_user(gateway, "j.tanaka", "operator", "staff")
        for name in ("j.tanaka", "m.eriksen"):
            fields = {"state": "disabled", "new_password": NEW_PASSWORD, "role-staff": "yes", "shown_name": "Anders"}
            assert (await manager.post(f"/users/{name}/{act}", fields)).status == 403
            assert "Save roles" not in (await manager.get(f"/users/{name}")).text
        assert await roles_of(gateway, "j.tanaka") == ["staff", "operator"]


async def test_roles_are_set_in_place_of_those_of_before(gateway: Running) -> None:
    async with colleague(gateway, "j.tanaka", "operator") as operator:
        await make_user(gateway, "ruth", "staff", "manager")

        await operator.post("/users/ruth/roles", {"role-clearance": "yes"})

        assert await roles_of(gateway, "ruth") == ["clearance"]


async def test_the_password_is_asked_again_before_accounts_are_changed(gateway: Running) -> None:
    async with colleague(gateway, "m.eriksen", "manager") as manager:
        await make_user(gateway, "ruth", "staff")
        await wait_until_password_is_asked(gateway)

        form = await manager.get("/users/ruth")
        assert len(form.tree.xpath("//input[@name='own_password']")) == 4
        ids = [str(one) for one in form.tree.xpath("//@id")]
        assert len(ids) == len(set(ids))
        refused = await manager.post("/users/ruth/state", {"state": "disabled"})
        assert refused.status == 422
        assert "This is not your password." in refused.text
        wrong = await manager.post("/users/ruth/state", {"state": "disabled", "own_password": "geraten"})
        assert wrong.status == 422
        (said,) = wrong.tree.xpath("//input[@name='own_password'][@aria-invalid]")
        assert said.getparent().getparent().get("action").endswith("/users/ruth/state"), "of the form that was sent"
        assert wrong.tree.xpath("//*[@id='summary']//a/@href") == [f"#{said.get('id')}"]
        done = await manager.post("/users/ruth/state", {"state": "disabled", "own_password": PASSWORD})

        assert "The account ruth is disabled." in done.text
        assert not (await manager.get("/users/ruth")).tree.xpath("//input[@name='own_password']")


async def test_other_roles_and_a_new_password_end_sessions(gateway: Running) -> None:
    async with colleague(gateway, "m.eriksen", "manager") as manager, colleague(gateway, "ruth", "staff") as ruth:
        await manager.post("/users/ruth/roles", {"role-manager": "yes"})
        assert (await ruth.get("/account", follow=False)).status == 303
        await ruth.sign_in("ruth")

        await manager.post("/users/ruth/password", {"new_password": NEW_PASSWORD})

        assert (await ruth.get("/account", follow=False)).status == 303
        assert (await ruth.sign_in("ruth")).status == 422
        assert (await ruth.sign_in("ruth", NEW_PASSWORD)).title == "Work queue"


async def test_the_audit_log_is_a_page_with_older_ones(gateway: Running) -> None:
    async with colleague(gateway, "m.eriksen", "manager", shown_name="مريم إريكسن") as manager:
        await make_user(gateway, "ruth", "staff")
        await manager.post("/users/ruth/state", {"state": "disabled"})

        page = await manager.get("/audit")
        rows = [" ".join(row.text_content().split()) for row in page.tree.xpath("//tbody/tr")]
        assert "مريم إريكسن m.eriksen disabled the account ruth" in rows[0]
        assert rows[0].endswith("127.0.0.1")
        assert "created the account ruth (Interlibrary loan staff)" in rows[1]
        await manager.get("?ui_language=de")
        german = (await manager.get("/audit")).tree.xpath("//tbody/tr")
        said = [" ".join(row.text_content().split()) for row in german]
        assert "hat das Konto ruth angelegt (Fernleihe)" in said[1]
        assert "angemeldet (mit Passwort)" in said[2]
        await manager.get("?ui_language=en")
        of_ruth = await manager.get("/audit?user=ruth")
        assert "No entries yet." in of_ruth.text


async def test_the_audit_log_leads_to_a_message_where_it_can_be_opened(gateway: Running) -> None:
    async with (
        colleague(gateway, "j.tanaka", "operator", "manager") as both,
        colleague(gateway, "m.eriksen", "manager") as manager,
    ):
        await user_service(gateway, "DEMO").log_message_replay("0661-1", BY_TEST)

        link = '//a[contains(@href, "/operation/journal/0661-1")]'
        assert (await both.get("/audit")).tree.xpath(link)
        assert not (await manager.get("/audit")).tree.xpath(link)


async def test_nothing_that_somebody_types_becomes_markup(gateway: Running) -> None:
    async with colleague(gateway, "j.tanaka", "operator") as operator:
        await make_user(gateway, "ruth", f"patron-services@{SCRIPT.replace(' ', '')}", shown_name=SCRIPT)

        for path in ("/users", "/users/ruth", f"/audit?user={SCRIPT}", f"/sign-in?back={SCRIPT}", f"/{SCRIPT}"):
            assert SCRIPT not in (await operator.get(path)).text
        answer = await operator.post("/new-user", {"name": SCRIPT, "shown_name": SCRIPT, "email": f'"{SCRIPT}'})
        assert answer.status == 422
        assert SCRIPT not in answer.text


async def test_the_address_names_the_library(installation: Installation) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    others = [{"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}}]
    others[0]["brand"] = {"home": "https://fjord.example/"}
    async with running(installation, other_libraries=others) as gateway, colleague(gateway) as ruth:
        user = await make_user(gateway, "ruth", "manager")
        await gateway.gateway.managed.libraries["FJORD"].users.set_roles(
            user, [RoleGrant("FJORD", StaffRole.STAFF)], BY_TEST
        )
        assert not re.search("Bibliothèque|fjord.example", (await ruth.get("/sign-in")).text)
        form = await ruth.get("/fjord/borrowing?task=overdue")
        assert form.tree.xpath("string(//p[@class='library'])") == "Bibliothèque du Fjord"
        assert form.tree.xpath("//p[@class='library']/a/@href") == ["https://fjord.example/"]
        page = await ruth.sign_in("ruth", back=form.hidden("back"))
        assert (page.url.removeprefix(gateway.url), page.title) == ("/staff/fjord/borrowing?task=overdue", "Overdue")
        assert (await ruth.get("/borrowing", follow=False)).headers["Location"] == "/staff/fjord/borrowing"
        switches = page.tree.xpath("//details[summary='Libraries']//a/@href")
        assert switches == ["/staff/office", "/staff/demo", "/staff/fjord"]

        one_tab = await ruth.get("/demo/new-user")
        other_tab = await ruth.get("/fjord/new-user")
        fields = {"name": "ana", "shown_name": "Ana", "role-staff": "yes", "new_password": NEW_PASSWORD}
        added = await ruth.post("/demo/new-user", fields, token=one_tab.hidden("csrf"))

        assert (one_tab.status, other_tab.status, added.title) == (200, 403, "Ana")
        assert await roles_of(gateway, "ana") == ["staff"]
        last = await ruth.get("/borrowing", follow=False)
        assert (last.status, last.headers["Location"]) == (303, "/staff/demo/borrowing")
        async with colleague(gateway) as ana:
            await ana.sign_in("ana", NEW_PASSWORD)
            tried = [await ana.get(path) for path in ("/fjord/borrowing", "/oslo/borrowing", "/fjord/sign-in/proxy")]
            tried.append(await ana.post("/fjord/account/library", {"library": "FJORD"}))
        assert [answer.status for answer in tried] == [403, 404, 404, 403]


async def test_of_several_libraries_one_is_worked_for(installation: Installation) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    others = [{"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}}]
    async with running(installation, other_libraries=others) as gateway, colleague(gateway) as ruth:
        user = await make_user(gateway, "ruth", "manager")
        await make_user(gateway, "elsewhere", "staff", library="FJORD")
        await gateway.gateway.managed.libraries["FJORD"].users.set_roles(
            user, [RoleGrant("FJORD", StaffRole.STAFF)], BY_TEST
        )
        await ruth.sign_in("ruth")
        assert "elsewhere" not in (await ruth.get("/users")).text

        done = await ruth.post("/account/library", {"library": "FJORD"})

        assert "You now work for Bibliothèque du Fjord." in done.text
        assert '<option value="FJORD" selected>' in (await ruth.get("/account")).text
        assert (await ruth.get("/users")).status == 403
        assert (await ruth.post("/account/library", {"library": "NOWHERE"})).status == 403
