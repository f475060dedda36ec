"""A small identity provider (OpenID Connect) with real keys and real tokens, in the process of the test."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.support.peer_tokens import make_rsa_key

CLIENT, SECRET = "illgate", "öffentlich ist das nicht: 100%"


@dataclass
class Provider:
    """`claims` and `header` change what the next token says; `key` signs it. `discovered`: instead of what discovery
    says."""

    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: make_rsa_key("provider"))
    algorithm: str = "RS256"
    published: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    discovered: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    exchanged: list[Mapping[str, str]] = field(default_factory=list)

    def publish(self, kid: str = "one") -> None:
        self.published = {**json.loads(RSAAlgorithm.to_jwk(self.key.public_key())), "kid": kid, "use": "sig"}
        self.header = {"kid": kid}

    async def discovery(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.discovered,
            }
        )

    async def keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [{"kty": "oct", "k": "x", "kid": "shared"}, self.published]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Everybody is signed in at once."""
        self.asked = dict(request.query)
        raise web.HTTPFound(f"{request.query['redirect_uri']}?code=c-1&state={request.query['state']}")

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.exchanged.append(form)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        said = base64.b64decode(credentials).decode() if kind == "Basic" else ""
        if proof != self.asked["code_challenge"] or not said.startswith(f"{CLIENT}:%C3%B6ffentlich"):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": self.asked["nonce"],
            **self.claims,
        }
        key: Any = self.key if self.algorithm != "none" else None
        token = jwt.encode(claims, key, algorithm=self.algorithm, headers=self.header)
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": token})


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", found.discovery)
    app.router.add_get("/keys", found.keys)
    app.router.add_get("/authorize", found.authorize)
    app.router.add_post("/token", found.token)
    server = TestServer(app)
    await server.start_server()
    found.issuer = str(server.make_url("")).rstrip("/")
    found.publish()
    try:
        yield found
    finally:
        await server.close()
