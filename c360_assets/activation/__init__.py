"""Reverse ETL: what leaves c360 (objects) and where to (destinations). No Dagster in here."""
