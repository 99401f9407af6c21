"""What may stand in which file: one module per kind of file, keys and their readers as tables."""
