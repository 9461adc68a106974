"""The house rules as tests: what may lean on what, how large anything may be, and what is never done."""
