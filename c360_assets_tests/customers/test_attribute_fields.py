"""Numbers of fields: given once and for good, to what c360 ships and to a user's own attributes."""

import re
from pathlib import Path

import pytest

from c360_assets.attribute_rules import AttributeRule
from c360_assets.customer_rules import LifecycleRules
from c360_assets.customers.attribute_fields import FILE_NAME, keep_own_fields, read_own_fields
from c360_assets.customers.attributes import (
    FIRST_OWN_NUMBER,
    Registry,
    build_registry,
    shipped_fields,
)
from c360_assets.errors import ConfigError

# What was shipped once stays: add to this, change nothing.
FROZEN = """
    CONTACT_ID=STR1 EMAIL=STR2 USER_NAME=STR3 CORPORATE_EMAIL=STR4 GAGGLE_ID=STR5 GAGGLE_NAME=STR6
    MERGED_EMAILS=STR7 NUMBER_OF_ACCOUNTS=FIELD1 SIGNUP_DATE=STR8 PHONE_NUMBER=STR9 COUNTRY=STR10
    STATE=STR11 ZIPCODE=STR12 COMPANY_PLAN=STR13 IS_PAYING_COMPANY=FIELD2
    IS_BUSINESS_ADDRESS=FIELD3 EMAIL_DOMAIN=STR14 DAYS_SINCE_SIGNUP=FIELD4
    ECOM_NUMBER_OF_ORDERS=FIELD5 ECOM_NUMBER_OF_ORDERS_1D=FIELD6 ECOM_NUMBER_OF_ORDERS_7D=FIELD7
    ECOM_NUMBER_OF_ORDERS_1M=FIELD8 ECOM_NUMBER_OF_ORDERS_3M=FIELD9
    ECOM_NUMBER_OF_ORDERS_12M=FIELD10 ECOM_NUMBER_OF_ORDER_DAYS=FIELD11
    ECOM_NUMBER_OF_ORDER_DAYS_1D=FIELD12 ECOM_NUMBER_OF_ORDER_DAYS_7D=FIELD13
    ECOM_NUMBER_OF_ORDER_DAYS_1M=FIELD14 ECOM_NUMBER_OF_ORDER_DAYS_3M=FIELD15
    ECOM_NUMBER_OF_ORDER_DAYS_12M=FIELD16 ECOM_TOTAL_GROSS_SALES_AMOUNT=FIELD17
    ECOM_TOTAL_GROSS_SALES_AMOUNT_1D=FIELD18 ECOM_TOTAL_GROSS_SALES_AMOUNT_7D=FIELD19
    ECOM_TOTAL_GROSS_SALES_AMOUNT_1M=FIELD20 ECOM_TOTAL_GROSS_SALES_AMOUNT_3M=FIELD21
    ECOM_TOTAL_GROSS_SALES_AMOUNT_12M=FIELD22 ECOM_TOTAL_NET_SALES_AMOUNT=FIELD23
    ECOM_TOTAL_NET_SALES_AMOUNT_1D=FIELD24 ECOM_TOTAL_NET_SALES_AMOUNT_7D=FIELD25
    ECOM_TOTAL_NET_SALES_AMOUNT_1M=FIELD26 ECOM_TOTAL_NET_SALES_AMOUNT_3M=FIELD27
    ECOM_TOTAL_NET_SALES_AMOUNT_12M=FIELD28 ECOM_TOTAL_REFUND_AMOUNT=FIELD29
    ECOM_TOTAL_REFUND_AMOUNT_1D=FIELD30 ECOM_TOTAL_REFUND_AMOUNT_7D=FIELD31
    ECOM_TOTAL_REFUND_AMOUNT_1M=FIELD32 ECOM_TOTAL_REFUND_AMOUNT_3M=FIELD33
    ECOM_TOTAL_REFUND_AMOUNT_12M=FIELD34 ECOM_TOTAL_DISCOUNT_AMOUNT=FIELD35
    ECOM_TOTAL_DISCOUNT_AMOUNT_1D=FIELD36 ECOM_TOTAL_DISCOUNT_AMOUNT_7D=FIELD37
    ECOM_TOTAL_DISCOUNT_AMOUNT_1M=FIELD38 ECOM_TOTAL_DISCOUNT_AMOUNT_3M=FIELD39
    ECOM_TOTAL_DISCOUNT_AMOUNT_12M=FIELD40 ECOM_TOTAL_SHIPPING_AMOUNT=FIELD41
    ECOM_TOTAL_SHIPPING_AMOUNT_1D=FIELD42 ECOM_TOTAL_SHIPPING_AMOUNT_7D=FIELD43
    ECOM_TOTAL_SHIPPING_AMOUNT_1M=FIELD44 ECOM_TOTAL_SHIPPING_AMOUNT_3M=FIELD45
    ECOM_TOTAL_SHIPPING_AMOUNT_12M=FIELD46 ECOM_TOTAL_PAID_AMOUNT=FIELD47
    ECOM_TOTAL_PAID_AMOUNT_1D=FIELD48 ECOM_TOTAL_PAID_AMOUNT_7D=FIELD49
    ECOM_TOTAL_PAID_AMOUNT_1M=FIELD50 ECOM_TOTAL_PAID_AMOUNT_3M=FIELD51
    ECOM_TOTAL_PAID_AMOUNT_12M=FIELD52 ECOM_NUMBER_OF_REFUNDED_ORDERS=FIELD53
    ECOM_NUMBER_OF_REFUNDED_ORDERS_1D=FIELD54 ECOM_NUMBER_OF_REFUNDED_ORDERS_7D=FIELD55
    ECOM_NUMBER_OF_REFUNDED_ORDERS_1M=FIELD56 ECOM_NUMBER_OF_REFUNDED_ORDERS_3M=FIELD57
    ECOM_NUMBER_OF_REFUNDED_ORDERS_12M=FIELD58 ECOM_NUMBER_OF_PROMO_ORDERS=FIELD59
    ECOM_NUMBER_OF_PROMO_ORDERS_1D=FIELD60 ECOM_NUMBER_OF_PROMO_ORDERS_7D=FIELD61
    ECOM_NUMBER_OF_PROMO_ORDERS_1M=FIELD62 ECOM_NUMBER_OF_PROMO_ORDERS_3M=FIELD63
    ECOM_NUMBER_OF_PROMO_ORDERS_12M=FIELD64 ECOM_NUMBER_OF_LATE_DELIVERIES=FIELD65
    ECOM_NUMBER_OF_LATE_DELIVERIES_1M=FIELD66 ECOM_NUMBER_OF_LATE_DELIVERIES_3M=FIELD67
    ECOM_NUMBER_OF_LATE_DELIVERIES_12M=FIELD68 ECOM_NUMBER_OF_DELIVERIES=FIELD69
    ECOM_NUMBER_OF_DELIVERIES_1M=FIELD70 ECOM_NUMBER_OF_DELIVERIES_3M=FIELD71
    ECOM_NUMBER_OF_DELIVERIES_12M=FIELD72 ECOM_NUMBER_OF_ITEMS=FIELD73
    ECOM_NUMBER_OF_ITEMS_1D=FIELD74 ECOM_NUMBER_OF_ITEMS_7D=FIELD75 ECOM_NUMBER_OF_ITEMS_1M=FIELD76
    ECOM_NUMBER_OF_ITEMS_3M=FIELD77 ECOM_NUMBER_OF_ITEMS_12M=FIELD78
    ECOM_NUMBER_OF_ORDER_LINES=FIELD79 ECOM_NUMBER_OF_ORDER_LINES_1D=FIELD80
    ECOM_NUMBER_OF_ORDER_LINES_7D=FIELD81 ECOM_NUMBER_OF_ORDER_LINES_1M=FIELD82
    ECOM_NUMBER_OF_ORDER_LINES_3M=FIELD83 ECOM_NUMBER_OF_ORDER_LINES_12M=FIELD84
    ECOM_LARGEST_ORDER_AMOUNT=FIELD85 ECOM_LARGEST_ORDER_AMOUNT_1M=FIELD86
    ECOM_LARGEST_ORDER_AMOUNT_3M=FIELD87 ECOM_LARGEST_ORDER_AMOUNT_12M=FIELD88
    ECOM_SMALLEST_ORDER_AMOUNT=FIELD89 ECOM_SMALLEST_ORDER_AMOUNT_1M=FIELD90
    ECOM_SMALLEST_ORDER_AMOUNT_3M=FIELD91 ECOM_SMALLEST_ORDER_AMOUNT_12M=FIELD92
    FIRST_ORDER_DATE=STR15 LAST_ORDER_DATE=STR16 DAYS_SINCE_FIRST_ORDER=FIELD93
    DAYS_SINCE_LAST_ORDER=FIELD94 DAYS_FROM_SIGNUP_TO_FIRST_ORDER=FIELD95
    ECOM_AVERAGE_DAYS_BETWEEN_ORDERS=FIELD96 ECOM_AVERAGE_ORDER_VALUE=FIELD97
    ECOM_AVERAGE_ORDER_VALUE_1D=FIELD98 ECOM_AVERAGE_ORDER_VALUE_7D=FIELD99
    ECOM_AVERAGE_ORDER_VALUE_1M=FIELD100 ECOM_AVERAGE_ORDER_VALUE_3M=FIELD101
    ECOM_AVERAGE_ORDER_VALUE_12M=FIELD102 ECOM_ITEMS_PER_ORDER=FIELD103
    ECOM_ITEMS_PER_ORDER_1D=FIELD104 ECOM_ITEMS_PER_ORDER_7D=FIELD105
    ECOM_ITEMS_PER_ORDER_1M=FIELD106 ECOM_ITEMS_PER_ORDER_3M=FIELD107
    ECOM_ITEMS_PER_ORDER_12M=FIELD108 ECOM_REFUND_RATE=FIELD109 ECOM_DISCOUNT_RATE=FIELD110
    ECOM_PROMO_ORDER_RATE=FIELD111 ECOM_LATE_DELIVERY_RATE=FIELD112 ECOM_REFUND_RATE_1M=FIELD113
    ECOM_DISCOUNT_RATE_1M=FIELD114 ECOM_PROMO_ORDER_RATE_1M=FIELD115
    ECOM_LATE_DELIVERY_RATE_1M=FIELD116 ECOM_REFUND_RATE_3M=FIELD117 ECOM_DISCOUNT_RATE_3M=FIELD118
    ECOM_PROMO_ORDER_RATE_3M=FIELD119 ECOM_LATE_DELIVERY_RATE_3M=FIELD120
    ECOM_REFUND_RATE_12M=FIELD121 ECOM_DISCOUNT_RATE_12M=FIELD122
    ECOM_PROMO_ORDER_RATE_12M=FIELD123 ECOM_LATE_DELIVERY_RATE_12M=FIELD124
    NUMBEROFCAMPAIGNS=FIELD125 NUMBEROFCAMPAIGNS_1D=FIELD126 NUMBEROFCAMPAIGNS_7D=FIELD127
    NUMBEROFCAMPAIGNS_1M=FIELD128 NUMBEROFCAMPAIGNS_3M=FIELD129 NUMBEROFCAMPAIGNS_12M=FIELD130
    NUMBEROFCAMPAIGNS_EMAIL=FIELD131 NUMBEROFCAMPAIGNS_EMAIL_1D=FIELD132
    NUMBEROFCAMPAIGNS_EMAIL_7D=FIELD133 NUMBEROFCAMPAIGNS_EMAIL_1M=FIELD134
    NUMBEROFCAMPAIGNS_EMAIL_3M=FIELD135 NUMBEROFCAMPAIGNS_EMAIL_12M=FIELD136
    NUMBEROFCAMPAIGNS_SMS=FIELD137 NUMBEROFCAMPAIGNS_SMS_1D=FIELD138
    NUMBEROFCAMPAIGNS_SMS_7D=FIELD139 NUMBEROFCAMPAIGNS_SMS_1M=FIELD140
    NUMBEROFCAMPAIGNS_SMS_3M=FIELD141 NUMBEROFCAMPAIGNS_SMS_12M=FIELD142
    NUMBEROFCAMPAIGNS_PUSH=FIELD143 NUMBEROFCAMPAIGNS_PUSH_1D=FIELD144
    NUMBEROFCAMPAIGNS_PUSH_7D=FIELD145 NUMBEROFCAMPAIGNS_PUSH_1M=FIELD146
    NUMBEROFCAMPAIGNS_PUSH_3M=FIELD147 NUMBEROFCAMPAIGNS_PUSH_12M=FIELD148
    NUMBEROFCONTROLS=FIELD149 NUMBEROFCONTROLS_1D=FIELD150 NUMBEROFCONTROLS_7D=FIELD151
    NUMBEROFCONTROLS_1M=FIELD152 NUMBEROFCONTROLS_3M=FIELD153 NUMBEROFCONTROLS_12M=FIELD154
    NUMBEROFEXCLUSIONS=FIELD155 NUMBEROFEXCLUSIONS_1D=FIELD156 NUMBEROFEXCLUSIONS_7D=FIELD157
    NUMBEROFEXCLUSIONS_1M=FIELD158 NUMBEROFEXCLUSIONS_3M=FIELD159 NUMBEROFEXCLUSIONS_12M=FIELD160
    NUMBEROFPROMOTIONS=FIELD161 NUMBEROFPROMOTIONS_1D=FIELD162 NUMBEROFPROMOTIONS_7D=FIELD163
    NUMBEROFPROMOTIONS_1M=FIELD164 NUMBEROFPROMOTIONS_3M=FIELD165 NUMBEROFPROMOTIONS_12M=FIELD166
    LAST_CAMPAIGN_DATE=STR17 DAYS_SINCE_LAST_CAMPAIGN=FIELD167 NUMBER_OF_EVENTS=FIELD168
    NUMBER_OF_EVENTS_1D=FIELD169 NUMBER_OF_EVENTS_7D=FIELD170 NUMBER_OF_EVENTS_1M=FIELD171
    NUMBER_OF_EVENTS_3M=FIELD172 NUMBER_OF_EVENTS_12M=FIELD173 NUMBER_OF_ACTIVE_DAYS=FIELD174
    NUMBER_OF_ACTIVE_DAYS_1D=FIELD175 NUMBER_OF_ACTIVE_DAYS_7D=FIELD176
    NUMBER_OF_ACTIVE_DAYS_1M=FIELD177 NUMBER_OF_ACTIVE_DAYS_3M=FIELD178
    NUMBER_OF_ACTIVE_DAYS_12M=FIELD179 NUMBER_OF_RECIPE_VIEWS=FIELD180
    NUMBER_OF_RECIPE_VIEWS_1D=FIELD181 NUMBER_OF_RECIPE_VIEWS_7D=FIELD182
    NUMBER_OF_RECIPE_VIEWS_1M=FIELD183 NUMBER_OF_RECIPE_VIEWS_3M=FIELD184
    NUMBER_OF_RECIPE_VIEWS_12M=FIELD185 NUMBER_OF_RECIPE_FAVORITES=FIELD186
    NUMBER_OF_RECIPE_FAVORITES_1D=FIELD187 NUMBER_OF_RECIPE_FAVORITES_7D=FIELD188
    NUMBER_OF_RECIPE_FAVORITES_1M=FIELD189 NUMBER_OF_RECIPE_FAVORITES_3M=FIELD190
    NUMBER_OF_RECIPE_FAVORITES_12M=FIELD191 NUMBER_OF_PAGE_VIEWS=FIELD192
    NUMBER_OF_PAGE_VIEWS_1D=FIELD193 NUMBER_OF_PAGE_VIEWS_7D=FIELD194
    NUMBER_OF_PAGE_VIEWS_1M=FIELD195 NUMBER_OF_PAGE_VIEWS_3M=FIELD196
    NUMBER_OF_PAGE_VIEWS_12M=FIELD197 NUMBER_OF_ADDS_TO_CART=FIELD198
    NUMBER_OF_ADDS_TO_CART_1D=FIELD199 NUMBER_OF_ADDS_TO_CART_7D=FIELD200
    NUMBER_OF_ADDS_TO_CART_1M=FIELD201 NUMBER_OF_ADDS_TO_CART_3M=FIELD202
    NUMBER_OF_ADDS_TO_CART_12M=FIELD203 NUMBER_OF_CHECKOUTS=FIELD204
    NUMBER_OF_CHECKOUTS_1D=FIELD205 NUMBER_OF_CHECKOUTS_7D=FIELD206 NUMBER_OF_CHECKOUTS_1M=FIELD207
    NUMBER_OF_CHECKOUTS_3M=FIELD208 NUMBER_OF_CHECKOUTS_12M=FIELD209
    NUMBER_OF_PRODUCT_EVENTS=FIELD210 NUMBER_OF_PRODUCT_EVENTS_1M=FIELD211
    NUMBER_OF_PRODUCT_EVENTS_3M=FIELD212 NUMBER_OF_PRODUCT_EVENTS_12M=FIELD213
    FIRST_EVENT_DATE=STR18 LAST_EVENT_DATE=STR19 DAYS_SINCE_LAST_EVENT=FIELD214
    EVENTS_PER_ACTIVE_DAY=FIELD215 EVENTS_PER_ACTIVE_DAY_1D=FIELD216
    EVENTS_PER_ACTIVE_DAY_7D=FIELD217 EVENTS_PER_ACTIVE_DAY_1M=FIELD218
    EVENTS_PER_ACTIVE_DAY_3M=FIELD219 EVENTS_PER_ACTIVE_DAY_12M=FIELD220 FAVORITE_RATE=FIELD221
    FAVORITE_RATE_1M=FIELD222 FAVORITE_RATE_3M=FIELD223 FAVORITE_RATE_12M=FIELD224
    NUMBER_OF_TICKETS=FIELD225 NUMBER_OF_TICKETS_1D=FIELD226 NUMBER_OF_TICKETS_7D=FIELD227
    NUMBER_OF_TICKETS_1M=FIELD228 NUMBER_OF_TICKETS_3M=FIELD229 NUMBER_OF_TICKETS_12M=FIELD230
    LAST_TICKET_DATE=STR20 DAYS_SINCE_LAST_TICKET=FIELD231 RFM_SEGMENT=STR21
    RFM_RECENCY_SCORE=FIELD232 RFM_FREQUENCY_SCORE=FIELD233 RFM_MONETARY_SCORE=FIELD234
    LIFETIME_VALUE_SCORED_ON=STR22 PROBABILITY_ALIVE=FIELD235 EXPECTED_ORDER_VALUE=FIELD236
    EXPECTED_ORDERS_30D=FIELD237 EXPECTED_ORDERS_90D=FIELD238 EXPECTED_ORDERS_365D=FIELD239
    CUSTOMER_LIFETIME_VALUE_30D=FIELD240 CUSTOMER_LIFETIME_VALUE_90D=FIELD241
    CUSTOMER_LIFETIME_VALUE_365D=FIELD242 LAST_RETURN_DATE=STR23 NUMBER_OF_RETURNS=FIELD243
    LIFECYCLE_STAGE=STR24
"""
OWN = {"description": "d", "type": "BIGINT", "source": "orders", "aggregate": "count"}
TEXT = {"description": "d", "type": "VARCHAR", "source": "contacts", "value": "email"}


