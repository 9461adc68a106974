"""The clinic. Read rooms/ for what is decided, visit/ for the order it happens in."""
