"""Is this installation sound and safe? One file a topic; each check says what it found, and the command that mends it."""
