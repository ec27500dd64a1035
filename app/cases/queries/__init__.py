"""Reads of the cases room: the inbox, one case, the search, what forms offer, the outline of a diagram."""
