"""Writing to a fake Alma: records and holdings in XML, items and users in JSON (facts/ils-backends.md 1.4).

Where the sources name no code for a refusal, it is Alma's general error 401652 with a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from adapters.marc.xml_elements import child_elements, child_text, find_child, parse_untrusted_xml
from gateway.domain.problems import MalformedMessage
from rehearsal.fakes.alma_state import AlmaError, AlmaState, Row, read_code

GENERAL_ERROR = "401652"
_KEPT_BY_HAND = ("user_group", "preferred_language")


@dataclass(frozen=True)
class AlmaCataloguer:
    state: AlmaState

    # --- records and holdings ----------------------------------------------------------------------------

    def add_record(self, body: bytes) -> Row:
        whole, record = _parse_record(body, "bib")
        field = "200" if child_text(whole, "record_format") == "unimarc" else "245"
        title = " ".join(_list_subfields(record, field, "a" if field == "200" else "abnp"))
        if not title:
            raise AlmaError(GENERAL_ERROR, f"The record has no field {field}.")
        isbns = _list_subfields(record, "020", "a")
        mms = self.state.add_bib(
            title,
            " ".join(_list_subfields(record, "100", "a")),
            **({"isbn": isbns[0]} if isbns else {}),
            network_number=_list_subfields(record, "035", "a"),
        )
        row = self.state.bibs[mms]
        row["suppress_from_publishing"] = child_text(whole, "suppress_from_publishing") or "true"
        number = etree.Element("controlfield", tag="001")
        number.text = mms
        record.insert(1, number)
        row["anies"] = [etree.tostring(record, encoding="unicode")]
        return row

    def delete_record(self, mms: str, *, is_override: bool) -> None:
        self.state.find_bib(mms)
        if any(item["bib_data"]["mms_id"] == mms for item in self.state.items.values()):
            raise AlmaError(GENERAL_ERROR, "The record has items.")
        holdings = [number for number, holding in self.state.holdings.items() if holding["mms_id"] == mms]
        if holdings and not is_override:
            raise AlmaError(GENERAL_ERROR, "The record has holdings.")
        for number in holdings:
            del self.state.holdings[number]
        del self.state.bibs[mms]

    def add_holding(self, mms: str, body: bytes) -> Row:
        self.state.find_bib(mms)
        _, record = _parse_record(body, "holding")
        library, location = (" ".join(_list_subfields(record, "852", code)) for code in "bc")
        self._check_location(library, location)
        call_number = " ".join(_list_subfields(record, "852", "h"))
        return self.state.add_holding(mms, library, location, call_number)

    def delete_holding(self, number: str) -> None:
        if any(item["holding_data"]["holding_id"] == number for item in self.state.items.values()):
            raise AlmaError(GENERAL_ERROR, "The holding has items.")
        self.state.holdings.pop(number, None)

    def _check_location(self, library: str, location: str) -> None:
        if location not in self.state.locations.get(library, ()):
            raise AlmaError(GENERAL_ERROR, f"Location {location} of library {library} was not found.")

    # --- items -------------------------------------------------------------------------------------------

    def add_item(self, mms: str, holding_id: str, body: Row) -> Row:
        holding = self.state.holdings.get(holding_id)
        if holding is None or holding["mms_id"] != mms:
            raise AlmaError(GENERAL_ERROR, f"Holdings {holding_id} was not found.")
        data = body.get("item_data") or {}
        self._check_item(data, None)
        row = self.state.add_item(mms, data["barcode"], read_code(holding, "library"), read_code(data, "policy"))
        del self.state.holdings[row["holding_data"]["holding_id"]]
        row["holding_data"]["holding_id"] = holding_id
        row["holding_data"]["call_number"] = holding["call_number"]
        row["item_data"] = {**data, **row["item_data"], "location": holding["location"]}
        return row

    def change_item(self, item: Row, body: Row) -> Row:
        """Change an item; what is left out falls to its default; library, location and status are not changed this
        way."""
        data, place = body.get("item_data") or {}, body.get("holding_data") or {}
        self._check_item(data, item)
        holding = {name: item["holding_data"].get(name, "") for name in ("holding_id", "call_number")}
        holding["in_temp_location"] = place.get("in_temp_location") is True
        if holding["in_temp_location"]:
            self._check_location(read_code(place, "temp_library"), read_code(place, "temp_location"))
            holding |= {name: place[name] for name in ("temp_library", "temp_location")}
        kept = {name: item["item_data"][name] for name in ("pid", "base_status", "process_type", "library", "location")}
        for row in (*self.state.loans.values(), *self.state.requests.values()):
            for name in ("item_barcode", "barcode"):
                if row.get(name) == item["item_data"]["barcode"]:
                    row[name] = data["barcode"]
        item["holding_data"], item["item_data"] = holding, {**data, **kept}
        return item

    def _check_item(self, data: Row, item: Row | None) -> None:
        barcode = data.get("barcode")
        if not isinstance(barcode, str) or not barcode:
            raise AlmaError(GENERAL_ERROR, "Barcode is missing.")
        if any(other["item_data"]["barcode"] == barcode and other is not item for other in self.state.items.values()):
            raise AlmaError(GENERAL_ERROR, "Barcode already exists.")
        if read_code(data, "policy") not in self.state.item_policies:
            raise AlmaError(GENERAL_ERROR, "Item policy is not valid.")
        if item is None and read_code(data, "physical_material_type") not in self.state.material_types:
            raise AlmaError(GENERAL_ERROR, "Material type is not valid.")

    def delete_item(self, item: Row, *, is_override: bool, holdings: str) -> None:
        """Delete an item; with `is_override` a loan is left without its item, as in life."""
        barcode = item["item_data"]["barcode"]
        waiting = [request for request in self.state.requests_of_item(item) if request["barcode"] == barcode]
        if not is_override and (waiting or self.state.loan_of_item(barcode) is not None):
            raise AlmaError(GENERAL_ERROR, "The item is on loan or requested.")
        for row in waiting:
            del self.state.requests[row["request_id"]]
        del self.state.items[item["item_data"]["pid"]]
        number = item["holding_data"]["holding_id"]
        is_empty = not any(other["holding_data"]["holding_id"] == number for other in self.state.items.values())
        if holdings == "delete" and is_empty:
            self.state.holdings.pop(number, None)

    # --- users -------------------------------------------------------------------------------------------

    def create_user(self, body: Row) -> Row:
        self._check_user(body)
        if read_code(body, "account_type") == "EXTERNAL" and not body.get("external_id"):
            raise AlmaError("401664", "Mandatory field is missing: external_id.")
        numbers = [body["primary_id"], *(identifier["value"] for identifier in body.get("user_identifier", ()))]
        for number in numbers:
            if self._is_taken(number, None):
                raise AlmaError("401851", f"User with identifier {number} already exists.")
        row = {name: value for name, value in body.items() if name != "password"}
        self.state.users[body["primary_id"]] = {**_EMPTY_USER, **row}
        if body.get("password"):
            self.state.passwords[body["primary_id"]] = body["password"]
        return self.state.users[body["primary_id"]]

    def change_user(self, user: Row, body: Row, overridden: list[str]) -> Row:
        """Change a user; what is left out falls to its default, but for what staff have set by hand."""
        self._check_user(body)
        for identifier in body.get("user_identifier", ()):
            if self._is_taken(identifier["value"], user):
                raise AlmaError("401851", f"User with identifier {identifier['value']} already exists.")
        kept = {name: user[name] for name in _KEPT_BY_HAND if name in user and name not in overridden}
        row = {**_EMPTY_USER, **body, **kept, "primary_id": user["primary_id"]}
        user.clear()
        user.update(row)
        return user

    def _check_user(self, body: Row) -> None:
        for name in ("primary_id", "last_name", "account_type"):
            if not body.get(name):
                raise AlmaError("401664", f"Mandatory field is missing: {name}.")
        if "user_group" in body and read_code(body, "user_group") not in self.state.user_groups:
            raise AlmaError("401852", "Given user group is not legal.")

    def _is_taken(self, number: str, user: Row | None) -> bool:
        try:
            return self.state.find_user(number) is not user
        except AlmaError:
            return False


_EMPTY_USER: Row = {
    "first_name": "",
    "status": {"value": "ACTIVE", "desc": "Active"},
    "expiry_date": "",
    "user_identifier": [],
    "user_block": [],
    "contact_info": {},
}


def write_xml(name: str, row: Row) -> bytes:
    """Write a row as Alma's XML has it: coded fields with their code as text, a record as elements."""
    return etree.tostring(_make_element(name, row), encoding="UTF-8", xml_declaration=True)


