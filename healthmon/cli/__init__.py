"""What a person types, one verb a file."""
