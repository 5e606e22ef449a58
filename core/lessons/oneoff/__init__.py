"""Care for a single day, for a child that is not enrolled (R-153)."""
