-- What nobody else works with while an item runs, as its handler says; and what was to start an item while a condition or a
-- pause held it back, and when: it is caught up.
ALTER TABLE items ADD COLUMN lanes TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN held_cause TEXT CHECK (
    held_cause = 'manual' OR held_cause = 'schedule' OR held_cause = 'logon' OR held_cause = 'logoff'
    OR held_cause = 'idle' OR held_cause = 'connect' OR held_cause = 'pending-disconnect'
    OR held_cause = 'invoke' OR held_cause = 'file-change' OR held_cause = 'device'
    OR held_cause = 'external' OR held_cause = 'retry' OR held_cause = 'answered'
    OR held_cause = 'catch-up' OR held_cause = 'lock' OR held_cause = 'unlock'
    OR held_cause = 'suspend' OR held_cause = 'resume' OR held_cause = 'after');
ALTER TABLE items ADD COLUMN held_ms INTEGER;
