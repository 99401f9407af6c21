"""Delivered files, tables and query results become bronze and silver: frame to frame, or pure."""
