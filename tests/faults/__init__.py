"""The fault suite: what goes wrong in a cloud, done to every deed of the clinic. docs/faults.md is its table."""