def rule(name: str, **entry: object) -> AttributeRule:
    return AttributeRule.model_validate({"name": name, **(OWN | entry)})


def text_rule(name: str, **entry: object) -> AttributeRule:
    return AttributeRule.model_validate({"name": name, **(TEXT | entry)})


def registry(home: Path, *own: AttributeRule) -> Registry:
    """The registry as a run makes it: with the numbers known before, which are then kept."""
    known = read_own_fields(home)
    made = build_registry(own, LifecycleRules(), known)
    keep_own_fields(home, made, known)
    return made


def fields(made: Registry) -> dict[str, str]:
    """The fields of a user's own columns."""
    return {a.name: a.field for a in made.attributes if a.name not in shipped_fields()}


# --- what c360 ships -----------------------------------------------------------------------------


def test_a_shipped_field_never_changes_its_number():
    frozen = dict(pair.split("=") for pair in FROZEN.split())
    assert len(frozen) > 200
    assert frozen.items() <= shipped_fields().items()


def test_every_shipped_column_has_a_number_of_its_kind_and_no_number_is_given_twice():
    made = build_registry((), LifecycleRules(), {})
    numbers = [a.field for a in made.attributes]
    assert len(set(numbers)) == len(numbers)
    assert len(set(shipped_fields().values())) == len(shipped_fields())
    for attribute in made.attributes:
        assert attribute.field == shipped_fields()[attribute.name]
        kind = "STR" if attribute.type in ("VARCHAR", "DATE") else "FIELD"
        assert re.fullmatch(rf"{kind}[1-9][0-9]*", attribute.field)
        assert int(attribute.field.removeprefix(kind)) < FIRST_OWN_NUMBER


