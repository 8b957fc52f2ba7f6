//! The contract with views: requests, snapshots, numbered changes, exit codes, client.
