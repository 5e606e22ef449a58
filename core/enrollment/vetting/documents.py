"""The two papers that travel: an offering to the authority, and the authority's answer to the school (R-096)."""

from __future__ import annotations

import hashlib
import json
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

FILING: Final = "offering.filing"
DECISION: Final = "offering.decision"


class OfferingContent(BaseModel):
    """What the authority reads of an offering: what is taught to whom, when and by what kind of provider. No name of a
    child or a teacher."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=60)
    kind: str = Field(max_length=40)
    summary: str = Field(default="", max_length=2000)
    grades: list[int] = Field(max_length=9)
    hours: str = Field(default="", max_length=400)
    content: list[str] = Field(default_factory=list, max_length=30)
    """Kinds of content, by the packs' words."""
    provider: str = Field(default="", max_length=40)
    outline: list[str] = Field(default_factory=list, max_length=200)
    materials: str = Field(default="", max_length=400)

    @property
    def sha256(self) -> str:
        """SHA-256 of what was sent, but for the hours: a moved lesson is no other course."""
        said = json.dumps(self.model_dump(exclude={"hours"}), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


class OfferingSent(BaseModel):
    """What a school sends. Who sent it says the outbox."""

    model_config = ConfigDict(extra="forbid")

    offering_id: UUID
    round: int = Field(ge=1)
    term_code: str = Field(min_length=1, max_length=40)
    content: OfferingContent
    sent_by: str = Field(default="", max_length=80)


class OfferingDecision(BaseModel):
    """What the authority answers: passed with a number, or returned with a reason."""

    model_config = ConfigDict(extra="forbid")

    offering_id: UUID
    round: int
    decision: str = Field(pattern="^(passed|returned)$")
    reason: str = Field(default="", max_length=4000)
    number: str = Field(default="", max_length=60)
    decided_by: str = Field(default="", max_length=80)
