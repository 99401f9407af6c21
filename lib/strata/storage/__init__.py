"""Where tables live: the only package that imports delta and builds a session."""
