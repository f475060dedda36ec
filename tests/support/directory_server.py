"""A directory as CrossLink's answers: GET /entries, page by page. All its libraries are invented."""

from __future__ import annotations

from typing import Any

from aiohttp import web

TOKEN = "a-token-of-the-directory"


def describe_library(code: str, url: str, **more: Any) -> dict[str, Any]:
    """An entry, in the fields of CrossLink's `Entry` (directory/api.yaml)."""
    number = f"{abs(hash(code)) % 10**12:012}"
    return {
        "id": f"d4cd7068-a9f4-4f3b-8eea-{number}",
        "name": f"{code.title()} Library",
        "type": "Institution",
        "tenant": code.lower(),
        "symbols": [{"id": f"a804c1db-de17-4bbc-a165-{number}", "authority": "ISIL", "symbol": code}],
        "illConfig": {"iso18626Url": url, "iso18626Vendor": "Unknown"},
        "lmsConfig": {"address": "https://lms.example", "fromAgency": code, "fromAgencyAuthentication": "not for us"},
        **more,
    }


class DirectoryServer:
    """`page`: entries of a page at most, whatever is asked for. `queries`: what was asked."""

    def __init__(self, entries: list[dict[str, Any]], page: int = 1000) -> None:
        self.entries = entries
        self.page = page
        self.count: int | None = None
        self.next_host = ""
        self.queries: list[dict[str, str]] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/directory/entries", self._list_entries)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/directory"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _list_entries(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401, text="Access denied")
        self.queries.append(dict(request.query))
        begin, size = int(request.query.get("offset", "0")), min(self.page, int(request.query["limit"]))
        items = self.entries[begin : begin + size]
        about: dict[str, Any] = {"count": len(self.entries) if self.count is None else self.count}
        if begin + size < len(self.entries):
            host = self.next_host or str(request.url.origin())
            about["nextLink"] = f"{host}/directory/entries?limit={size}&offset={begin + size}"
        return web.json_response({"about": about, "items": items})
