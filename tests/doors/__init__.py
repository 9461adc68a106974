"""The doors: what people and machines send, and what they get."""
