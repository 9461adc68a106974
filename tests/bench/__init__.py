"""The benches: that their counts, limits and audits are right. Their times are nobody's promise."""
