"""`python -m c360_assets` is `c360`."""

from c360_assets.cli import main

main()
