"""Dagster shells round the SQL and the Python steps, one module per layer, checks beside them."""
