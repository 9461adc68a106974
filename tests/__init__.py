"""The tests. people.py is the cast; engines.py the databases; the rest is named after what it tries."""
