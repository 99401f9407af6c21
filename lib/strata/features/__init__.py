"""Features: events to tiles, tiles to a snapshot of every customer as of a date."""
