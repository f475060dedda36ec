"""Entries of a directory as files: `directory/SOURCE/NAME.yml`, each with the values of one partner.

A pull writes what it brings, but for three things. An endpoint that moves to another host is held until the office
agrees, since it leads requests, and what is said in them, elsewhere. An entry that is wrong leaves its file as it was.
And no file goes as long as one entry can't be read: it may be that one's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from gateway.configuration.yaml_document import read_yaml
from gateway.domain.problems import ConfigurationError
from gateway.domain.value import value_object
from gateway.services.directory.crosslink import DirectoryEntry, TierPrice, read_entry
from gateway.settings.directory import DirectoryPart, DirectorySource

_DIALECTS = {"alma": "alma-18626", "reshare": "reshare-18626", "crosslink": "crosslink-18626"}
_OTHER_DIALECT = "iso18626-2017"

_GENERAL_LEVELS = frozenset({"standard", "normal"})
"""What costs that is what costs a request that names no level."""


@value_object
class EntryFiles:
    """Changes of the files of a source by a pull. `texts` by name of the partner; `removed`: names; `held`: the
    address that isn't taken yet, by name; `problems`: sentences without contents of entries."""

    texts: Mapping[str, str]
    removed: tuple[str, ...]
    held: Mapping[str, str]
    problems: tuple[str, ...]


def plan_files(
    items: Iterable[dict[str, object]],
    source: DirectorySource,
    before: Mapping[str, str],
    *,
    ours: Collection[str],
    currency: str,
    accepted: Collection[str] = (),
) -> EntryFiles:
    """Plan the files. `before`: the endpoint that each file has now, by name; `ours`: symbols of this installation's
    libraries, which aren't partners; `accepted`: names whose new endpoint the office agrees to."""
    texts: dict[str, str] = {}
    held: dict[str, str] = {}
    problems: list[str] = []
    taken = {symbol.casefold(): "this gateway" for symbol in ours}
    entries: list[tuple[int, DirectoryEntry]] = []
    for place, item in enumerate(items, 1):
        try:
            entry = read_entry(item)
        except ValueError as error:
            problems.append(f"entry {place}: {error}")
            continue
        if entry is not None and taken.keys().isdisjoint(symbol.casefold() for symbol in entry.symbols):
            entries.append((place, entry))
    # who has a symbol already keeps it, whatever others say
    for place, entry in sorted(entries, key=lambda pair: name_entry(pair[1]) not in before):
        name = name_entry(entry)
        owner = next((taken[folded] for symbol in entry.symbols if (folded := symbol.casefold()) in taken), "")
        if owner or name in texts or not name:
            problems.append(f"entry {place}: '{entry.symbols[0]}' or its name is that of {owner or name}, too")
            continue
        taken |= {symbol.casefold(): name for symbol in entry.symbols}
        url, old = entry.url, before.get(name, "")
        if old and urlsplit(old).netloc.casefold() != urlsplit(url).netloc.casefold() and name not in accepted:
            held[name] = url
            url = old
        texts[name] = _format_file(name, entry, url, source, currency)
    removed = () if problems else tuple(sorted(before.keys() - texts.keys()))
    return EntryFiles(texts, removed, held, tuple(problems))


def name_entry(entry: DirectoryEntry) -> str:
    """Name the partner by its first ISIL, else by its first symbol, without authority."""
    symbol = next((one for one in entry.symbols if one.startswith("ISIL:")), entry.symbols[0])
    return re.sub(r"[^a-z0-9._-]+", "-", symbol.partition(":")[2].casefold()).strip("-._")


def read_endpoints(folder: Path) -> Mapping[str, str]:
    """Read the endpoints that the files of a source have now, by name; empty where a file says none or can't be
    read."""
    endpoints: dict[str, str] = {}
    for file in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            section: object = read_yaml(file).data
        except ConfigurationError:
            section = None  # the next good entry mends the file
        for key in ("iso18626", "http", "url"):
            section = section.get(key) if isinstance(section, dict) else None
        endpoints[file.stem] = str(section or "")
    return endpoints


def _format_file(name: str, entry: DirectoryEntry, url: str, source: DirectorySource, currency: str) -> str:
    takes = source.takes
    partner: dict[str, object] = {"symbols": list(entry.symbols)}
    if DirectoryPart.NAMES in takes:
        partner["name"] = entry.name
    if DirectoryPart.ADDRESSES in takes:
        given = {"address": entry.address, "email": entry.email, "phone": entry.phone}
        partner |= {key: value for key, value in given.items() if value}
    if DirectoryPart.CLOSURES in takes and entry.closures:
        partner["closures"] = [
            {"first": first.isoformat(), "last": last.isoformat(), "note": note} for first, last, note in entry.closures
        ]
    if DirectoryPart.TERMS in takes and entry.tiers:
        partner["terms"] = _list_terms(entry.tiers, currency)
    data: dict[str, object] = {
        "name": name,
        "extends": _DIALECTS.get(entry.vendor.casefold(), _OTHER_DIALECT),
        "partner": partner,
    }
    if DirectoryPart.ENDPOINTS in takes:
        data["iso18626"] = {"http": {"url": url}}
    head = f"# From the directory {source.name}; each pull writes it anew. Other values go into partners/{name}.yml.\n"
    return head + yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)


def _list_terms(tiers: Iterable[TierPrice], currency: str) -> list[dict[str, object]]:
    """Levels that cost something of their own first, of each service the cheapest first."""
    terms: list[dict[str, object]] = []
    for tier in sorted(tiers, key=lambda one: (one.level in _GENERAL_LEVELS, one.cost)):
        term: dict[str, object] = {"service": tier.service}
        if tier.level not in _GENERAL_LEVELS:
            term["level"] = [tier.level]
        if term not in [{key: value for key, value in one.items() if key != "price"} for one in terms]:
            price = {"amount": str(tier.cost), "currency": currency} if tier.cost else 0
            terms.append({**term, "price": price})
    return terms
