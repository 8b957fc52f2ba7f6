//! Who the user of this process is to Windows, and who owns a kernel object.

#![expect(
    unsafe_code,
    reason = "tokens and security descriptors have no safe interface"
)]

use std::io;
use std::os::windows::io::{
    AsRawHandle as _, BorrowedHandle, FromRawHandle as _, OwnedHandle, RawHandle,
};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo,
    SDDL_REVISION_1, SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    EqualSid, GetTokenInformation, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Room for a `TOKEN_USER` and the largest SID there is (68 bytes), in units that are aligned for both.
const TOKEN_USER_UNITS: usize = 16;

/// The user that this process runs as.
pub(crate) struct OwnUser {
    token_user: Box<[u64; TOKEN_USER_UNITS]>,
}

impl OwnUser {
    /// Asks the system.
    pub(crate) fn find() -> io::Result<Self> {
        let mut token: RawHandle = null_mut();
        // SAFETY: the pseudo handle of this process is always valid; the token's handle is written to the place given.
        if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so the handle is open, and nobody else has it.
        let token = unsafe { OwnedHandle::from_raw_handle(token) };
        let mut token_user = Box::new([0; TOKEN_USER_UNITS]);
        let bytes = u32::try_from(size_of_val(&*token_user)).map_err(io::Error::other)?;
        let mut needed = 0;
        // SAFETY: the buffer is as long as it is said to be and aligned for `TOKEN_USER`; the handle is open.
        let found = unsafe {
            GetTokenInformation(
                token.as_raw_handle(),
                TokenUser,
                token_user.as_mut_ptr().cast(),
                bytes,
                &raw mut needed,
            )
        };
        if found == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { token_user })
    }

    /// The user's SID; valid as long as this value.
    fn sid(&self) -> PSID {
        // SAFETY: `find` had the system write a `TOKEN_USER` here, and the buffer is aligned for it.
        unsafe { (*self.token_user.as_ptr().cast::<TOKEN_USER>()).User.Sid }
    }

    /// The SID as text.
    fn text(&self) -> io::Result<String> {
        let mut text = null_mut();
        // SAFETY: the SID is valid as long as `self`; the pointer to the text is written to the place given.
        if unsafe { ConvertSidToStringSidW(self.sid(), &raw mut text) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so `text` ends with a zero, and everything before it may be read.
        let units = unsafe {
            let length = (0..).take_while(|&at| *text.add(at) != 0).count();
            std::slice::from_raw_parts(text, length)
        };
        let answer = String::from_utf16_lossy(units);
        // SAFETY: the text was allocated for us, and is not used any more.
        unsafe { LocalFree(text.cast()) };
        Ok(answer)
    }

    /// Whether this user owns the object behind the handle.
    pub(crate) fn owns(&self, object: BorrowedHandle<'_>) -> io::Result<bool> {
        let mut owner: PSID = null_mut();
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the handle is open while it is borrowed; both answers are written to the places given.
        let answer = unsafe {
            GetSecurityInfo(
                object.as_raw_handle(),
                SE_KERNEL_OBJECT,
                OWNER_SECURITY_INFORMATION,
                &raw mut owner,
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if answer != ERROR_SUCCESS {
            return Err(io::Error::from_raw_os_error(answer.cast_signed()));
        }
        let descriptor = Descriptor(descriptor);
        // SAFETY: both SIDs are valid: ours as long as `self`, the other, unless there is none, inside `descriptor`.
        let same = !owner.is_null() && unsafe { EqualSid(owner, self.sid()) } != 0;
        drop(descriptor);
        Ok(same)
    }
}

/// A security descriptor that the system allocated.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: it was allocated for us by the call that gave it, and is not used any more.
        unsafe { LocalFree(self.0) };
    }
}

/// Calls `with` with security attributes that let this user alone, who becomes the owner, use an object, and that are not
/// inherited by other processes. The attributes are valid during the call.
pub(crate) fn for_own_user_alone<T>(
    with: impl FnOnce(*mut SECURITY_ATTRIBUTES) -> io::Result<T>,
) -> io::Result<T> {
    let sid = OwnUser::find()?.text()?;
    let text: Vec<u16> = format!("O:{sid}D:P(A;;GA;;;{sid})\0")
        .encode_utf16()
        .collect();
    let mut descriptor = null_mut();
    // SAFETY: the text ends with a zero; the descriptor is written to the place given; its size is not asked for.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = Descriptor(descriptor);
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).map_err(io::Error::other)?,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    with(&raw mut attributes)
}

#[cfg(test)]
mod tests {
    use std::os::windows::io::AsHandle as _;

    use super::*;

    #[test]
    fn the_user_has_a_sid_and_owns_what_it_makes() {
        let user = OwnUser::find().unwrap();
        assert!(user.text().unwrap().starts_with("S-1-5-"));
        let dir = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(dir.path().join("mine")).unwrap();
        // Whoever is an administrator may make files that belong to all of them; the call itself must work.
        assert!(user.owns(file.as_handle()).is_ok());
    }
}
