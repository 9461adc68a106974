"""One file per service outside the clinic. Handed in by the door, never imported by a room."""
