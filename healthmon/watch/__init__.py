"""Are our own processes well, and what is done when one is not?"""
