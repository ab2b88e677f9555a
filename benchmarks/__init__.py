"""What c360 measures, and how anyone repeats it: `python -m benchmarks`."""
