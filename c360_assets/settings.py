"""Settings: environment variables (and `.env`) and the business rules of `c360.toml`, typed.

Belongs here: what a user may set, its default and its validation. Not here: what any of it does.
The variables are section 1 of the data contract.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from c360_assets.attribute_rules import AttributeRule
from c360_assets.config_problems import explain
from c360_assets.crm_rules import CrmRules
from c360_assets.customer_rules import (
    CampaignRules,
    LifecycleRules,
    LifetimeValueRules,
    SessionRules,
    SupportRules,
)
from c360_assets.domain_rules import DomainRules
from c360_assets.errors import ConfigError
from c360_assets.ui_rules import UiRules

DEFAULT_CONFIG = Path("c360.toml")
ROLE_ADDRESSES = (
    *("abuse", "accounting", "accounts", "admin", "billing", "careers", "contact", "enquiries"),
    *("finance", "hello", "help", "helpdesk", "hr", "info", "inquiries", "invoices", "jobs"),
    *("marketing", "no-reply", "noreply", "office", "orders", "postmaster", "press", "sales"),
    *("security", "service", "support", "team", "webmaster"),
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderRules(_Strict):
    """Which events are orders where there is no `raw_order` table."""

    event_names: tuple[str, ...] = Field(("order_placed",), min_length=1)


class EventRules(_Strict):
    """The day partitions of events. `first_day` defaults to the first day in the source."""

    first_day: date | None = None


class SuggestionRules(_Strict):
    """Which suggested merges are listed, and what share of them should turn out right."""

    min_probability: float = Field(0.5, gt=0, lt=1)
    max_listed: int = Field(100_000, ge=1)
    target_precision: float = Field(0.95, gt=0, lt=1)


class IdentityRules(_Strict):
    """Limits of identity resolution.

    `role_addresses` are the local parts of mailboxes that several people share (RFC 2142 and
    common use); they merge with nobody unless the decision gives a reason.
    """

    max_cluster_size: int = Field(10, ge=2)
    role_addresses: tuple[str, ...] = ROLE_ADDRESSES
    suggestions: SuggestionRules = SuggestionRules()

    @field_validator("role_addresses")
    @classmethod
    def _roles_are_local_parts(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [role for role in roles if "@" in role or not role.strip()]:
            raise ValueError(
                f"identity.role_addresses are the parts before the @, such as `info`; got {wrong}"
            )
        return tuple(role.strip().lower() for role in roles)


class RfmBand(_Strict):
    """One rule of the segment grid: the first band whose two ceilings hold gives the segment."""

    max_recency_score: int = Field(ge=1, le=5)
    max_frequency_score: int = Field(ge=1, le=5)
    segment: str

    @field_validator("segment")
    @classmethod
    def _segment_is_not_that_of_prospects(cls, segment: str) -> str:
        if not segment.strip():
            raise ValueError("a segment has a name, such as Champions")
        if segment.strip().lower() == "prospects":
            raise ValueError("`prospects` are those who never ordered; take another name")
        return segment


def _default_grid() -> tuple[RfmBand, ...]:
    rows = (
        (2, 2, "Hibernating"),
        (2, 4, "At Risk"),
        (2, 5, "Cannot Lose Them"),
        (3, 2, "About to Sleep"),
        (3, 3, "Need Attention"),
        (4, 1, "Promising"),
        (4, 3, "Potential Loyalists"),
        (4, 5, "Loyal Customers"),
        (5, 1, "New Customers"),
        (5, 3, "Potential Loyalists"),
        (5, 5, "Champions"),
    )
    return tuple(RfmBand(max_recency_score=r, max_frequency_score=f, segment=s) for r, f, s in rows)


class RfmRules(_Strict):
    """Quintile cut points (a percentile at or above the n-th cut scores n + 2) and the grid."""

    cuts: tuple[Decimal, Decimal, Decimal, Decimal] = (
        Decimal("0.2"),
        Decimal("0.4"),
        Decimal("0.6"),
        Decimal("0.8"),
    )
    grid: tuple[RfmBand, ...] = Field(default_factory=_default_grid)

    @field_validator("cuts", mode="before")
    @classmethod
    def _cuts_are_four(cls, cuts: object) -> object:
        if isinstance(cuts, list | tuple) and len(cuts) != 4:
            raise ValueError(
                f"four cuts are needed for scores from 1 to 5, such as [0.2, 0.4, 0.6, 0.8]; "
                f"there are {len(cuts)}"
            )
        return cuts

    @field_validator("cuts")
    @classmethod
    def _cuts_rise(cls, cuts: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        if list(cuts) != sorted(set(cuts)) or not all(0 < cut < 1 for cut in cuts):
            raise ValueError(
                f"rfm.cuts must rise strictly between 0 and 1, got {', '.join(map(str, cuts))}"
            )
        return cuts

    @model_validator(mode="after")
    def _grid_covers_all_cells(self) -> RfmRules:
        gaps = [(r, f) for r in range(1, 6) for f in range(1, 6) if self.segment_of(r, f) is None]
        if gaps:
            raise ValueError(
                f"rfm.grid leaves the (recency, frequency) cells {gaps} without a segment; "
                "end it with a band of max_recency_score = 5, max_frequency_score = 5"
            )
        return self

    def segment_of(self, recency_score: int, frequency_score: int) -> str | None:
        """The segment of one cell of the grid; None where no band covers it."""
        for band in self.grid:
            if (
                recency_score <= band.max_recency_score
                and frequency_score <= band.max_frequency_score
            ):
                return band.segment
        return None


class FreshnessRules(_Strict):
    """How old the newest event may be, counted back from the clock, before the check warns."""

    max_age_hours: float = Field(36.0, gt=0)


class SensorRules(_Strict):
    """How sensors watch folders. A file counts as stable when unchanged for `settle_seconds`."""

    interval_seconds: int = Field(10, ge=5)
    settle_seconds: float = Field(5.0, ge=0)


class LogChannel(_Strict):
    """Alerts to the log of the Dagster daemon."""

    type: Literal["log"] = "log"


class WebhookChannel(_Strict):
    """Alerts as a Slack-compatible JSON post. `url_env` names the variable that holds the URL."""

    type: Literal["webhook"] = "webhook"
    url_env: str = Field(min_length=1)
    timeout_seconds: float = Field(10.0, gt=0)


class EmailChannel(_Strict):
    """Alerts by SMTP. User and password, where needed, come from the named variables."""

    type: Literal["email"] = "email"
    host: str
    port: int = Field(25, ge=1, le=65535)
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    starttls: bool = False
    user_env: str | None = None
    password_env: str | None = None
    timeout_seconds: float = Field(20.0, gt=0)


AlertChannel = Annotated[LogChannel | WebhookChannel | EmailChannel, Field(discriminator="type")]


class AlertRules(_Strict):
    """Where failed runs and failed checks are told. Default: the log.

    `base_url` is where the Dagster UI is reached (say `http://localhost:3000`): with it the links
    in alerts are complete, without it they are paths.
    """

    channels: tuple[AlertChannel, ...] = (LogChannel(),)
    interval_seconds: int = Field(30, ge=5)
    base_url: str | None = None


class Rules(_Strict):
    """The business rules of `c360.toml`; every part has a default."""

    domains: DomainRules = DomainRules()
    orders: OrderRules = OrderRules()
    events: EventRules = EventRules()
    identity: IdentityRules = IdentityRules()
    rfm: RfmRules = RfmRules()
    lifetime_value: LifetimeValueRules = LifetimeValueRules()
    lifecycle: LifecycleRules = LifecycleRules()
    attributes: tuple[AttributeRule, ...] = ()
    campaigns: CampaignRules = CampaignRules()
    sessions: SessionRules = SessionRules()
    support: SupportRules = SupportRules()
    freshness: FreshnessRules = FreshnessRules()
    sensors: SensorRules = SensorRules()
    alerts: AlertRules = AlertRules()
    crm: CrmRules = CrmRules()
    ui: UiRules = UiRules()


class Settings(BaseSettings):
    """Where things lie and how the pipeline runs: the `C360_*` variables of the contract.

    Relative paths count from the working directory. Raises ConfigError through `load`.
    """

    model_config = SettingsConfigDict(
        env_prefix="C360_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    home: Path = Path(".c360")
    source: Path | None = None
    merges: Path | None = None
    as_of: str | None = None
    engine: str = "duckdb"
    crm: str = "file"
    config: Path | None = None
    user: str | None = None
    rules: Rules = Rules()

    @field_validator("engine")
    @classmethod
    def _engine_is_there(cls, value: str) -> str:
        if value != "duckdb":
            raise ValueError(f"C360_ENGINE is {value!r}; this version runs on duckdb alone")
        return value

    @field_validator("as_of")
    @classmethod
    def _as_of_is_a_time(cls, value: str | None) -> str | None:
        if value in (None, "", "now"):
            return value or None
        _utc(value)
        return value

    @property
    def home_dir(self) -> Path:
        """`C360_HOME`, absolute."""
        return self.home.expanduser().resolve()

    @property
    def source_dir(self) -> Path:
        """`C360_SOURCE`, absolute: the folder of raw tables."""
        return (self.source or self.home_dir / "demo").expanduser().resolve()

    @property
    def merges_dir(self) -> Path:
        """`C360_MERGES`, absolute: the folder watched for merge files."""
        return (self.merges or self.source_dir).expanduser().resolve()

    @property
    def warehouse_path(self) -> Path:
        """The one DuckDB file that the pipeline writes."""
        return self.home_dir / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        """The read-only copy for everybody else."""
        return self.home_dir / "published"

    @property
    def dagster_home(self) -> Path:
        """The DAGSTER_HOME: history of runs, events and schedules."""
        return self.home_dir / "dagster"

    @property
    def crm_dir(self) -> Path:
        """Where the `file` destination delivers."""
        return self.home_dir / "crm"

    @property
    def clock(self) -> datetime | None:
        """The as-of time as naive UTC, or None for the newest event or order in the data."""
        if self.as_of is None:
            return None
        if self.as_of == "now":
            return datetime.now(UTC).replace(tzinfo=None)
        return _utc(self.as_of)

    @classmethod
    def load(cls) -> Settings:
        """Read environment, `.env` and `c360.toml`.

        Raises:
            ConfigError: a variable or an entry is wrong; every problem is listed at once.
        """
        try:
            settings = cls()
            return settings.model_copy(update={"rules": _load_rules(settings.config)})
        except ValidationError as error:
            where = "settings (environment or .env)"
            raise ConfigError(explain(error, cls, where)) from error


def _utc(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"C360_AS_OF is {text!r}; write a time such as 2021-12-01T05:00:00 (UTC) or `now`"
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _load_rules(config: Path | None) -> Rules:
    path = config or DEFAULT_CONFIG
    if not path.exists():
        if config is not None:
            raise ConfigError(f"C360_CONFIG names {config}, and there is no such file")
        return Rules()
    if path.is_dir():
        raise ConfigError(
            f"C360_CONFIG names '{path}', which is a folder; name a file, or unset C360_CONFIG for "
            f"{DEFAULT_CONFIG}"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error
    try:
        rules = Rules.model_validate(content)
    except ValidationError as error:
        raise ConfigError(explain(error, Rules, str(path), content)) from error
    _check_segments(rules, path)
    return rules


def _check_segments(rules: Rules, path: Path) -> None:
    """Raise ConfigError where a rule names a segment that the grid lacks; defaults may."""
    known = {band.segment for band in rules.rfm.grid}
    named: dict[str, tuple[set[str], set[str]]] = {}
    if "segment_weights" in rules.support.model_fields_set:
        weights = {name for name, _ in rules.support.segment_weights}
        named["support.segment_weights"] = weights, known | {"prospects"}
    if "vip_segments" in rules.lifecycle.model_fields_set:
        named["lifecycle.vip_segments"] = set(rules.lifecycle.vip_segments), known
    problems = [
        f"{setting} names {', '.join(sorted(names - allowed))}, which is no segment of rfm.grid; "
        f"take one of {', '.join(sorted(allowed))}"
        for setting, (names, allowed) in named.items()
        if names - allowed
    ]
    if problems:
        raise ConfigError(f"{path}: {'; '.join(problems)}")