# --- a user's own --------------------------------------------------------------------------------


def test_own_attributes_are_numbered_from_1001_each_kind_by_itself(tmp_path):
    made = registry(tmp_path, rule("A", windows=["7D", "1M"]), text_rule("B"), rule("C"))
    assert fields(made) == {
        "A": "FIELD1001",
        "A_7D": "FIELD1002",
        "A_1M": "FIELD1003",
        "B": "STR1001",
        "C": "FIELD1004",
    }
    assert read_own_fields(tmp_path) == fields(made)


def test_a_number_stays_whatever_comes_before_it_later(tmp_path):
    registry(tmp_path, rule("B"))
    made = registry(tmp_path, rule("A"), rule("B", windows=["1D"]))
    assert fields(made) == {"A": "FIELD1002", "B": "FIELD1001", "B_1D": "FIELD1003"}
    assert fields(registry(tmp_path, rule("B"), rule("A"))) == {
        "A": "FIELD1002",
        "B": "FIELD1001",
    }


def test_the_number_of_what_was_taken_out_is_never_given_again(tmp_path):
    registry(tmp_path, rule("A"))
    assert fields(registry(tmp_path, rule("B"))) == {"B": "FIELD1002"}
    assert fields(registry(tmp_path)) == {}
    assert fields(registry(tmp_path, rule("C"), rule("A"))) == {"A": "FIELD1001", "C": "FIELD1003"}


