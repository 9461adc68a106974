"""The rules of docs/rules.md that this software enforces by itself, each with a test of its name."""
