"""The safety-responsibility agreement with the teacher of each item (R-161)."""
