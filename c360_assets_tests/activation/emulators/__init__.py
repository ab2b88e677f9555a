"""Vendors' interfaces in miniature: stateful, over real HTTP, checked against what they publish."""
