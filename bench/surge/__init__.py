"""The surge simulator: great days of real platforms, replayed on the real clinic over a modelled AWS."""
