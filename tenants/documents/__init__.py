"""Documents between organisations: what was sent and how it fared, what was refused and why, and sending again."""
