"""The clinic as people meet it: in a real browser, on a phone, in every language."""
