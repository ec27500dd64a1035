"""Finished histories of cases, played without engine and work items and written in bulk."""
