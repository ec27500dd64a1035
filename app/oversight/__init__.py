"""What is overdue or disputed and why, replays and heat on the diagram, the city at a glance."""
