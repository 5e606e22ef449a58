"""Applications and agreements on paper: keyed in with the signed scan, confirmed by a second person (R-132)."""
