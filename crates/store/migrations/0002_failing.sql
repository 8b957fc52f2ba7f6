-- What is remembered of items that fail: who said when to try again, and where their runs end.
ALTER TABLE items ADD COLUMN retry_told INTEGER NOT NULL DEFAULT 0 CHECK (retry_told IN (0, 1));
ALTER TABLE items ADD COLUMN stall_runs INTEGER;
ALTER TABLE items ADD COLUMN stall_value INTEGER;
ALTER TABLE items ADD COLUMN stall_max INTEGER;
ALTER TABLE items ADD COLUMN stall_moved INTEGER;
ALTER TABLE items ADD COLUMN stall_told INTEGER CHECK (stall_told IN (0, 1));
