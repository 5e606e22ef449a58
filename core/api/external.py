"""External teachers: a plugin that brings people in from outside registers them here, and ends them."""

from __future__ import annotations

from core.people.external import OwnStaff, end_external, own_staff, register_external

__all__ = ["OwnStaff", "end_external", "own_staff", "register_external"]
