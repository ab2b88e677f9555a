"""What exists once whatever the scale: products, promos, campaigns, and pools for addresses.

What does NOT belong here: who buys, where somebody lives, whom a campaign reaches (`orders`,
`population`, `engagement`).
"""

from dataclasses import dataclass

from c360_assets.sources.demo import clock

# name, price in cents, inventory
PRODUCTS: tuple[tuple[str, int, int], ...] = (
    ("Classic Cheese Jaffle Kit", 1_250, 140),
    ("Tuna Melt Jaffle Kit", 1_495, 92),
    ("Banana Caramel Jaffle Kit", 1_190, 75),
    ("Baked Bean Jaffle Kit", 1_050, 133),
    ("Spaghetti Jaffle Kit", 1_325, 61),
    ("Mushroom Thyme Jaffle Kit", 1_540, 58),
    ("Pulled Pork Jaffle Kit", 1_890, 44),
    ("Spinach Feta Jaffle Kit", 1_475, 87),
    ("Apple Cinnamon Jaffle Kit", 1_225, 70),
    ("Chocolate Hazelnut Jaffle Kit", 1_395, 96),
    ("Breakfast Egg Jaffle Kit", 1_280, 118),
    ("Kimchi Cheddar Jaffle Kit", 1_620, 39),
    ("Curried Lamb Jaffle Kit", 1_975, 33),
    ("Pumpkin Sage Jaffle Kit", 1_435, 52),
    ("Blueberry Ricotta Jaffle Kit", 1_560, 47),
    ("Vegan Chili Jaffle Kit", 1_385, 81),
    ("Stovetop Jaffle Iron", 3_450, 120),
    ("Double Jaffle Iron", 4_995, 64),
    ("Electric Jaffle Maker", 7_990, 38),
    ("Campfire Jaffle Iron", 3_875, 55),
    ("Cast Iron Press", 2_999, 49),
    ("Bread Knife", 2_450, 77),
    ("Butter Dish", 1_799, 66),
    ("Maple Cutting Board", 3_250, 41),
    ("Linen Apron", 2_775, 83),
    ("Oven Mitt Pair", 1_599, 102),
    ("Spice Rack", 4_250, 29),
    ("Tomato Relish Trio", 1_850, 94),
    ("Sourdough Starter", 995, 150),
    ("Jaffle Cookbook", 2_650, 110),
)

# promo_id, discount in whole currency units, status
PROMOS: tuple[tuple[str, int, str], ...] = (
    ("first-crust", 5, "active"),
    ("golden-toast", 3, "active"),
    ("gaggle-lunch", 10, "active"),
    ("melt-monday", 4, "inactive"),
    ("second-slice", 2, "active"),
    ("autumn-press", 8, "inactive"),
)

STREETS = (
    "Artisan Park,Baker Street,Butter Lane,Canal Road,Cedar Avenue,Church Hill,Clover Court,"
    "Crumb Terrace,Dairy Road,Elm Street,Ferry Lane,Forest Drive,Garden Row,Granary Wharf,"
    "Harbour View,High Street,Jubilee Square,Kiln Lane,Lake Road,Linden Walk,Maple Drive,"
    "Market Place,Meadow Way,Mill Street,North Parade,Oak Avenue,Orchard Road,Park Crescent,"
    "Pepper Alley,River Street,Rose Court,Saffron Hill,School Lane,Spring Street,Station Road,"
    "Sunset Boulevard,Tannery Row,Union Street,Victoria Terrace,Willow Way"
).split(",")

# state, country, form of the zipcode (#: any digit, ?: any letter); commoner ones come first
REGIONS: tuple[tuple[str, str, str], ...] = (
    ("California", "United States", "92###"),
    ("New York", "United States", "10###"),
    ("Massachusetts", "United States", "02###"),
    ("Texas", "United States", "75###"),
    ("Illinois", "United States", "60###"),
    ("Washington", "United States", "98###"),
    ("England", "United Kingdom", "??# #??"),
    ("Ontario", "Canada", "?#? #?#"),
    ("New Jersey", "United States", "07###"),
    ("Colorado", "United States", "80###"),
    ("New South Wales", "Australia", "2###"),
    ("Bavaria", "Germany", "80###"),
    ("Scotland", "United Kingdom", "??## #??"),
    ("Victoria", "Australia", "3###"),
    ("Île-de-France", "France", "75###"),
    ("Quebec", "Canada", "?#? #?#"),
    ("North Holland", "Netherlands", "1### ??"),
    ("Catalonia", "Spain", "08###"),
    ("Tel Aviv", "Israel", "6######"),
    ("Lombardy", "Italy", "20###"),
)

