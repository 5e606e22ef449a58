"""A scenario for every scheme: a school plans, opens, enrols, charges or cannot, runs a day, and closes the term."""
