"""c360: an open-source Customer 360 on Dagster and DuckDB."""

__version__ = "0.1.0"
