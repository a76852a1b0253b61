"""When do we restart, and how?"""
