"""A generated city, a virtual clock, and real histories lived through again."""
