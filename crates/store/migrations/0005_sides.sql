-- What was created and deleted on which side. Older runs do not tell, which is 0 for all of them.
-- A table of its own: what stands behind `stderr` in `runs` would make every list of runs read its pages.
CREATE TABLE run_sides (
    run          INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    created_near INTEGER NOT NULL,
    created_far  INTEGER NOT NULL,
    deleted_near INTEGER NOT NULL,
    deleted_far  INTEGER NOT NULL
) STRICT;

ALTER TABLE run_items ADD COLUMN created_near INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_items ADD COLUMN created_far INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_items ADD COLUMN deleted_near INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_items ADD COLUMN deleted_far INTEGER NOT NULL DEFAULT 0;
