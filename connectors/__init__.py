"""Pure adapters to the outside: each takes a message and delivers it."""
