"""Suggested merges: the table of candidates, and how right the suggestions have been so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import Outcome, Step, table_asset
from c360_assets.identity.suggestions.candidates import Suggested, suggest
from c360_assets.identity.suggestions.precision import Precision
from c360_assets.settings import Settings
from c360_assets.warehouse.tables import require_contract

CANDIDATES = contracts.table("merge_candidates")
PRECISION_CHECK = "suggestions_are_right_as_often_as_promised"
DEPS = (
    "merge_journal", "user_identity", "domain_identity", "stg_users", "stg_addresses",
    "stg_gaggles", "user_event_days", "contacts", "gaggle_facts", "corporate_accounts",
    "rfm_segments",
)  # fmt: skip

CLAIMS = (
    Claim(
        "every_suggestion_joins_two_that_are_apart",
        "Both sides of a suggestion are contacts, or both are companies, and not the same one.",
        """
        select m.* from identity.merge_candidates as m
        left join marts.contacts as a on a.email = m."left" and m.kind = 'user'
        left join marts.contacts as b on b.email = m."right" and m.kind = 'user'
        left join marts.corporate_accounts as c
            on c.corporate_email = m."left" and m.kind = 'domain'
        left join marts.corporate_accounts as d
            on d.corporate_email = m."right" and m.kind = 'domain'
        where m."left" >= m."right" or coalesce(a.email, c.corporate_email) is null
            or coalesce(b.email, d.corporate_email) is null
        """,
    ),
    Claim(
        "no_decided_pair_is_suggested",
        "Whatever people decided about two is not asked again.",
        """
        select m.* from identity.merge_candidates as m
        inner join identity.merge_journal as j
            on j.kind = m.kind
            and least(j.old_key, j.new_key) = m."left"
            and greatest(j.old_key, j.new_key) = m."right"
        """,
    ),
    Claim(
        "value_ranks_have_no_gap",
        "The ranks run from 1 without a gap.",
        "select * from (select value_rank, row_number() over (order by value_rank) as nth"
        " from identity.merge_candidates) as ranked where value_rank <> nth",
    ),
)


def build_suggestion_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The table of suggested merges."""
    target = settings.rules.identity.suggestions.target_precision
    spec = dg.AssetCheckSpec(
        PRECISION_CHECK,
        asset=CANDIDATES.asset,
        description=(
            f"People approve at least {target:.0%} of what would be suggested to them. Fails once "
            "the upper bound of Wilson's interval of 95% is below that."
        ),
        blocking=False,
    )
    return [
        table_asset(settings, CANDIDATES, make_candidates, CLAIMS, deps=DEPS, other_checks=(spec,))
    ]


def make_candidates(step: Step) -> Outcome:
    """Suggest pairs, and hold what was decided against what the model thinks of it."""
    rules = step.settings.rules.identity
    found = suggest(step.connection, rules)
    step.connection.execute(
        f"create or replace table {CANDIDATES.qualified_name} as select * from candidates"
        " order by value_rank"
    )
    require_contract(step.connection, CANDIDATES)
    compared = {f"pairs of {kind}s compared": each.compared for kind, each in found.items()}
    return Outcome(compared, checks=(precision_result(found, rules.suggestions.target_precision),))


def precision_result(found: Mapping[str, Suggested], target: float) -> dg.AssetCheckResult:
    """The check of all decisions together, with the share and its bounds also per kind."""
    parts = [each.precision for each in found.values()]
    whole = Precision(sum(p.approved for p in parts), sum(p.rejected for p in parts))
    metadata: dict[str, Any] = {"target": target, **_figures("all", whole)}
    for kind, each in found.items():
        metadata |= _figures(kind, each.precision)
    return dg.AssetCheckResult(
        asset_key=CANDIDATES.asset,
        check_name=PRECISION_CHECK,
        passed=not whole.is_below(target),
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _figures(name: str, precision: Precision) -> dict[str, Any]:
    low, high = precision.bounds
    value = "none" if precision.value is None else round(precision.value, 4)
    return {
        f"{name}: decided": precision.decided,
        f"{name}: approved": precision.approved,
        f"{name}: precision": value,
        f"{name}: precision, lower bound": round(low, 4),
        f"{name}: precision, upper bound": round(high, 4),
    }
