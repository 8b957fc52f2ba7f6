//! The task allocator: memory that one side allocates and the other frees (2.7).

#![expect(unsafe_code, reason = "the task allocator is foreign code")]

use std::ffi::c_void;

/// Allocates from the task allocator; null when there is no memory.
///
/// On Windows this is `CoTaskMemAlloc`. Elsewhere it is `malloc` of the C library, so that a handler in any language
/// shares one heap with us whatever its own allocator is.
#[must_use]
pub fn task_mem_alloc(bytes: usize) -> *mut c_void {
    #[cfg(windows)]
    // SAFETY: `CoTaskMemAlloc` takes any size and has no other condition.
    unsafe {
        CoTaskMemAlloc(bytes)
    }
    #[cfg(not(windows))]
    // SAFETY: `malloc` takes any size and has no other condition.
    unsafe {
        libc::malloc(bytes)
    }
}

/// Frees what came from the task allocator; null is fine.
///
/// # Safety
/// `memory` is null, or came from the task allocator and was not freed before; nobody uses it any more.
pub unsafe fn task_mem_free(memory: *mut c_void) {
    #[cfg(windows)]
    // SAFETY: the caller vouches that the block came from this allocator and is freed once.
    unsafe {
        CoTaskMemFree(memory);
    }
    #[cfg(not(windows))]
    // SAFETY: the caller vouches that the block came from this allocator and is freed once.
    unsafe {
        libc::free(memory);
    }
}

#[cfg(windows)]
#[link(name = "ole32")]
unsafe extern "system" {
    fn CoTaskMemAlloc(bytes: usize) -> *mut c_void;
    fn CoTaskMemFree(memory: *mut c_void);
}

#[cfg(test)]
mod tests {
    use super::{task_mem_alloc, task_mem_free};

    #[test]
    fn what_is_allocated_can_be_written_and_freed() {
        let memory = task_mem_alloc(1 << 20).cast::<u8>();
        assert!(!memory.is_null());
        // SAFETY: the block is as large as what is written, and is freed once; null is fine.
        unsafe {
            memory.write_bytes(7, 1 << 20);
            assert_eq!(memory.add((1 << 20) - 1).read(), 7);
            task_mem_free(memory.cast());
            task_mem_free(std::ptr::null_mut());
        }
        assert!(task_mem_alloc(usize::MAX - (1 << 16)).is_null());
    }
}
