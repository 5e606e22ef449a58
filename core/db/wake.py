"""Channel on which a committed transaction wakes the relay; apart from all else, so that the relay starts lean."""

WAKE = "kehou_outbox"
