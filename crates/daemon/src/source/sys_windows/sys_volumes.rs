//! Asks Windows for its volumes.

#![expect(
    unsafe_code,
    reason = "volumes are asked for through the system's C interface"
)]

use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_NO_MORE_FILES, HANDLE, INVALID_HANDLE_VALUE, MAX_PATH};
use windows_sys::Win32::Storage::FileSystem::{
    FindFirstVolumeW, FindNextVolumeW, FindVolumeClose, GetDriveTypeW, GetLogicalDrives,
    GetVolumeInformationW, GetVolumePathNamesForVolumeNameW,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SetThreadErrorMode, THREAD_ERROR_MODE,
};
use windows_sys::Win32::System::WindowsProgramming::DRIVE_REMOTE;

use crate::source::volume::{MAX_VOLUMES, Volume};

/// Room for the roots of one volume.
const MAX_ROOTS: usize = 16 * 1024;

/// Every volume that has a medium: those of this machine, and drives on a network. May block for as long as a network does.
pub(super) fn volumes() -> io::Result<Vec<Volume>> {
    let _quiet = Quiet::begin();
    let mut volumes = Vec::new();
    for name in names()? {
        let wide = terminated(&name);
        if let Some((label, serial)) = information(&wide) {
            volumes.push(Volume {
                roots: roots(&wide),
                name,
                label,
                serial,
            });
        }
    }
    for drive in remote_drives() {
        if let Some((label, serial)) = information(&terminated(&drive)) {
            volumes.push(Volume {
                roots: vec![drive],
                name: String::new(),
                label,
                serial,
            });
        }
    }
    Ok(volumes)
}

/// Keeps Windows from asking somebody to put a medium into an empty drive.
struct Quiet(THREAD_ERROR_MODE);

impl Quiet {
    fn begin() -> Self {
        let mut before = 0;
        // SAFETY: it concerns this thread alone, and writes the mode before during the call.
        unsafe { SetThreadErrorMode(SEM_FAILCRITICALERRORS, &raw mut before) };
        Self(before)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: it concerns this thread alone; nothing is written.
        unsafe { SetThreadErrorMode(self.0, null_mut()) };
    }
}

/// A search for volumes, closed when dropped.
struct Search(HANDLE);

impl Drop for Search {
    fn drop(&mut self) {
        // SAFETY: the search is open, and not used afterwards.
        unsafe { FindVolumeClose(self.0) };
    }
}

/// The system's own names of the volumes of this machine.
fn names() -> io::Result<Vec<String>> {
    let mut buffer = [0_u16; MAX_PATH as usize];
    // SAFETY: it writes no more than the room that it is told, during the call.
    let found = unsafe { FindFirstVolumeW(buffer.as_mut_ptr(), MAX_PATH) };
    if found == INVALID_HANDLE_VALUE {
        let error = io::Error::last_os_error();
        // There are none.
        return if error.raw_os_error() == Some(ERROR_NO_MORE_FILES.cast_signed()) {
            Ok(Vec::new())
        } else {
            Err(error)
        };
    }
    let search = Search(found);
    let mut names = vec![text(&buffer)];
    while names.len() < MAX_VOLUMES {
        // SAFETY: the search is open, and the room is as above.
        if unsafe { FindNextVolumeW(search.0, buffer.as_mut_ptr(), MAX_PATH) } == 0 {
            break;
        }
        names.push(text(&buffer));
    }
    Ok(names)
}

/// Letters and directories at which a volume is mounted; none where they cannot be told.
fn roots(volume: &[u16]) -> Vec<String> {
    let mut buffer = vec![0_u16; MAX_ROOTS];
    let room = u32::try_from(buffer.len()).unwrap_or(0);
    let mut length = 0;
    // SAFETY: the name is terminated, and no more is written than the room that it is told, during the call.
    let told = unsafe {
        GetVolumePathNamesForVolumeNameW(
            volume.as_ptr(),
            buffer.as_mut_ptr(),
            room,
            &raw mut length,
        )
    };
    if told == 0 {
        return Vec::new();
    }
    buffer
        .split(|unit| *unit == 0)
        .take_while(|root| !root.is_empty())
        .map(String::from_utf16_lossy)
        .collect()
}

/// Letters of drives on a network.
fn remote_drives() -> Vec<String> {
    // SAFETY: it only answers a number.
    let letters = unsafe { GetLogicalDrives() };
    (b'A'..=b'Z')
        .enumerate()
        .filter(|(number, _)| letters >> number & 1 != 0)
        .map(|(_, letter)| format!(r"{}:\", char::from(letter)))
        // SAFETY: the name is terminated and read during the call.
        .filter(|drive| unsafe { GetDriveTypeW(terminated(drive).as_ptr()) } == DRIVE_REMOTE)
        .collect()
}

/// The label and the number of a volume; absent: it has no medium, or does not answer.
fn information(root: &[u16]) -> Option<(String, u32)> {
    let mut label = [0_u16; MAX_PATH as usize + 1];
    let mut serial = 0;
    // SAFETY: the name is terminated; what is written has the room that is told, and what is not asked for is none.
    let told = unsafe {
        GetVolumeInformationW(
            root.as_ptr(),
            label.as_mut_ptr(),
            MAX_PATH + 1,
            &raw mut serial,
            null_mut(),
            null_mut(),
            null_mut(),
            0,
        )
    };
    (told != 0).then(|| (text(&label), serial))
}

fn terminated(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn text(buffer: &[u16]) -> String {
    let end = buffer
        .iter()
        .position(|unit| *unit == 0)
        .unwrap_or(buffer.len());
    String::from_utf16_lossy(buffer.get(..end).unwrap_or_default())
}
