"""From the text of a configuration to plain values, and from a problem with a value back to its line and column."""
