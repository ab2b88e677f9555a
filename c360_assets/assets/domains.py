"""The domains of addresses: what each is and counts as, then which company it is.

Belongs here: what the run tells of it. Not here: the rules (`identity.domains`), nor the writing of
the tables (`resolution.steps`).
"""

from __future__ import annotations

from c360_assets.assets.shell import Outcome, Step, reasons_table
from c360_assets.resolution import steps
from c360_assets.resolution.steps import DOMAINS


def resolve_domains(step: Step) -> Outcome:
    """Replace the rules of all domains seen, then the table of who is which company."""
    steps.resolve_domains(step.connection, step.settings.rules)
    counts = step.connection.execute(
        f"select domain_class || ' (' || class_source || ')', count(*)"
        f" from {DOMAINS.qualified_name} group by 1 order by 1"
    ).fetchall()
    return Outcome({"domains_by_class": reasons_table(dict(counts))})
