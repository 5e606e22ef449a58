"""What families saw on any past day, word for word; and who must act when a text or the rules change (R-030)."""
