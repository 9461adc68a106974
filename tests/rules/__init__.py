"""The product rules, each by its number: what a clinic may never do, whatever its kit says. See docs/rules.md."""
