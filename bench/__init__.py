"""How fast it is: commands that print a table and write JSON under out/. Times are ratios taken in one run."""
