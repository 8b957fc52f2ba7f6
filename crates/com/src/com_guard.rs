//! Keeps a panic from crossing the vtable, which would end the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use windows_core::HRESULT;

use crate::constant::hresult::E_UNEXPECTED;

/// Runs the body of an interface method; a panic in it answers `E_UNEXPECTED`.
///
/// Every method that foreign code can call has its body in here.
pub fn guard(body: impl FnOnce() -> HRESULT) -> HRESULT {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(E_UNEXPECTED)
}

#[cfg(test)]
mod tests {
    use super::guard;
    use crate::constant::hresult::{E_UNEXPECTED, S_FALSE};

    #[test]
    fn a_panic_answers_unexpected() {
        assert_eq!(guard(|| S_FALSE), S_FALSE);
        assert_eq!(guard(|| panic!("text")), E_UNEXPECTED);
        assert_eq!(guard(|| std::panic::panic_any(7)), E_UNEXPECTED);
    }
}
