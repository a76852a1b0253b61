"""Values that cross the database, one noun a file: frozen, keyword-only, with units in their names."""
