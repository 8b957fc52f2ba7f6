//! Every decision of the synchronization manager: pure, with time as an argument.
