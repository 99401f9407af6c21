"""What stands where a segment would, for customers without one; published, so said in one place."""

NOT_IN_BASE = "(not in base)"
NO_SEGMENT = "(no segment)"
