"""What the benches rest on: the modelled AWS lets through what AWS would, and a replay is the same day every time."""