def test_without_own_attributes_no_file_is_written(tmp_path):
    made = build_registry((), LifecycleRules(), {})
    assert keep_own_fields(tmp_path / "home", made, {}) == 0
    assert not (tmp_path / "home").exists()


def test_keeping_again_writes_nothing(tmp_path):
    made = registry(tmp_path, rule("A"))
    assert keep_own_fields(tmp_path, made, read_own_fields(tmp_path)) == 0
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_number_may_be_asked_for(tmp_path):
    made = registry(tmp_path, rule("A"), rule("B", field="FIELD1001", windows=["1D"]))
    assert fields(made) == {"A": "FIELD1002", "B": "FIELD1001", "B_1D": "FIELD1003"}
    assert fields(registry(tmp_path, rule("B", windows=["1D"]), rule("A"))) == fields(made)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"field": "STR1001"}, "A is a BIGINT, so its field is FIELDn"),
        ({"field": "FIELD"}, "got 'FIELD'"),
        ({"field": "field1001"}, "got 'field1001'"),
        ({"field": "FIELD01001"}, "got 'FIELD01001'"),
        ({"field": "FIELD\u00b2"}, "its field is FIELDn"),
        ({"field": "FIELD5"}, "numbers from 1001 are free"),
        ({"field": "FIELD900"}, "numbers from 1001 are free"),
    ],
)
def test_a_number_that_cannot_be_is_refused(entry, told):
    with pytest.raises(ConfigError) as caught:
        build_registry([rule("A", **entry)], LifecycleRules(), {})
    assert "attributes: A" in str(caught.value)
    assert told in str(caught.value)


