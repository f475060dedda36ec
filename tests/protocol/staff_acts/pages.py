"""What can be pressed on a request's page, as its forms and links have it, and what the page says afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gateway.domain.requests.print_batches import PrintKind
from tests.protocol.pages.support import Answer
from tests.protocol.staff.page_walk import read_fields

SAID_NOTE = "Heavy rain is expected"


_NO_ANSWER: dict[str, dict[str, str]] = {"": {}}
_ANSWERS = {"patron-answered": {word: {"answer": word} for word in ("yes", "no")}}


@dataclass(frozen=True, kw_only=True)
class Act:
    """A button. `name`: of the act, with what was chosen; `fields`: as the form has them, filled in; `audience`: who is
    told of it, as the line below it says; empty: it has no such line."""

    name: str
    action: str
    fields: tuple[tuple[str, str], ...]
    audience: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page after an act. `undo`: the word by which it is taken back, empty where no button does; `mistakes`: of the
    form; `story`: lines of the history, newest first."""

    status: int
    banner: str
    undo: str
    mistakes: tuple[str, ...]
    heading: str
    tag: str
    story: tuple[str, ...]


def read_page(answer: Answer) -> Shown:
    tree = answer.tree
    undo = [str(one) for one in tree.xpath("//div[@id='banner']//input[@name='act']/@value")]
    return Shown(
        status=answer.status,
        banner=" ".join(_texts(tree, "//div[@id='banner']")).removesuffix(" Undo"),
        undo=undo[0] if undo else "",
        mistakes=tuple(_texts(tree, "//*[@role='alert' and not(@id='banner')]")),
        heading=" ".join(_texts(tree, "//h2[@id='move']")),
        tag=" ".join(_texts(tree, "(//div[@class='record-head']//*[contains(@class, 'tag')])[1]")),
        story=tuple(_texts(tree, "//ol[@class='timeline']/li/div/p[1]/bdi")),
    )


def _texts(tree: Any, xpath: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in tree.xpath(xpath)]


def list_folded_acts(answer: Answer) -> list[str]:
    """Addresses of pages with a form of their own."""
    links = (str(one) for one in answer.tree.xpath("//main//a/@href"))
    wanted = (one for one in links if "/act/" in one or one.endswith("/citation"))
    return sorted(dict.fromkeys(one.removeprefix("/staff") for one in wanted))


def list_open_acts(answer: Answer, today: date, barcode: str) -> list[Act]:
    """Those whose forms stand on the page itself: one for each button, and each choice of what is done."""
    acts: list[Act] = []
    for form in answer.tree.xpath("//main//form[translate(@method, 'POST', 'post')='post']"):
        action = str(form.get("action"))
        if "multipart" in str(form.get("enctype") or "") or action == "/staff/undo":
            continue
        if set(map(str, form.xpath(".//@value"))) & set(PrintKind):
            continue  # paper changes nothing of the request
        kinds = [str(one) for one in form.xpath(".//input[@name='kind']/@value")]
        buttons = form.xpath(".//button[@name]")
        fields = fill_form(form, kinds[0] if kinds else "", today, barcode)
        if kinds:
            acts += [
                make_act(
                    " ".join(filter(None, (kind, answer_))),
                    action,
                    {**fields, "kind": kind, **said},
                    read_audience(form),
                )
                for kind in kinds
                for answer_, said in _list_answers(form, kind).items()
            ]
        elif buttons:
            for button in _choose_buttons(buttons):
                name = f"{_name_action(action)}: {str(button.get('value')).partition(':')[0]}"
                fields_of_button = {**fields, str(button.get("name")): str(button.get("value"))}
                acts.append(make_act(name, action, fields_of_button, read_audience(form)))
        else:
            acts.append(make_act(_name_action(action), action, fields))
    return acts


def _choose_buttons(buttons: list[Any]) -> list[Any]:
    """One of each kind."""
    by_kind = {str(one.get("value")).partition(":")[0]: one for one in reversed(buttons)}
    reasons = [one for one in buttons if one.get("name") == "reason"]
    return reasons[:1] or list(by_kind.values())


def read_act_form(answer: Answer, path: str, today: date, barcode: str) -> list[Act]:
    kind = path.partition("?")[0].rpartition("/")[2]
    acts = []
    for form in _choose_forms(answer, kind):
        fields = fill_form(form, kind, today, barcode)
        if named := form.xpath(".//button[@name != 'preview']")[:1]:
            fields[str(named[0].get("name"))] = str(named[0].get("value"))
        for answer_, said in _list_answers(form, kind).items():
            name = " ".join(filter(None, (kind, answer_)))
            acts.append(make_act(name, str(form.get("action")), {**fields, **said}, read_audience(form)))
    if kind == "citation":
        acts = [make_act("citation", str(form.get("action")), {**fields, "title": "Hunger"})]
    return acts


def _choose_forms(answer: Answer, kind: str) -> list[Any]:
    """The form of this act, or that of each way to do it."""
    forms: list[Any] = answer.tree.xpath("//main//form[translate(@method, 'POST', 'post')='post']")
    of_kind = [form for form in forms if form.xpath(".//input[@name='kind']/@value") == [kind]]
    return of_kind or forms[:1]


def _list_answers(form: Any, kind: str) -> dict[str, dict[str, str]]:
    """Of acts that do one thing or another by what is chosen: each choice, by its name."""
    endings = [str(one) for one in form.xpath(".//input[@name='ending']/@value")]
    if kind == "close" and endings:
        return {ending: {"ending": ending} for ending in endings}
    return _ANSWERS.get(kind, _NO_ANSWER)


def make_act(name: str, action: str, fields: dict[str, str], audience: str = "") -> Act:
    return Act(name=name, action=action.removeprefix("/staff"), fields=tuple(fields.items()), audience=audience)


def read_audience(form: Any) -> str:
    return " ".join(_texts(form, ".//p[@class='told']/span"))


def _name_action(action: str) -> str:
    parts = action.partition("?")[0].split("/")
    return parts[-2] if parts[-2] == "failed" else parts[-1]


def fill_form(form: Any, kind: str, today: date, barcode: str) -> dict[str, str]:
    """As it stands, with what people would type into it."""
    fields = read_fields(form)
    typed = {
        "note": SAID_NOTE,
        "text": SAID_NOTE,
        "reason": "§ 60e UrhG",
        "further_volume": "Vol. 3",
        "due": str(today + timedelta(days=20)),
        "retry_after": str(today + timedelta(days=30)),
        "barcode": barcode if kind in ("located", "shipped") else "",
        "need_by": str(today + timedelta(days=60)),
    }
    for one in form.xpath(".//input[not(@type='hidden')] | .//textarea | .//select"):
        name = str(one.get("name") or "")
        if one.tag == "input" and one.get("type") == "radio":
            if name == "reason" and one.get("value"):
                fields[name] = fields.get(name) or str(one.get("value"))
        elif one.tag == "select" and name in ("reason", "partner"):
            fields[name] = str(one.xpath("./option[@value!='']/@value")[0])
        elif one.tag == "input" and one.get("type") in ("text", "date") and not one.get("value"):
            fields[name] = typed.get(name, "")
        elif one.tag == "textarea":
            fields[name] = SAID_NOTE
        elif name == "volumes" and kind in ("located", "shipped"):
            fields.setdefault(name, str(one.get("value")))
        elif one.tag == "input" and one.get("value") is not None and one.get("type") in ("text", "date"):
            fields[name] = str(one.get("value"))
    return fields
