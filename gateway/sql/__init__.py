"""SQL without tables of its own: column types and statements for SQLite and PostgreSQL alike."""
