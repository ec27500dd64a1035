"""Processes that are no case's: an appeal, a month's assessment."""
