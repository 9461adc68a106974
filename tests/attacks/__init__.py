"""Attacks: what somebody who means harm would do, by the numbers of the threat table, and with each defence removed."""
