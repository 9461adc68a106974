"""Whole clinic days from one seed: real deeds, real store, a crowd that interrupts, faults, and invariants."""
