"""Which columns of the published copy tell of a person: what the views over them must hide.

Belongs here: a word on every table and every text column. Not here: who is hidden
(`privacy_people`) and the views (`privacy`). A table without an entry has no view, and a text
column without a word is in none, so that a page can show nothing that was not thought of.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

from c360_assets.attribute_rules import STATES
from c360_assets.customers.attribute_sources import source_types

TEXT_TYPES = ("VARCHAR", "JSON", "BLOB", "STRUCT", "MAP", "UNION", "VARIANT")


@dataclass(frozen=True)
class Cover:
    """What the columns of one table are; each is named once, parted by blanks.

    - `users`, `contacts`, `places`, `addresses`: ids of accounts, of contacts, of postal addresses,
      and e-mail addresses by which a row is somebody's. Erased people's rows are left out. Of
      suppressed people the e-mail address itself is null.
    - `personal`: null in the rows of suppressed people; a list is empty.
    - `texts`: free text: "(hidden)" in their rows, and in any row that mentions one of them.
    - `free`: attributes made of free texts, of which no row says whom they mention: null in every
      row, as soon as anybody is hidden.
    - `pointers`: ids of accounts in rows of something else: null where erased.
    - `gaggles`: names of gaggles: "(hidden)" where one mentions one of them.
    - `of_gaggles`: what is made of such names: null in every row, as soon as one does.
    - `plain`: tells nothing of a person: ids, codes, names of things and companies.

    With `as_known` rows may tell what a person was when merged with others: who once was one with
    a hidden person is hidden there, too.
    """

    users: str = ""
    contacts: str = ""
    places: str = ""
    addresses: str = ""
    personal: str = ""
    texts: str = ""
    free: str = ""
    pointers: str = ""
    gaggles: str = ""
    of_gaggles: str = ""
    plain: str = ""
    as_known: bool = field(default=False)

    def named(self) -> list[str]:
        """Every column that has a word."""
        return " ".join((
            *(self.users, self.contacts, self.places, self.addresses),
            *(self.personal, self.texts, self.free, self.pointers, self.plain),
            *(self.gaggles, self.of_gaggles),
        )).split()  # fmt: skip


_OF_USER = Cover(users="user_id")
_EVIDENCE = (
    "evidence evidence_name evidence_mailbox evidence_workplace evidence_phone evidence_address "
    "evidence_activity evidence_created evidence_shared_people evidence_shared_gaggles blast_radius"
)

COVERS: Mapping[str, Cover] = MappingProxyType({
    "identity.contact_id_history": Cover(
        contacts="contact_id other_contact_id current_contact_id",
        texts="source_file",
        plain="change",
    ),
    "identity.contact_ids": Cover(addresses="email", contacts="contact_id"),
    "identity.domain_identity": Cover(
        plain="email_domain corporate_email domain_class merge_path registrable_domain class_source"
    ),
    "identity.merge_candidates": Cover(
        addresses="left right old_key new_key",
        texts=_EVIDENCE,
        pointers="left_user_id right_user_id",
        plain="kind rfm_before rfm_after",
    ),
    "identity.merge_journal": Cover(
        addresses="old_key new_key resolved_to",
        texts="source_file decided_by reason explanation merge_path ended_by_file",
        plain="kind decision outcome outcome_reason",
    ),
    "identity.user_identity": Cover(
        users="user_id",
        personal="email contact_email merge_path",
        plain="contact_user_id contact_id rule",
    ),
    "marts.campaign_groups": Cover(
        plain="plan_id plan_detail_id campaign_action_id campaign_action_name"
    ),
    "marts.campaign_impact": Cover(
        plain="plan_id treatment campaign_action_id campaign_action_name orders_reason"
        " revenue_reason"
    ),
    "marts.campaign_targets": Cover(
        users="user_id",
        plain="plan_id plan_detail_id campaign_action_id campaign_action_name lifecycle_stage"
        " exclusion_reason_id exclusion_reason exclusion_reason_desc taken_from_plan_id",
    ),
    "marts.contacts": Cover(
        users="user_id",
        personal="email user_name merged_emails",
        plain="corporate_email gaggle_id contact_id",
    ),
    "marts.corporate_accounts": Cover(
        pointers="first_user_id most_active_user_id most_orders_user_id",
        plain="corporate_email current_plan",
    ),
    "marts.customer_lifetime_value": Cover(
        users="user_id", plain="no_value_reason no_probability_reason"
    ),
    "marts.dim_users": Cover(
        users="user_id",
        personal="user_name email phone_number address_id address state zipcode",
        plain="country most_ordered_product most_ordered_product_id",
    ),
    "marts.fct_orders": Cover(
        users="user_id",
        personal="address_id state zipcode tracking_id",
        plain="order_id country promo_id shipping_service status session_id account_user_id",
    ),
    "marts.fct_sessions": Cover(users="user_id", plain="session_id account_user_id"),
    "marts.gaggle_domain_facts": Cover(plain="gaggle_id corporate_email"),
    "marts.gaggle_facts": Cover(
        gaggles="gaggle_name", plain="gaggle_id corporate_email"
    ),
    "marts.kpi_active_days": Cover(plain="kind"),
    "marts.kpi_daily": Cover(plain="dimension dimension_value dimension_label"),
    "marts.kpi_order_days": Cover(plain="dimension dimension_value"),
    "marts.kpi_product_days": Cover(plain="product_id product_name"),
    "marts.kpi_total_days": Cover(),
    "marts.lifetime_value_history": Cover(
        users="user_id", plain="no_value_reason no_probability_reason"
    ),
    "marts.lifetime_value_models": Cover(plain="no_orders_reason no_values_reason fingerprint"),
    "marts.profile_days": Cover(),
    "marts.profile_fields": Cover(
        plain="name field_name type unit description source window_name kind definition"
    ),
    "marts.rfm_cohorts": Cover(),
    "marts.rfm_customer_states": _OF_USER,
    "marts.rfm_daily_changes": Cover(plain="from_segment to_segment"),
    "marts.rfm_hours": Cover(),
    "marts.rfm_migrations": Cover(plain="period from_segment to_segment"),
    "marts.rfm_rules": Cover(plain="rfm_segment"),
    "marts.rfm_segment_days": Cover(plain="rfm_segment"),
    "marts.rfm_segment_history": Cover(users="user_id", plain="rfm_segment"),
    "marts.rfm_segments": Cover(users="user_id", plain="rfm_segment"),
    "marts.rfm_segments_hourly": Cover(users="user_id", plain="rfm_segment"),
    "marts.search_index": Cover(users="user_id", personal="search_text", plain="kind object_id"),
    "marts.support_queue": Cover(
        users="user_id",
        addresses="email",
        personal="user_name",
        texts="subject",
        plain="ticket_id company status rfm_segment reason",
    ),
    "marts.upgrade_candidates": Cover(gaggles="gaggle_name", plain="gaggle_id"),
    "marts.user_gaggle_facts": Cover(users="user_id", plain="gaggle_id corporate_email"),
    "ops.rejected_rows": Cover(
        texts="row_json", plain="source_table source_file reason run_id"
    ),
    "staging.event_name_days": Cover(plain="event_name product_id"),
    "staging.sessions": Cover(users="user_id", pointers="other_user_id", plain="session_id"),
    "staging.stg_addresses": Cover(
        places="address_id", personal="address zipcode state", plain="country"
    ),
    "staging.stg_campaign_targets": Cover(
        users="user_id", plain="plan_id plan_detail_id exclusion_reason_id exclusion_reason"
    ),
    "staging.stg_campaigns": Cover(
        plain="plan_id plan_detail_id campaign_action_id campaign_action_name target_group_id"
        " target_group_name channel_id channel_name template_name promotion_id tag_names"
        " campaign_type"
    ),
    "staging.stg_deals": Cover(addresses="email", texts="deal_name", plain="stage email_domain"),
    "staging.stg_gaggles": Cover(gaggles="gaggle_name", plain="gaggle_id"),
    "staging.stg_products": Cover(plain="product_id product_name"),
    "staging.stg_promos": Cover(plain="promo_id status"),
    "staging.stg_tickets": Cover(addresses="email", texts="subject", plain="ticket_id status"),
    "staging.stg_users": Cover(
        users="user_id", personal="user_name email phone address_id", plain="email_domain gaggle_id"
    ),
    "staging.user_event_name_days": Cover(users="user_id", plain="event_name"),
    "staging.user_event_totals": _OF_USER,
    "main.VW_CUSTOMER_PROFILE_FIELDS_V1_2": Cover(
        plain="FIELD_NAME ALIAS_FIELD_NAME TYPE DESCRIPTION"
    ),
    "main.VW_SCHEDULED_CAMPAIGNS_V1_2": Cover(
        plain="PLAN_ID PLAN_DETAIL_ID TARGET_GROUP_ID TARGET_GROUP_NAME CAMPAIGN_ACTION_ID"
        " CAMPAIGN_ACTION_NAME CAMPAIGN_TYPE CHANNEL_ID CHANNEL_NAME TEMPLATE_NAME PROMOTION_ID"
        " TAG_NAMES"
    ),
    "main.VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2": Cover(
        users="CLIENT_CUSTOMER_ID",
        plain="LIFECYCLE_STAGE PLAN_ID PLAN_DETAIL_ID CAMPAIGN_ACTION_ID CAMPAIGN_ACTION_NAME"
        " EXCLUSION_REASON_ID EXCLUSION_REASON EXCLUSION_REASON_DESC TAKEN_FROM_PLAN_ID",
    ),
})  # fmt: skip

# Profiles have a column for each attribute, so that theirs follow from `marts.profile_fields`:
# by the attribute's name, or by its field number.
PROFILE_TABLES: Mapping[str, str] = MappingProxyType({
    "marts.customer_profile_history": "name",
    "marts.customer_profiles": "name",
    "marts.customer_profiles_as_known": "name",
    "main.CUSTOMER_PROFILES": "field_name",
    "main.VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES": "name",
})  # fmt: skip
CUSTOMER_ID = "client_customer_id"

# text attributes that c360 ships and that tell nothing of a person beyond what they did
_PLAIN_ATTRIBUTES = frozenset({
    *("CONTACT_ID", "CORPORATE_EMAIL", "GAGGLE_ID", "GAGGLE_NAME", "COUNTRY", "COMPANY_PLAN"),
    *("EMAIL_DOMAIN", "RFM_SEGMENT", "LIFECYCLE_STAGE"),
})  # fmt: skip
# text columns of the sources of attributes that do not
_PLAIN_COLUMNS = frozenset(
    """
    user_id contact_id corporate_email gaggle_id gaggle_name country current_plan rfm_segment
    plan_id plan_detail_id campaign_action_id campaign_action_name target_group_name channel_name
    template_name promotion_id campaign_type exclusion_reason event_id event_name session_id
    order_id product_id product_name promo_id shipping_service status ticket_id
    """.split()
)
_GAGGLE_NAME = "gaggle_name"
_TEXT_LITERAL = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Attribute:
    """A row of `marts.profile_fields`, as far as it matters here."""

    name: str
    field_name: str
    type: str
    source: str | None
    definition: str
    is_own: bool


def is_text(type_: str) -> bool:
    """Whether values of this DuckDB type may hold words."""
    return any(word in type_.upper() for word in TEXT_TYPES)


def personal_attributes(attributes: Iterable[Attribute]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of attributes that tell of a person, and of those that may tell of anybody.

    Of those that c360 ships the first are the texts, but for a few. An attribute of somebody's own
    c360.toml is personal, whatever its type, if what it is made of names a text column that may be
    personal (an unknown one is), or another personal attribute. It may tell of anybody if it is a
    text made of the texts of tickets, events and the like.
    """
    personal: set[str] = set()
    free: set[str] = set()
    # in the order of the columns: an expression names only what stands above it
    for each in attributes:
        if not each.is_own:
            if is_text(each.type) and each.name not in _PLAIN_ATTRIBUTES:
                personal.add(each.name)
            continue
        words = _words(each)
        columns = _personal_columns(each.source)
        # only expressions name other attributes
        others = (free, personal) if each.source is None else (set(), set())
        free_names, personal_names = ({name.lower() for name in names} for names in others)
        if words & free_names or (
            words & columns and is_text(each.type) and each.source not in STATES
        ):
            free.add(each.name)
        elif words & (personal_names | columns):
            personal.add(each.name)
    return frozenset(personal), frozenset(free)


