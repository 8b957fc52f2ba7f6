-- What held items back when something wanted to start them, the last times of each item.
CREATE TABLE held (
    id        INTEGER PRIMARY KEY,
    item      INTEGER NOT NULL REFERENCES item_names (id),
    since_ms  INTEGER NOT NULL,
    until_ms  INTEGER,
    wanted_by TEXT NOT NULL,
    text      TEXT NOT NULL
) STRICT;
CREATE INDEX held_by_item ON held (item, id);
