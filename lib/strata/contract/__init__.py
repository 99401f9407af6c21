"""Core tables, declared once; see `columns` for the words they are declared in."""
