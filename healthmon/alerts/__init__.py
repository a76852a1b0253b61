"""When does an alert begin and end, and which of them belong together?"""
