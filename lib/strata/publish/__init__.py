"""What is published besides the members: portraits, overviews, catalogues, movements, releases."""
