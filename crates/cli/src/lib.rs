//! The command line: sends requests, formats snapshots.
