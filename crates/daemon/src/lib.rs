//! Composition root: configuration, the loop, adapt, the socket.
