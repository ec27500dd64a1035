"""Exchange with other systems: the outbox."""
