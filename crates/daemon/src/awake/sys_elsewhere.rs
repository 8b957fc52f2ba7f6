//! Systems that are not asked to stay awake.

/// Nothing holds.
pub(super) type Held = std::convert::Infallible;

/// Says so.
pub(super) async fn keep_awake(_: &str) -> Result<Held, String> {
    Err("this system is not asked to stay awake".to_owned())
}
