"""The audit trail outside the database: records, sinks, anchors, and what auditors ask of them."""
