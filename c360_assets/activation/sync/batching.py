"""Rows in parts: as many as a call takes, and halves of a call that was refused as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from c360_assets.activation.sync.model import Verdict
from c360_assets.errors import OutcomeUnknownError, RowsRefusedError

Item = TypeVar("Item")


def halved(
    items: Sequence[Item], call: Callable[[Sequence[Item]], Sequence[Verdict]]
) -> list[Verdict]:
    """The verdicts of a call; where it is refused as a whole, those of its halves.

    So one bad row costs about twice the logarithm of the batch in calls, and stops nobody else.
    """
    if not items:
        return []
    try:
        return list(call(items))
    except OutcomeUnknownError as error:
        return [Verdict("unknown", reason=str(error))] * len(items)
    except RowsRefusedError as error:
        if len(items) == 1:
            return [Verdict("rejected", reason=str(error))]
        middle = len(items) // 2
        return [*halved(items[:middle], call), *halved(items[middle:], call)]


def batches(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """The items in parts of at most `size`."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
