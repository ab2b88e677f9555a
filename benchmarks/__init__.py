"""What c360 measures, and how anyone repeats it: `python -m benchmarks`."""

HISTORY_DAYS = 92  # days of events that the demo writes
