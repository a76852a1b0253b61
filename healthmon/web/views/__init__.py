"""What does a page show? Pure functions from what the database says to frozen values; templates only lay them out."""
