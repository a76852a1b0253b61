"""Asks one service one question. KINDS names every kind there is."""
