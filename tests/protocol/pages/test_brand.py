"""A library's own logo, colour and website on the pages of its patrons, and where its staff sign in."""

from __future__ import annotations

from tests.protocol.pages.support import BOOK, Running, Visitor, running, visitor
from tests.support.daemon import Installation
from tests.support.yaml_files import read_yaml_file

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
BRAND = {
    "logo": "letters/logo.svg",
    "colour": "#0b6a5b",
    "dark_colour": "#7fd3c0",
    "home": "https://www.library.example/",
}


async def read_head(anna: Visitor, path: str) -> tuple[list[str], list[str], list[str]]:
    """Addresses: of the library's website, of its own style sheet, of its logo."""
    tree = (await anna.get(path)).tree
    head = "//p[@class='library']"
    return (
        tree.xpath(f"{head}/a/@href"),
        tree.xpath("//link[contains(@href, '_brand')]/@href"),
        tree.xpath("//img/@src"),
    )


async def test_pages_have_the_look_of_their_library(installation: Installation) -> None:
    (installation.folder / "letters").mkdir(exist_ok=True)
    (installation.folder / "letters" / "logo.svg").write_text(LOGO)
    async with running(installation, library={"brand": BRAND}) as gateway, visitor(gateway) as anna:
        for path, root in ((f"/openurl?{BOOK}", "/openurl"), ("/account", "/openurl"), ("/staff/sign-in", "/staff")):
            homes, (colours,), (logo,) = await read_head(anna, path)
            assert homes == ["https://www.library.example/"]
            assert colours.startswith(f"{root}/_brand/DEMO/colours.css?v=")
            assert logo.startswith(f"{root}/_brand/DEMO/logo?v=")

        style, image = await anna.get(colours), await anna.get(logo)
        assert ":root { --brand: #0b6a5b; }" in style.text
        assert ':root[data-theme="dark"] { --brand: #7fd3c0; }' in style.text
        assert (image.text, image.headers["Content-Type"]) == (LOGO, "image/svg+xml; charset=utf-8")
        assert image.headers["Content-Security-Policy"].endswith("sandbox")
        for answer, url in ((style, colours), (image, logo)):
            assert "immutable" in answer.headers["Cache-Control"]
            assert (await anna.get(url, If_None_Match=answer.headers["ETag"])).status == 304
        assert [(await anna.get(f"/staff/_brand/{path}")).status for path in ("DEMO/none", "NONE/logo")] == [404, 404]

        await change_brand(installation, gateway, {**BRAND, "colour": "#14506b", "logo": ""})
        _, (changed,), logos = await read_head(anna, f"/openurl?{BOOK}")
        assert "--brand: #14506b" in (await anna.get(changed)).text
        assert changed.partition("?")[2] != colours.partition("?")[2]
        assert logos == []

        await change_brand(installation, gateway, {})
        assert await read_head(anna, f"/openurl?{BOOK}") == ([], [], [])


async def change_brand(installation: Installation, gateway: Running, brand: dict[str, str]) -> None:
    (library,) = read_yaml_file(installation.config)["libraries"]
    installation.change(libraries=[{**library, "brand": brand}])
    await gateway.gateway.reload()
