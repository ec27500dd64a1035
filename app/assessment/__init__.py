"""Assessment: the facts that the monthly ranking is counted from."""
