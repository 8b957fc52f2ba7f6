//! Two-way folder synchronization as an ordinary handler.
