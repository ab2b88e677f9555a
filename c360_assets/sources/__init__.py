"""Raw tables in: source folders, `sources.toml`, landing, judging of rows, demo data."""
