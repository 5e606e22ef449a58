"""Duties: the ten bans as checks with flags, and the list of what no software can check but people must answer for."""