def _make_element(name: str, value: object) -> Any:
    whole = etree.Element(name)
    if isinstance(value, dict) and "value" in value:
        whole.text = str(value["value"])
    elif isinstance(value, dict):
        for key, part in value.items():
            if key == "anies":
                whole.extend(parse_untrusted_xml(text.encode()) for text in part)
            elif key == "network_number":
                listed = etree.SubElement(whole, "network_numbers")
                listed.extend(_make_element(key, entry) for entry in part)
            elif isinstance(part, list):
                whole.extend(_make_element(key, entry) for entry in part)
            else:
                whole.append(_make_element(key, part))
    else:
        whole.text = str(value).lower() if isinstance(value, bool) else str(value)
    return whole


def _parse_record(body: bytes, name: str) -> tuple[Any, Any]:
    """The whole, and the MARC record in it."""
    try:
        whole = parse_untrusted_xml(body)
    except MalformedMessage as error:
        raise AlmaError("60105", "XML is not valid.") from error
    record = find_child(whole, "record")
    if whole.tag != name or record is None:
        raise AlmaError("60105", f"XML is not a {name}.")
    return whole, record


def _list_subfields(record: Any, tag: str, codes: str) -> list[str]:
    return [
        element.text or ""
        for field in child_elements(record, "datafield")
        if field.get("tag") == tag
        for element in child_elements(field, "subfield")
        if (element.get("code") or "-") in codes
    ]
