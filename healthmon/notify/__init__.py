"""Who is told, and by which road?"""
