//! The credential manager of Windows: a generic credential for each answer.
#![expect(
    unsafe_code,
    reason = "credentials are read and written by the C interface of Windows"
)]

use windows_sys::Win32::Foundation::{ERROR_NOT_FOUND, FILETIME, GetLastError};
use windows_sys::Win32::Security::Credentials::{
    CRED_MAX_CREDENTIAL_BLOB_SIZE, CRED_PERSIST_LOCAL_MACHINE, CRED_TYPE_GENERIC, CREDENTIALW,
    CredDeleteW, CredEnumerateW, CredFree, CredReadW, CredWriteW,
};

use syncmgr_core::need::QuestionRef;

use super::{SecretError, Which, item_of};

/// Most answers that are forgotten at once.
const MAX_FORGOTTEN: u32 = 1_000;

pub(super) async fn find(home: &str, of: &QuestionRef) -> Result<Option<Vec<u8>>, SecretError> {
    let name = wide(&name(home, of));
    let mut found: *mut CREDENTIALW = std::ptr::null_mut();
    // SAFETY: the name ends with a zero and outlives the call; what is found is freed below.
    let done = unsafe { CredReadW(name.as_ptr(), CRED_TYPE_GENERIC, 0, &raw mut found) };
    if done == 0 {
        return missing().map(|()| None);
    }
    // SAFETY: it was filled in, with a blob of the length that it says, and is freed after the copy.
    let text = unsafe {
        let size = usize::try_from((*found).CredentialBlobSize).unwrap_or(0);
        let text = if size == 0 {
            Vec::new()
        } else {
            std::slice::from_raw_parts((*found).CredentialBlob, size).to_vec()
        };
        CredFree(found.cast());
        text
    };
    Ok(Some(text))
}

pub(super) async fn keep(home: &str, of: &QuestionRef, answer: &str) -> Result<(), SecretError> {
    let size = u32::try_from(answer.len())
        .ok()
        .filter(|size| *size <= CRED_MAX_CREDENTIAL_BLOB_SIZE)
        .ok_or(SecretError::TooLong)?;
    let mut name = wide(&name(home, of));
    let mut blob = answer.as_bytes().to_vec();
    let credential = CREDENTIALW {
        Flags: 0,
        Type: CRED_TYPE_GENERIC,
        TargetName: name.as_mut_ptr(),
        Comment: std::ptr::null_mut(),
        LastWritten: FILETIME {
            dwLowDateTime: 0,
            dwHighDateTime: 0,
        },
        CredentialBlobSize: size,
        CredentialBlob: blob.as_mut_ptr(),
        Persist: CRED_PERSIST_LOCAL_MACHINE,
        AttributeCount: 0,
        Attributes: std::ptr::null_mut(),
        TargetAlias: std::ptr::null_mut(),
        UserName: std::ptr::null_mut(),
    };
    // SAFETY: everything that it points to outlives the call, which copies it.
    if unsafe { CredWriteW(&raw const credential, 0) } == 0 {
        return Err(refused());
    }
    Ok(())
}

pub(super) async fn forget(home: &str, which: &Which) -> Result<usize, SecretError> {
    if let Which::Question(of) = which {
        let name = wide(&name(home, of));
        // SAFETY: the name ends with a zero and outlives the call.
        let deleted = unsafe { CredDeleteW(name.as_ptr(), CRED_TYPE_GENERIC, 0) };
        return if deleted == 0 {
            missing().map(|()| 0)
        } else {
            Ok(1)
        };
    }
    let pattern = wide(&format!("{}*", prefix(home, which)));
    let (mut count, mut all): (u32, *mut *mut CREDENTIALW) = (0, std::ptr::null_mut());
    // SAFETY: the pattern ends with a zero and outlives the call; what is found is freed below.
    if unsafe { CredEnumerateW(pattern.as_ptr(), 0, &raw mut count, &raw mut all) } == 0 {
        return missing().map(|()| 0);
    }
    let mut gone = 0;
    for at in 0..usize::try_from(count.min(MAX_FORGOTTEN)).unwrap_or(0) {
        // SAFETY: so many are there, and their names live until they are freed.
        let deleted = unsafe { CredDeleteW((**all.add(at)).TargetName, CRED_TYPE_GENERIC, 0) };
        gone += usize::from(deleted != 0);
    }
    // SAFETY: it was made by the enumeration, and nothing of it is used any more.
    unsafe { CredFree(all.cast()) };
    Ok(gone)
}

/// Parts are told apart by a character that no identifier holds.
fn name(home: &str, of: &QuestionRef) -> String {
    format!("syncmgr|{home}|{}|{}|{}", of.handler, item_of(of), of.key)
}

fn prefix(home: &str, which: &Which) -> String {
    let mut prefix = format!("syncmgr|{home}|{}|", which.handler());
    if let Some(item) = which.item() {
        prefix.push_str(item);
        prefix.push('|');
    }
    prefix
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain(std::iter::once(0)).collect()
}

/// Nothing is there, or why that cannot be told.
fn missing() -> Result<(), SecretError> {
    // SAFETY: reads a number of this thread.
    match unsafe { GetLastError() } {
        ERROR_NOT_FOUND => Ok(()),
        _ => Err(refused()),
    }
}

fn refused() -> SecretError {
    SecretError::Refused(std::io::Error::last_os_error().to_string())
}
