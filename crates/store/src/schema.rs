//! The numbered steps that lead from an empty file to the present schema.

use rusqlite_migration::{M, Migrations};

/// What the header of our databases says they are: `SyMG`. The first migration writes it.
pub(crate) const APPLICATION_ID: i32 = 1_400_458_567;

/// Every step, in order. A step that was ever shipped never changes; what must change is a further step.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("../migrations/0001_first.sql")),
    M::up(include_str!("../migrations/0002_failing.sql")),
    M::up(include_str!("../migrations/0003_held.sql")),
    M::up(include_str!("../migrations/0004_waiting.sql")),
    M::up(include_str!("../migrations/0005_sides.sql")),
    M::up(include_str!("../migrations/0006_outside.sql")),
];

/// The migrations.
pub(crate) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The version of the present schema (`user_version`).
#[expect(clippy::cast_possible_truncation, reason = "a handful of steps")]
pub(crate) const VERSION: i32 = STEPS.len() as i32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_valid() {
        MIGRATIONS.validate().unwrap();
    }

    #[test]
    fn the_first_step_says_whose_file_it_is() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        MIGRATIONS.to_latest(&mut connection).unwrap();
        let pragma = |name: &str| -> i32 {
            connection
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap()
        };
        assert_eq!(pragma("application_id"), APPLICATION_ID);
        assert_eq!(APPLICATION_ID.to_be_bytes(), *b"SyMG");
        assert_eq!(pragma("user_version"), VERSION);
    }
}
