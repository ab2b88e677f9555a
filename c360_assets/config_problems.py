"""What is wrong with a setting, in the words of those who wrote it.

Belongs here: turning what pydantic found into text. Not here: any setting (`settings`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

# of a value of the user, at most
SHOWN_CHARACTERS = 80


def explain(
    error: ValidationError, model: type[BaseModel], where: str, content: object = None
) -> str:
    """All problems that were found in `where`, whose form is `model`, in one line.

    With the `content` that was read, entries of lists are told by their names, too.
    """
    return f"{where}: {'; '.join(_problem(item, model, content) for item in error.errors())}"


def _problem(item: Mapping[str, Any], model: type[BaseModel], content: object) -> str:
    place: Sequence[str | int] = item["loc"]
    name = _place(place, content)
    if item["type"] == "extra_forbidden":
        allowed = [field for each in _models_at(place[:-1], model) for field in each.model_fields]
        return f"{name}: unknown name; there are {', '.join(dict.fromkeys(allowed))}"
    if item["type"] == "tuple_type":
        return f"{name}: is a list; {_as_list(name, item['input'])}"
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}{_given(item['input'])}"


def _place(place: Sequence[str | int], content: object) -> str:
    """The path to a value, such as `attributes.1 (BIG_ORDERS).windows`; entries count from 0."""
    parts = []
    for part in place:
        if isinstance(content, dict):
            content = content.get(part)
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
        name = content.get("name") if isinstance(content, dict) and isinstance(part, int) else None
        parts.append(f"{part} ({name})" if isinstance(name, str) else str(part))
    return ".".join(parts)


def _as_list(name: str, given: object) -> str:
    if isinstance(given, dict):
        return f"head each of its entries with [[{name}]]"
    return f"write it in brackets, such as {json.dumps([given], default=str)}"


def _given(value: object) -> str:
    """A single value, shortened; a table or a list would hide the problem."""
    if not isinstance(value, str | int | float | date):
        return ""
    text = repr(value) if isinstance(value, str | int | float) else str(value)
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
    return f" (got {shown})"


def _models_at(place: Sequence[str | int], model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that may stand at a place: several where entries of a list differ in `type`."""
    found = [model]
    for part in place:
        fields = [each.model_fields[part] for each in found if part in each.model_fields]
        if fields:
            found = [each for field in fields for each in _models_in(field.annotation)]
        elif not isinstance(part, int):
            # between different kinds of entries pydantic puts the value of their `type`
            found = [each for each in found if each.model_fields["type"].default == part]
    return found


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
