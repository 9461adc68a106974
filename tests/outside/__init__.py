"""The drivers of services outside, against stand-ins that behave like them."""