def attributes_of_gaggles(attributes: Iterable[Attribute]) -> frozenset[str]:
    """The names of the attributes of somebody's own that are texts made of names of gaggles."""
    found: set[str] = set()
    for each in attributes:
        names = {_GAGGLE_NAME, *(name.lower() for name in found if each.source is None)}
        if each.is_own and is_text(each.type) and _words(each) & names:
            found.add(each.name)
    return frozenset(found)


def _words(attribute: Attribute) -> set[str]:
    """The words of a definition that are no text in quotes."""
    return {word.lower() for word in _WORD.findall(_TEXT_LITERAL.sub("''", attribute.definition))}


@cache
def _personal_columns(source: str | None) -> frozenset[str]:
    """Text columns of a source of attributes that may tell of a person."""
    if source is None:
        return frozenset()
    columns = source_types(source)
    return frozenset(
        name.lower()
        for name, type_ in columns.items()
        if is_text(type_) and name.lower() not in _PLAIN_COLUMNS
    )


def profile_cover(attributes: list[Attribute], columns: Mapping[str, str], named_by: str) -> Cover:
    """The cover of a table of profiles with these columns and types.

    A text column that is no attribute of today counts as personal.
    """
    of_person, of_anybody = personal_attributes(attributes)
    of_gaggles = attributes_of_gaggles(attributes)
    by_column = {
        (each.name if named_by == "name" else each.field_name).lower(): each for each in attributes
    }
    words: dict[str, list[str]] = defaultdict(list)
    for column, type_ in columns.items():
        found = by_column.get(column.lower())
        if column.lower() == CUSTOMER_ID:
            continue
        if found and found.name in of_gaggles:
            words["of_gaggles"].append(column)
        if found and found.name in of_anybody:
            words["free"].append(column)
        elif found and found.name.lower() == _GAGGLE_NAME:
            words["gaggles"].append(column)
        elif found.name in of_person if found else is_text(type_):
            words["personal"].append(column)
        elif is_text(type_):
            words["plain"].append(column)
    return Cover(
        users=next(name for name in columns if name.lower() == CUSTOMER_ID),
        as_known=True,
        **{word: " ".join(found) for word, found in words.items()},
    )
