"""The database: sessions, the embedded server, shared column types."""