def test_two_attributes_cannot_ask_for_one_number():
    rules = [rule("A", field="FIELD1007"), rule("B", field="FIELD1007")]
    with pytest.raises(ConfigError, match="B cannot be FIELD1007, which was given to A"):
        build_registry(rules, LifecycleRules(), {})


def test_the_number_of_what_was_taken_out_cannot_be_asked_for(tmp_path):
    registry(tmp_path, rule("A"))
    with pytest.raises(ConfigError, match="B cannot be FIELD1001, which was given to A"):
        registry(tmp_path, rule("B", field="FIELD1001"))


def test_who_has_a_number_cannot_ask_for_another(tmp_path):
    registry(tmp_path, rule("A"))
    with pytest.raises(ConfigError, match="A is FIELD1001 for good"):
        registry(tmp_path, rule("A", field="FIELD1005"))
    assert fields(registry(tmp_path, rule("A", field="FIELD1001"))) == {"A": "FIELD1001"}


def test_an_attribute_whose_kind_changes_is_told_to_take_a_new_name(tmp_path):
    registry(tmp_path, rule("A"))
    with pytest.raises(ConfigError) as caught:
        registry(tmp_path, text_rule("A"))
    assert "A is a VARCHAR, so its field is STRn" in str(caught.value)
    assert "give an attribute whose type changes a new name" in str(caught.value)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"name\nA\n",
        b"name,field\nA\n",
        b"name,field\nA,\n",
        b"name,field\nA,FIELD1001\nB,FIELD1001\n",
        b"name,field\nA,FIELD1001\nA,FIELD1002\n",
        b"name,field\nA,banana\n",
        b"A,FIELD1001\n",
        b"name,field\n\xff\xfe,FIELD1001\n",
        b"\x00\x00\x00",
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path, damaged):
    (tmp_path / FILE_NAME).write_bytes(damaged)
    with pytest.raises(ConfigError) as caught:
        read_own_fields(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert "restore it from a backup" in str(caught.value)
