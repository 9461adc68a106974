"""Kits and the command that opens a clinic from one."""
