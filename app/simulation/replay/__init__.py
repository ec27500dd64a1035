"""Real histories lived through again: each request through the diagram at its own times."""
