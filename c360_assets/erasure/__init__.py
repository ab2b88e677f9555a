"""Erasing a person: who that is in the published copy, the copies that hold them, the receipt."""
