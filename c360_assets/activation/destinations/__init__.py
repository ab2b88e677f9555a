"""Destinations of `crm_sync`: one module each, all behind the protocol of `base`."""
