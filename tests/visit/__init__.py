"""The deeds on the real store: what they do, what they refuse, and what is left when something fails in between."""
