"""What the page of a gaggle shows."""

from __future__ import annotations

from typing import Any

from c360_assets.ui.copies import Copy


def find_gaggle(copy: Copy, gaggle_id: str) -> dict[str, Any] | None:
    """The row of marts.gaggle_facts, its rank among upgrade candidates, and its company's plan."""
    return copy.row("gaggle/gaggle", gaggle_id=gaggle_id)
