"""The tables in `ops` that the pipeline keeps for itself. Nobody else may rely on them."""

from __future__ import annotations

import hashlib

from c360_assets.contracts.raw import RAW_TABLES
from c360_assets.contracts.tables import STAGING_TABLES

SCHEMAS = ("raw", "staging", "identity", "marts", "crm", "ops")

# which files were read, and what in them was no row at all
_FILES = """
create table if not exists ops.source_files (
    source_table varchar, source_file varchar, fingerprint varchar, data_path varchar,
    is_landed boolean, file_columns varchar[], rows_read bigint, malformed_rows bigint,
    problem varchar, file_types varchar[]
);
create table if not exists ops.malformed_rows (
    source_table varchar, source_file varchar, source_row bigint, reason varchar, row_json varchar
);
create table if not exists ops.erased_rows (
    source_table varchar, source_file varchar, source_row bigint
);
"""

# the verdicts on raw rows, and which days of which files they cover
_VERDICTS = """
create table if not exists ops.rejected_rows (
    source_table varchar, source_file varchar, source_row bigint, reason varchar,
    row_json varchar, run_id varchar, rejected_at timestamp, event_date date
);
create table if not exists ops.duplicate_rows (
    source_table varchar, source_file varchar, source_row bigint, event_date date
);
create view if not exists ops.skipped_rows as
    select source_table, source_file, source_row from ops.rejected_rows
    union all
    select source_table, source_file, source_row from ops.duplicate_rows;
create table if not exists ops.judged_files (
    source_table varchar, source_file varchar, fingerprint varchar
);
create table if not exists ops.source_file_days (
    source_table varchar, source_file varchar, event_date date, rows_read bigint,
    content_hash hugeint
);
create table if not exists ops.stale_days (event_date date);
create table if not exists ops.judged_users (source_table varchar, version varchar);
create table if not exists ops.staged_versions (table_name varchar, version varchar);
create table if not exists ops.address_forms (raw_email varchar, email varchar);
"""

# business rules as tables, and the state of the event rollup
_RULES = """
create table if not exists ops.rules_version (version varchar);
create table if not exists ops.rfm_cuts (cut_2 double, cut_3 double, cut_4 double, cut_5 double);
create table if not exists ops.rfm_grid (
    recency_score integer, frequency_score integer, rfm_segment varchar
);
create table if not exists ops.order_event_names (event_name varchar);
create table if not exists ops.clock (as_of timestamp);
create table if not exists ops.campaign_rules (
    window_days integer, control_action_id varchar, control_action_name varchar
);
create table if not exists ops.priority_reasons (exclusion_reason_id varchar);
create table if not exists ops.cart_event_names (event_name varchar);
create table if not exists ops.conversion_event_names (event_name varchar);
create table if not exists ops.open_ticket_statuses (status varchar);
create table if not exists ops.support_segment_weights (rfm_segment varchar, points double);
create table if not exists ops.support_weights (
    other_segment double, unknown_sender double, most_valuable double, waiting_day double,
    waiting_days_at_most double, paying_company double
);
create table if not exists ops.lifecycle_rules (churn_after_days integer);
create table if not exists ops.rolled_days (event_date date, rolled_by varchar);
create table if not exists ops.rolled_session_days (event_date date, version varchar);
create table if not exists ops.made_days (
    table_name varchar, made_date date, fingerprint varchar
);
create table if not exists ops.days_to_make (made_date date);
create table if not exists ops.rolled_promos (promo_id varchar, discount decimal(18, 2));
"""

# what each domain seen is (identity.domains); the links from subdomains to companies are here alone
_DOMAINS = """
create table if not exists ops.domain_rules (
    email_domain varchar, registrable_domain varchar, domain_class varchar, class_source varchar,
    is_company boolean
);
"""

_MERGES = """
create table if not exists ops.unreadable_merge_files (
    merge_table varchar, source_file varchar, reason varchar
);
"""

# what the model of suggested merges made of the pairs that it saw last (identity.suggestions)
_SUGGESTIONS = """
create table if not exists ops.suggestion_models (
    kind varchar, fingerprint varchar, approved bigint, rejected bigint
);
create table if not exists ops.suggestion_scores (
    kind varchar, unique_id bigint, match_weight double, match_probability double,
    trait_weights double[]
);
"""

# what customer profiles are made of, and how far they have come (warehouse.profile_store)
_PROFILES = """
create table if not exists ops.attribute_versions (kind varchar, version varchar);
create table if not exists ops.attribute_days (event_date date, rolled_by varchar);
create table if not exists ops.attribute_item_days (event_date date, lines ubigint);
create table if not exists ops.profile_inputs (user_id varchar, fingerprint ubigint);
create table if not exists ops.profile_span (first_day date, last_day date);
create table if not exists ops.profile_batches (file varchar, as_known_at timestamp);
"""

_VERSION = """
create table if not exists ops.layout (version varchar);
"""

EMPTY_CATALOG = (
    "".join(f"create schema if not exists {name};\n" for name in SCHEMAS)
    + _FILES
    + _VERDICTS
    + _RULES
    + _DOMAINS
    + _MERGES
    + _SUGGESTIONS
    + _PROFILES
    + _VERSION
)

# filled day by day, and never written anew as a whole
ROLLED_UP = tuple(t for t in STAGING_TABLES if t.asset == "user_event_days")
# What the pipeline keeps for itself was written under these rules; another release starts afresh.
LAYOUT_VERSION = hashlib.sha256(
    "|".join(
        [
            EMPTY_CATALOG,
            *(
                f"{t.name} {c.name} {c.type} {c.is_nullable}"
                for t in (*RAW_TABLES, *ROLLED_UP)
                for c in t.columns
            ),
        ]
    ).encode()
).hexdigest()[:16]
