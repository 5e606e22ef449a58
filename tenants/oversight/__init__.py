"""Oversight by the bureau: plans received, figures reported, the board of schools."""
