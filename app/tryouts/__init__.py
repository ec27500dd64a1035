"""Drafts tried out: step by step on a case that does not exist, and on the cases of a month gone by."""
