"""Which conditions raise an alert?"""
