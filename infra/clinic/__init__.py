"""`./clinic`: a hospital opens, watches, tries and closes its own clinic, without knowing the code."""
