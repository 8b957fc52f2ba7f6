//! State and events in one SQLite database.
