"""The benches are programs too: what they count and find is checked here, quickly and without a clock."""
