"""What the rooms decide, asked one thing at a time: no store, no clock, milliseconds."""
