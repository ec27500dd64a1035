"""Workbooks from and for people: what comes in is hostile, what goes out must not run."""
