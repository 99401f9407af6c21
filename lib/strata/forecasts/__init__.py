"""What customers will do next: so far, what to recommend to them."""
