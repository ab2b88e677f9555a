"""Signatures of "Standard Webhooks" 1.0.0: secrets as they are kept, headers as they are sent.

A signature is HMAC-SHA256 of `id.timestamp.body` by each secret, so that a receiver may know the
old one or the new one while they change. Source: standardwebhooks.com, "Signature scheme" and
"Webhook headers". Not here: what is sent, and when.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from c360_assets.errors import ConfigError

PREFIX = "whsec_"
SIGNATURE_VERSION = "v1"
# of the specification: at least 192 bits, at most 512
LEAST_BYTES, MOST_BYTES = 24, 64


def keys_of(text: str, variable: str) -> list[bytes]:
    """The keys of one or more secrets, parted by spaces; the first is the current one.

    Raises:
        ConfigError: one is malformed; the text names its place, never the secret.
    """
    secrets = text.split()
    places = range(1, len(secrets) + 1)
    return [
        _key(secret, variable if len(secrets) == 1 else f"{variable}, secret {place},")
        for place, secret in zip(places, secrets, strict=True)
    ]


def _key(secret: str, where: str) -> bytes:
    problem = None
    key = b""
    if not secret.startswith(PREFIX):
        problem = f"does not begin with {PREFIX}"
    else:
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            problem = f"is not base64 after {PREFIX}"
        else:
            if not LEAST_BYTES <= len(key) <= MOST_BYTES:
                problem = f"holds {len(key)} bytes, and {LEAST_BYTES} to {MOST_BYTES} are needed"
    if problem is not None:
        raise ConfigError(
            f"crm.webhook: the environment variable {where} {problem}; make one with "
            f"`echo {PREFIX}$(openssl rand -base64 32)`, and give it to the receiver, too"
        )
    return key


def signed_headers(keys: Sequence[bytes], id_: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of an attempt at `seconds` since 1970; one signature for each key."""
    content = b".".join((id_.encode(), str(seconds).encode(), body))
    signatures = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    texts = (base64.b64encode(each).decode() for each in signatures)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"{SIGNATURE_VERSION},{text}" for text in texts),
    }
