"""The stages in order: the only package that joins transforms with storage and quality."""
