"""What organisations write to one another about vendors. Each letter is checked when it arrives, whoever sent it."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.api import Delivery, GiveUp

Words = Annotated[str, Field(max_length=2000)]
Line = Annotated[str, Field(max_length=200)]
L = TypeVar("L", bound=BaseModel)


class Letter(BaseModel):
    """Base of all: unknown fields are refused, so that nothing travels that nobody reads."""

    model_config = ConfigDict(extra="forbid")


class CertificateIn(Letter):
    title: Line
    number: Line = ""
    holder: Line = ""
    valid_until: date | None = None


class CoachIn(Letter):
    name: Line
    phone: Annotated[str, Field(pattern=r"^1\d{10}$")]
    speciality: Line = ""
    certificate_no: Line = ""
    certificate_until: date | None = None


class ProfileIn(Letter):
    legal_name: Line
    credit_code: Line = ""
    agency_kind: Literal["non_subject", "subject", "public_body", "public_benefit"]
    licence_no: Line = ""
    licence_until: date | None = None
    subjects: Line = ""
    contact_name: Line = ""
    contact_phone: Line = ""
    intro: Words = ""


class Application(Letter):
    """vendors.application: vendor → bureau."""

    profile: ProfileIn
    certificates: Annotated[list[CertificateIn], Field(max_length=50)] = []
    coaches: Annotated[list[CoachIn], Field(max_length=300)] = []


class ListingDecision(Letter):
    """vendors.listing: bureau → vendor."""

    state: Line
    revision: int
    reason: Words = ""
    publicity_until: date | None = None
    bureau_name: Line


class ListEntry(Letter):
    """vendors.list_entry: bureau → each of its schools."""

    vendor_id: UUID
    name: Line
    state: Line
    reason: Words = ""
    revision: int
    profile: ProfileIn


class CourseContent(Letter):
    """A course as a vendor offers it. `price_fen` is what a lesson costs the family as the vendor suggests: the school
    and the posted standard decide."""

    title: Annotated[str, Field(min_length=2, max_length=60)]
    summary: Words = ""
    outline: Annotated[list[Line], Field(max_length=40)] = []
    content: Annotated[list[Line], Field(max_length=10)] = []
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)]
    starts_at: time
    ends_at: time
    grades: Annotated[list[Annotated[int, Field(ge=1, le=9)]], Field(min_length=1, max_length=9)]
    capacity: Annotated[int, Field(ge=1, le=500)]
    price_fen: Annotated[int, Field(ge=0, le=100_000_00)] = 0
    coach: CoachIn


class Offer(Letter):
    """vendors.offer: vendor → school."""

    course_id: UUID
    version: int
    content: CourseContent


class OfferDecision(Letter):
    """vendors.offer_decision: school → vendor."""

    course_id: UUID
    version: int
    state: Literal["approved", "rejected", "closed"]
    reason: Words = ""
    objections: Annotated[list[Line], Field(max_length=40)] = []
    offering_id: UUID | None = None


class Progress(Letter):
    """vendors.progress: school → vendor. Numbers only."""

    course_id: UUID
    held: int
    planned: int
    enrolled: int
    state: Line


class ScoreLetter(Letter):
    """vendors.score: school → vendor and bureau, with every input; children are numbers."""

    vendor_id: UUID
    vendor_name: Line
    school_name: Line
    term_code: Line
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    snapshot: dict[str, Any]


class ExitSignal(Letter):
    """vendors.exit_signal: school → bureau. A worker opened a review."""

    case_id: UUID
    vendor_id: UUID
    vendor_name: Line
    school_name: Line
    term_code: Line
    triggers: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=20)]
    evidence: dict[str, Any]


class ExitNotice(Letter):
    """vendors.exit_notice: bureau → vendor, and a copy to the school."""

    case_id: UUID
    vendor_id: UUID
    vendor_name: Line
    school_id: UUID
    school_name: Line
    term_code: Line
    triggers: list[dict[str, Any]]
    evidence: dict[str, Any]
    notice: Words
    answer_until: date
    bureau_name: Line


class ExitAnswer(Letter):
    """vendors.exit_answer: vendor → bureau."""

    case_id: UUID
    answer: Words
    name: Line


class ExitDecision(Letter):
    """vendors.exit_decision: bureau → vendor and school."""

    case_id: UUID
    outcome: Literal["kept", "warned", "exited", "dismissed"]
    decision: Words
    name: Line
    sanctions: Annotated[list[Line], Field(max_length=10)] = []
    """What the bureau's scheme says follows on an exit (R-320)."""


def read(job: Delivery, kind: type[L]) -> L:
    """The letter in a delivery. One that is no such letter is set aside: no repetition makes it right."""
    try:
        return kind.model_validate(job.payload)
    except ValidationError as error:
        raise GiveUp(f"{job.name} from {job.sender}: {error.error_count()} errors in the letter") from error
