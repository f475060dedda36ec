"""Section `peer_authentication`: what is wrong with it, and what `illgate check` finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.adapter_registry import load_adapters
from gateway.profiles import read_profiles
from gateway.services.operation.check import run_check
from gateway.services.operation.check.peer_keys import check_own_key
from gateway.services.operation.check.remarks import find_remarks
from tests.support.peer_tokens import make_rsa_key, public_jwk
from tests.unit.profiles.support import ADAPTERS, SETTINGS, write
from tests.unit.profiles.test_check import lines, subject

ASKS = "plain: {}\nauth: [{kind: signed-token}]\n"
PEER = "issuer: https://hub.fjord.example, audience: riverside"
URL = "jwks_url: https://hub.fjord.example/keys"


def find_problems(folder: Path, text: str) -> list[str]:
    loading = read_profiles(write(folder, one=text), ADAPTERS, SETTINGS)
    return [str(problem).replace(f"{folder}/", "") for problem in loading.problems]


def section(theirs: str) -> str:
    return f"{ASKS}peer_authentication:\n  theirs: {{{PEER}, {theirs}}}\n"


def test_a_whole_section(tmp_path: Path) -> None:
    assert find_problems(tmp_path, section(URL)) == []
    assert find_problems(tmp_path, section("jwks_url: http://127.0.0.1:8080/keys")) == []
    assert find_problems(tmp_path, section(f"jwks: {json.dumps({'keys': [public_jwk('first', 'k1')]})}")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ASKS, "one.yml:2: auth.0: kind signed-token needs peer_authentication.theirs"),
        (
            section(URL).replace("signed-token", "none"),
            "one.yml:4: peer_authentication.theirs: no token is asked for: no entry of auth has kind signed-token",
        ),
        (section("claims: {}"), "either jwks_url or jwks says what its keys are"),
        (section("jwks_url: http://hub.fjord.example/keys"), "must be https://…"),
        (section("jwks_url: keys.json"), "not a URL such as https://ill.partner.example/.well-known/jwks.json"),
        (section("jwks: {keys: [{kty: EC, crv: P-256, x: a, y: b}]}"), "not a public RSA key as a JWK"),
        (
            "plain: {}\npeer_authentication: {ours: {issuer: a, subject: b, audience: c, claims: {exp: never}}}\n",
            "exp: written from the other keys and the time",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = find_problems(tmp_path, text)
    assert problem in found


def test_tokens_go_along_only_by_channels_that_sign(tmp_path: Path) -> None:
    ours = "peer_authentication: {ours: {issuer: a, subject: b, audience: c}}\n"
    partner = "partner: {symbols: [FJORD], roles: [requester], channel: CHANNEL}\n"
    adapters = load_adapters()
    found = []
    for channel in ("iso18626", "openrs", "openurl", ""):
        said = partner.replace("CHANNEL", channel) if channel else ""
        section = {"openurl": "openurl: {url: 'https://push.example'}\n"}.get(channel, "iso18626: {}\n")
        write(tmp_path, one=f"{said}{section}{ours}")
        found.append([str(one) for one in read_profiles(tmp_path, adapters, SETTINGS).problems])
    assert [len(one) for one in found] == [0, 0, 1, 1]
    assert "found 'openurl', allowed: iso18626, openrs" in found[2][0]


def test_a_private_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    private = {**public_jwk("first", "k1"), "d": str(make_rsa_key("first").private_numbers().d)}
    (found,) = find_problems(tmp_path, section(f"jwks: {json.dumps({'keys': [private]})}"))
    assert found.endswith("is a secret or private key; only a public one may stand here")


def test_other_ways_in_are_remarked_on(tmp_path: Path) -> None:
    both = section(URL).replace("[{kind", "[{kind: network, networks: [127.0.0.1]}, {kind")
    loading = read_profiles(write(tmp_path, one=both), ADAPTERS, SETTINGS)
    (remark,) = find_remarks(loading.profiles.loaded.values(), SETTINGS, ADAPTERS)
    assert "auth.0.kind: lets in without a signed token" in str(remark)


async def test_the_check_misses_our_key_and_usable_keys_of_theirs(tmp_path: Path) -> None:
    theirs = section(f"jwks: {json.dumps({'keys': [public_jwk('first', 'k1', alg='RS512')]})}")
    write(tmp_path, one=f"{theirs}  ours: {{issuer: a, subject: b, audience: c}}\n")
    without = replace(subject(tmp_path), signing=frozenset({"ELSEWHERE"}))
    assert lines(await run_check(without), tmp_path) == [
        "one.yml:5: peer_authentication.ours: no signing key; create one with `illgate peer-key make`",
        "one.yml:4: peer_authentication.theirs.jwks.keys.0: no RSA key for RS256 that can be used is among its keys",
    ]
    loaded = without.loading.profiles.loaded["one"]
    assert list(check_own_key(loaded, "DEMO", {"DEMO"})) == list(check_own_key(loaded, "DEMO", None)) == []


async def test_live_the_keys_are_fetched_and_clocks_compared(tmp_path: Path) -> None:
    """The check's clock is months away from this machine's."""

    async def show_keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [public_jwk("first", "k1")]})

    app = web.Application()
    app.router.add_get("/keys", show_keys)
    async with TestServer(app) as server:
        found = {}
        for path in ("keys", "elsewhere"):
            write(tmp_path, one=section(f"jwks_url: '{server.make_url(path)}'"))
            found[path] = lines(await run_check(replace(subject(tmp_path), live=True)), tmp_path)
    assert [len(one) for one in found.values()] == [1, 1]
    assert "its clock differs from ours by " in found["keys"][0]
    assert "the keys cannot be fetched: HTTP 404" in found["elsewhere"][0]
