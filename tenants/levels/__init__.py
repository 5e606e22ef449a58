"""Levels of children from a table: read like a roster, checked whole, handed back with the reasons beside the rows."""
