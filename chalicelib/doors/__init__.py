"""Who comes in: the only place that knows HTTP. One Blueprint per kind of person, one decorator for all."""
