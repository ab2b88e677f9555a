"""A small world in which every text is an attack on whoever shows it."""

import csv
import io
from pathlib import Path

from c360_assets_tests.pipeline import World

# as an element, as a Vue template, as the end of an attribute, as a script
ATTACK = (
    "<img src=x onerror=window.hacked=1>"
    "{{constructor.constructor('window.hacked=1')()}}"
    "\"'><script>window.hacked=1</script>"
)
GAGGLE_ID = "g/1?a=b&c#d %2e\"'><svg onload=window.hacked=1>"
LONG = "x" * 300


def table(*rows: tuple[object, ...]) -> str:
    """Rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def hostile_world(folder: Path) -> World:
    """Two people who may be one, orders, events, a ticket, a campaign, a deal; published."""
    world = World(folder)
    source = folder / "source"
    source.mkdir(parents=True)
    for name, text in _tables().items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    world.build_everything().publish()
    return world


def _tables() -> dict[str, str]:
    days = [f"2021-03-{day:02d}" for day in range(1, 11)]
    return {
        "raw_user": table(
            ("id", "name", "email", "gaggle_id", "created_at", "phone", "address_id"),
            (ATTACK, f"Ann {ATTACK}", "ann@acme.com", GAGGLE_ID, "2021-01-01", "123", "a1"),
            ("2", f"Ann {ATTACK}", "ann@gmail.com", GAGGLE_ID, "2021-01-02", "123", "a1"),
            ("3", LONG, "long@acme.com", "g2", "2021-01-03", "", ""),
            ("4", "مرحبا 👩‍👩‍👧", "rtl@beta.com", "g2", "2021-01-04", "", ""),
        ),
        "raw_gaggle": table(
            ("id", "name", "created_at"),
            (GAGGLE_ID, ATTACK, "2021-01-01"),
            ("g2", LONG, "2021-01-01"),
        ),
        "raw_address": table(
            ("address_id", "address", "zipcode", "state", "country"),
            ("a1", ATTACK, "1", ATTACK, ATTACK),
        ),
        "raw_event": table(
            ("event_id", "user_id", "event_name", "timestamp", "session_id", "product_id"),
            *((f"e{day}", ATTACK, ATTACK, f"{day} 10:00", f"s{day}", ATTACK) for day in days),
            *((f"f{day}", "4", "login", f"{day} 11:00", f"t{day}", "") for day in days),
        ),
        "raw_order": table(
            ("order_id", "user_id", "created_at", "order_cost", "promo_id", "address_id", "status"),
            *((f"o{day}", ATTACK, f"{day} 12:00", 10, ATTACK, "a1", ATTACK) for day in days),
            ("o-4", "4", "2021-03-02 12:00", 5, "", "", "shipped"),
        ),
        "raw_order_item": table(
            ("order_id", "product_id", "quantity"), *((f"o{day}", ATTACK, 1) for day in days)
        ),
        "raw_product": table(("product_id", "name", "price"), (ATTACK, ATTACK, 10)),
        "raw_promo": table(("promo_id", "discount"), (ATTACK, 1)),
        "raw_ticket": table(
            ("ticket_id", "email", "created_at", "subject", "status"),
            (ATTACK, "ann@acme.com", "2021-03-09", ATTACK, "open"),
            ("t2", "stranger@x.com", "2021-03-09", ATTACK, "open"),
        ),
        "deals": table(
            ("close_date", "amount", "deal_name", "deal_stage", "email"),
            ("2021-03-01", "$40,000", f"{ATTACK} - {ATTACK} Deal", "won", "ann@acme.com"),
        ),
        "raw_campaign": table(
            (
                *("plan_id", "plan_detail_id", "campaign_action_id", "campaign_action_name"),
                *("target_group_id", "target_group_name", "channel_id", "channel_name"),
                *("template_name", "promotion_id", "tag_names", "campaign_type"),
                "execution_start_date",
            ),
            (
                "1",
                "11",
                "1",
                ATTACK,
                "1",
                ATTACK,
                "2",
                ATTACK,
                ATTACK,
                ATTACK,
                ATTACK,
                "1",
                days[2],
            ),
        ),
        "raw_campaign_target": table(
            ("execution_date", "user_id", "plan_id", "plan_detail_id", "last_updated_time"),
            (days[2], ATTACK, "1", "11", f"{days[2]} 10:00"),
        ),
        "merged_user": table(
            ("old_email", "new_email", "decision", "decided_by", "decided_at", "reason"),
            ("rtl@beta.com", "long@acme.com", "merge", ATTACK, "2021-03-01", ATTACK),
            ("ann@acme.com", "long@acme.com", "never", ATTACK, "2021-03-02", ATTACK),
        ),
    }
