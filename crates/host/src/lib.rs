//! Reaching handlers: spawn, handshake, links, deadlines, the stop ladder.
