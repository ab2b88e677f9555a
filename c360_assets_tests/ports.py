"""Ports of this machine for servers that cannot choose one by themselves."""

import random
import socket

# below those that systems give out by themselves, so that no other connection takes one meanwhile
FIRST, LAST = 20_000, 32_000
TRIES = 100


def free_port() -> int:
    """A port of loopback that nobody has, and that nobody is given who asks for any.

    Raises:
        RuntimeError: many were tried, and all were taken.
    """
    for _ in range(TRIES):
        port = random.SystemRandom().randint(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"{TRIES} ports from {FIRST} to {LAST} are all taken")
