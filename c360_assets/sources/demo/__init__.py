"""Seeded demo data: an invented Jaffle Gaggle of any size, shaped like the published one.

`write_demo` writes the raw tables of the contract, its two merge files, and the truth about
planted duplicates (`truth/duplicates.csv`). What does NOT belong here: reading raw tables.
"""

from c360_assets.sources.demo.writer import DemoSummary, write_demo

__all__ = ["DemoSummary", "write_demo"]
