"""The journal's tables. Moments are UTC; JSON columns hold what no query looks into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class Moment(sa.TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite has no time zones of its own."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

IS_CONFIRMING = sa.text("state = 'confirming'")  # in these words, or a database does not find the index for it

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("submission", sa.String(255), nullable=False, unique=True),
    sa.Column("flow", sa.String(40), nullable=False),
    sa.Column("environment", sa.String(40), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("requester", sa.String(254), nullable=False),
    sa.Column("requester_slack", sa.String(32), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("changes", sa.JSON, nullable=False),
    sa.Column("asked", sa.String(254), nullable=False),
    sa.Column("notify", sa.JSON, nullable=False),
    sa.Column("lifetime_seconds", sa.Integer),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("submitted_at", Moment, nullable=False),
    sa.Column("decide_by", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("closing", sa.Text, nullable=False),
    sa.Column("form", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("granted", sa.JSON),
    sa.Column("extends", sa.String(16), nullable=False, server_default=""),
    sa.Column("begins_at", Moment),  # where it was announced first
    sa.Column("kept_until", Moment),  # somebody keeps up what it would have stopped
    sa.Column("kept_by", sa.String(254), nullable=False, server_default=""),
    sa.Index("requests_of", "requester_slack", "submitted_at"),
    sa.Index(
        "kept_of",
        "environment",
        "kept_until",
        sqlite_where=sa.text("kept_until IS NOT NULL"),
        postgresql_where=sa.text("kept_until IS NOT NULL"),
    ),
    sa.Index("extensions_of", "extends"),
    sa.Index("confirming", "decide_by", sqlite_where=IS_CONFIRMING, postgresql_where=IS_CONFIRMING),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("by", sa.String(254), primary_key=True),  # folded: one decision for each person
    sa.Column("answer", sa.String(16), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("through", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("speaks_for", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("shortened_to_seconds", sa.Integer),
)

deciders = sa.Table(  # for whose decision a request waits now
    "deciders",
    metadata,
    sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("slack_id", sa.String(32), primary_key=True),
    sa.Index("deciders_of", "slack_id"),
)

effects = sa.Table(
    "effects",
    metadata,
    sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("lane", sa.String(16), nullable=False),
    sa.Column("after", sa.String(80)),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),  # how often it was armed
    sa.Column("done", sa.Integer, nullable=False),  # the arming that the outside world shows
    sa.Column("due", Moment, nullable=False),  # stays so while it is tried in vain: it is the order of the lane
    sa.Column("leased_until", Moment, nullable=False),  # nobody takes it before
    sa.Column("lease", sa.String(32), nullable=False),  # of who does it; empty: it waits for its next attempt
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("uncertain", sa.Boolean, nullable=False),  # an attempt was made whose outcome is unknown
    sa.Column("perhaps_done_at", Moment),  # when the last such attempt was made
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("away_since", Moment),  # the platform has given no answer since, in one attempt after the other
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("parked", sa.Boolean, nullable=False, server_default=sa.false()),  # left alone by an operator
    sa.Index("effects_by_name", "name"),
    sa.Index(
        "effects_open",
        "lane",
        "due",
        sqlite_where=sa.text("done < wanted"),
        postgresql_where=sa.text("done < wanted"),
    ),
    sa.Index(
        "effects_away",
        "lane",
        "away_since",
        sqlite_where=sa.text("away_since IS NOT NULL"),
        postgresql_where=sa.text("away_since IS NOT NULL"),
    ),
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("deed", sa.String(16), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.String(254), nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("form", sa.String(255), primary_key=True),
    sa.Column("slack_id", sa.String(32), nullable=False),
    sa.Column("flow", sa.String(40), nullable=False),
    sa.Column("answers", sa.JSON, nullable=False),
    sa.Column("kept_at", Moment, nullable=False),
    sa.Index("drafts_of", "slack_id", "kept_at"),
    sa.Index("drafts_by_age", "kept_at"),
)

anchors = sa.Table(
    "anchors",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),  # in UTC: one anchor for each
    sa.Column("at", Moment, nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("facts", sa.Integer, nullable=False),
    sa.Column("heads", sa.JSON, nullable=False),  # of the chains that grew since the anchor before
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("exported", sa.Boolean, nullable=False),
)

calls = sa.Table(  # that created content on GitHub within the last hour
    "calls",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("lane", sa.String(16), nullable=False),
    sa.Index("calls_by_age", "at"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("over", sa.Boolean, nullable=False),  # its cause is gone
    sa.Column("told", sa.Boolean, nullable=False),  # the alert channel shows it as it is
)

reports = sa.Table(  # how far those of jobs were read, for what they end by themselves
    "reports",
    metadata,
    sa.Column("workflow", sa.String(40), primary_key=True),
    sa.Column("read_until", Moment, nullable=False),  # runs that began before have told all that they tell
)

silences = sa.Table(  # a platform that gives no answer, or that catches up
    "silences",
    metadata,
    sa.Column("platform", sa.String(32), primary_key=True),
    sa.Column("since", Moment),  # null: it answers again
    sa.Column("until", Moment, nullable=False),  # nobody asks it before
    sa.Column("failures", sa.Integer, nullable=False),  # in a row
    sa.Column("probe", sa.String(32), nullable=False),  # the lease of who sees whether it is back
)
