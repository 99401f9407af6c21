"""Segments by rules, by scores and by clusters; see `assign.assign_all`."""
