"""Every identifier comes from here: UUID version 7, so that ids sort by the time they were made."""

from __future__ import annotations

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A fresh, time-ordered UUIDv7."""
    return uuid7()


def stable_id(*parts: str | uuid.UUID) -> uuid.UUID:
    """The same id for the same parts: for rows that a repeated job must find again rather than make twice."""
    return uuid.uuid5(_SPACE, "\x1f".join(str(part) for part in parts))


_SPACE = uuid.UUID("6b65686f-7500-5000-8000-6b65686f7500")
