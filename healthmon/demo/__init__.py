"""A small ecosystem of our own, to see healthmon at work."""