TICKET_SUBJECTS = (
    "Where is my order?",
    "My jaffle iron arrived broken",
    "Change the e-mail address of my account",
    "I was charged twice",
    "Promo code doesn't work",
    "Add a colleague to our gaggle",
    "Refund for a late delivery",
    "Can't log in",
    'Recipe asks for "strong" cheese, which?',
    "Invoice for our company, please",
)

EXCLUSION_REASONS = (
    ("1", "Excluded by a campaign of higher priority"),
    ("2", "Reached the limit of contacts per week"),
    ("3", "Unsubscribed from the channel"),
    ("4", "Received the same action recently"),
)

CAMPAIGN_EVERY_SECONDS = 331_200
"""A plan starts every 3 days and 20 hours: 24 of them in `clock.HISTORY_DAYS`."""

CONTROL_ACTION = ("1", "DN")
"""The action "do nothing": customers given to it are the plan's control group."""

# action id and name, channel id and name, template
_ACTIONS = (
    ("11", "10% off the next kit", "2", "Email", "kit_discount"),
    ("12", "Recipe of the week", "2", "Email", "weekly_recipe"),
    ("13", "Free shipping", "3", "SMS", "free_shipping"),
    ("14", "Invite a colleague", "2", "Email", "gaggle_invite"),
    ("15", "We miss you", "4", "Push", "miss_you"),
    ("16", "Cookbook preview", "2", "Email", "cookbook_preview"),
    ("17", "Rate your last jaffle", "4", "Push", "rate_order"),
)
_TARGET_GROUPS = (
    "New Customers", "Champions", "At Risk", "Potential Loyalists", "Never Ordered",
    "Loyal Customers", "Hibernating", "Company Accounts",
)  # fmt: skip
_TAGS = ("onboarding", "retention;email", "winback", "growth;gaggle", "seasonal")


@dataclass(frozen=True)
class Plan:
    """A campaign: its days of execution, counted from 0, and one raw_campaign row per action."""

    days: tuple[int, ...]
    plan_id: str
    detail_ids: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def plans(history_days: int) -> list[Plan]:
    """Return the campaigns of a history; the first ones are the same for any longer history."""
    every = CAMPAIGN_EVERY_SECONDS
    count = history_days * clock.DAY_SECONDS // every + 1
    days = [
        (number * every + 2 * clock.DAY_SECONDS) // clock.DAY_SECONDS for number in range(count)
    ]
    return [_plan(number, day) for number, day in enumerate(days) if day < history_days - 1]


def _plan(number: int, start: int) -> Plan:
    recurring = number % 3 == 2
    plan_id = str(501 + number)
    chosen = [_ACTIONS[number % len(_ACTIONS)]]
    if number % 2:  # every other plan compares two actions
        chosen.append(_ACTIONS[(number + 3) % len(_ACTIONS)])
    control = (*CONTROL_ACTION, None, None, None)
    group = number % len(_TARGET_GROUPS)
    promotion = PROMOS[number % len(PROMOS)][0] if number % 2 == 0 else None
    end = clock.day_name(start + 14) if recurring else None
    shared = (promotion, _TAGS[number % len(_TAGS)], "2" if recurring else "1")
    details = tuple(str(9_001 + number * 10 + place) for place in range(len(chosen) + 1))
    rows = tuple(
        (plan_id, detail, *action[:2], str(21 + group), _TARGET_GROUPS[group], *action[2:],
         None if action is control else shared[0], *shared[1:], clock.day_name(start), end)
        for detail, action in zip(details, (control, *chosen), strict=True)
    )  # fmt: skip
    days = (start, start + 7, start + 14) if recurring else (start,)
    return Plan(days, plan_id, details, rows)
