"""A fire drill: something of our own is made ill, and the whole chain is timed."""
