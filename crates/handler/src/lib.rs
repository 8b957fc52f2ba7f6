//! The contract for handler authors: messages, the Handler trait and serve().
