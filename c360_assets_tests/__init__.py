"""The tests of c360, in folders that mirror `c360_assets`."""
