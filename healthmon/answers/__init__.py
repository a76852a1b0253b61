"""What commands, the API and the pages ask of the database, and the one shape in which all of them get it."""
