-- Who reports into an open session from outside, so that it outlives the manager. Gone once the session is closed.
CREATE TABLE outside (
    session   INTEGER PRIMARY KEY,
    within_ms INTEGER NOT NULL,
    until_ms  INTEGER NOT NULL,
    attended  INTEGER NOT NULL CHECK (attended IN (0, 1)),
    warned    INTEGER NOT NULL CHECK (warned IN (0, 1)),
    asked     TEXT NOT NULL CHECK (asked IN ('go-on', 'skip', 'stop'))
) STRICT;
