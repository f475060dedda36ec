"""Who an account at the identity provider is: issuer and subject, whatever name it has today."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from gateway.domain.problems import RefusalReason, Refused
from gateway.services.people.users import UserDraft
from gateway.store.staff_identities import staff_identity
from tests.protocol.pages.provider import Provider
from tests.protocol.pages.support import Running
from tests.protocol.staff.support import BY_TEST, Colleague, colleague, make_user, user_service
from tests.protocol.staff.test_oidc import START, signing_in
from tests.support.daemon import Installation


def say(idp: Provider, subject: str, **claims: str) -> None:
    idp.claims = {"sub": subject, **claims}


async def sign_in_anew(somebody: Colleague) -> tuple[int, str]:
    somebody.browser.cookies.clear()
    answer = await somebody.get(START)
    return answer.status, answer.title


async def find_linked(gateway: Running, name: str) -> bool:
    return (await user_service(gateway).find_user(name)).linked is not None


async def test_who_has_signed_in_once_is_known_by_subject_whatever_the_name(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        for claims in ({"preferred_username": "R.Okafor"}, {"preferred_username": "r.tanaka"}, {}):
            say(idp, "248289761001", **claims)
            assert await sign_in_anew(ruth) == (200, "Your account")


async def test_a_name_that_is_somebody_elses_now_opens_nothing(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        assert await sign_in_anew(ruth) == (200, "Your account")

        say(idp, "another person", preferred_username="r.okafor")

        assert (await sign_in_anew(ruth))[0] == 403
        say(idp, "248289761001", preferred_username="r.okafor")
        assert await sign_in_anew(ruth) == (200, "Your account")


async def test_subjects_are_compared_as_they_are(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        say(idp, "aBc", preferred_username="r.okafor")
        assert await sign_in_anew(ruth) == (200, "Your account")
        say(idp, "AbC", preferred_username="r.okafor")
        assert (await sign_in_anew(ruth))[0] == 403


@pytest.mark.parametrize("taken", ["r.okafor", "R.Okafor"])
async def test_taking_somebodys_name_shuts_nobody_out(installation: Installation, taken: str) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        users = user_service(gateway)
        other = await make_user(gateway, "other", "staff")

        with pytest.raises(Refused) as refused:
            await make_user(gateway, "third", "staff", subject=taken)
        assert refused.value.reason is RefusalReason.IN_USE
        with pytest.raises(Refused):
            await users.change_details(other, "Other", "", taken, BY_TEST)

        assert await sign_in_anew(ruth) == (200, "Your account")
        await users.change_details(other, "Other", "", taken, BY_TEST)  # it means nothing any more
        assert await sign_in_anew(ruth) == (200, "Your account")
        assert not await find_linked(gateway, "other")


async def test_nor_does_an_account_by_the_name_that_another_is_expected_under(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        idp.claims = {"preferred_username": "u-1"}
        await make_user(gateway, "r.okafor", "staff", subject="u-1")

        async with colleague(gateway, "m.eriksen", "manager") as manager:
            fields = {"name": "u-1", "role-staff": "yes", "new_password": "fünf Wörter sind besser"}
            answer = await manager.post("/new-user", fields)

        assert answer.status == 422
        assert "Another account is expected under this name" in answer.text
        assert await sign_in_anew(ruth) == (200, "Your account")


async def test_another_issuer_is_another_person(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        assert await sign_in_anew(ruth) == (200, "Your account")
        store = gateway.requests().context.store
        await store.write(lambda c: c.execute(update(staff_identity).values(issuer="https://before.example")))
        assert (await sign_in_anew(ruth))[0] == 403


async def test_a_removed_link_waits_for_the_next(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, idp, ruth):
        await make_user(gateway, "r.okafor", "staff", password="")
        assert await sign_in_anew(ruth) == (200, "Your account")

        async with colleague(gateway, "m.eriksen", "manager") as manager:
            shown = await manager.get("/users/r.okafor")
            assert "Remove link" in shown.text
            done = await manager.post("/users/r.okafor/identity", {})
            assert "The link has been removed." in done.text
            assert "Remove link" not in done.text
        assert (await ruth.get("/account", follow=False)).status == 303, "sessions end"
        say(idp, "a new account", preferred_username="r.okafor")
        assert await sign_in_anew(ruth) == (200, "Your account")
        say(idp, "248289761001", preferred_username="r.okafor")
        assert (await sign_in_anew(ruth))[0] == 403

        entries = await user_service(gateway).list_audit_entries(20)
        assert [one.action for one in entries if one.action.startswith("identity")] == [
            "identity-linked",
            "identity-unlinked",
            "identity-linked",
        ]


async def test_another_name_at_the_provider_ends_what_the_linked_person_has_open(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth):
        user = await make_user(gateway, "r.okafor", "staff", password="")
        assert await sign_in_anew(ruth) == (200, "Your account")
        users = user_service(gateway)
        user = await users.change_details(user, "Ruth Okafor", "r@demo.example", "", BY_TEST)
        assert (await ruth.get("/account", follow=False)).status == 200

        await users.change_details(user, "Ruth Okafor", "r@demo.example", "u-2", BY_TEST)

        assert (await ruth.get("/account", follow=False)).status == 303
        assert not await find_linked(gateway, "r.okafor")


async def test_details_leave_the_name_at_the_provider_where_nobody_asks_for_it(gateway: Running) -> None:
    """Such as while the provider is left out of gateway.yml."""
    await make_user(gateway, "r.okafor", "staff", subject="u-1")
    async with colleague(gateway, "m.eriksen", "manager") as manager:
        await manager.post("/users/r.okafor/details", {"shown_name": "Ruth Okafor", "email": ""})
    user = await user_service(gateway).find_user("r.okafor")
    assert (user.shown_name, user.subject) == ("Ruth Okafor", "u-1")


async def test_a_disabled_account_is_not_linked(installation: Installation) -> None:
    async with signing_in(installation) as (gateway, _idp, ruth):
        user = await make_user(gateway, "r.okafor", "staff")
        await user_service(gateway).disable_user(user, BY_TEST)
        assert (await sign_in_anew(ruth))[0] == 403
        assert not await find_linked(gateway, "r.okafor")


async def test_a_draft_that_is_refused_leaves_nothing(gateway: Running) -> None:
    await make_user(gateway, "r.okafor", "staff")
    draft = UserDraft(library="DEMO", name="third", subject="r.okafor")
    with pytest.raises(Refused):
        await user_service(gateway).add_user(draft, BY_TEST)
    assert [user.name for user in await user_service(gateway).list_users()] == ["r.okafor"]
