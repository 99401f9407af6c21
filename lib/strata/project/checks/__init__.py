"""What cannot be seen in one place of one file: names, types, and whether definitions hold together."""
