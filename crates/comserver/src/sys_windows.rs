//! Windows: where this library lies, processes without a window, and the registry.

#![expect(unsafe_code, reason = "the loader is asked where this code lies")]

use std::ffi::{OsString, c_void};
use std::os::windows::ffi::OsStringExt as _;
use std::os::windows::process::CommandExt as _;
use std::path::PathBuf;

use syncmgr_com::constant::hresult::{E_ACCESSDENIED, E_FAIL, E_INVALIDARG, S_OK};
use syncmgr_com::guid::{CLSID_SYNC_MGR, CLSID_SYNCMGR_OURS, braced};
use syncmgr_com::{GUID, HRESULT};
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

/// Longest path of a library, in units.
const MAX_PATH_UNITS: usize = 32 * 1024;

/// `GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS` and `…_UNCHANGED_REFCOUNT`.
const FROM_ADDRESS: u32 = 0x4 | 0x2;

/// `CREATE_NO_WINDOW` and `CREATE_NEW_PROCESS_GROUP`.
const DETACHED: u32 = 0x0800_0000 | 0x0000_0200;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetModuleHandleExW(flags: u32, name: *const c_void, module: *mut *mut c_void) -> i32;
    fn GetModuleFileNameW(module: *mut c_void, name: *mut u16, size: u32) -> u32;
}

/// The file that this code was loaded from.
pub(crate) fn own_path() -> Option<PathBuf> {
    let here: fn() -> Option<PathBuf> = own_path;
    let mut module = std::ptr::null_mut();
    // SAFETY: with these flags the name is any address of the module, and the place is writable.
    let known = unsafe { GetModuleHandleExW(FROM_ADDRESS, here as *const c_void, &raw mut module) };
    if known == 0 {
        return None;
    }
    let mut name = vec![0_u16; MAX_PATH_UNITS];
    let room = u32::try_from(name.len()).ok()?;
    // SAFETY: the module is loaded, since it holds this code; the buffer has as many units as are told.
    let length = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), room) };
    let name = name.get(..usize::try_from(length).ok()?)?;
    (!name.is_empty() && length < room).then(|| OsString::from_wide(name).into())
}

/// The process does not end with its caller's console, and shows none.
pub(crate) fn detach(command: &mut std::process::Command) {
    command.creation_flags(DETACHED);
}

/// Which part of the registry, and whether it belongs to the whole machine.
type Root = (&'static Key, bool);

/// For the user alone, and for the machine.
const USER: Root = (CURRENT_USER, false);
const MACHINE: Root = (LOCAL_MACHINE, true);

/// Registers or unregisters this library as the words say; without a word for the one or the other it is registered for the
/// user, and unregistered wherever it was registered.
pub(crate) fn install(install: bool, words: &str) -> HRESULT {
    let mut root = None;
    let mut classes = vec![CLSID_SYNCMGR_OURS];
    for word in words.split([' ', ',']).filter(|word| !word.is_empty()) {
        match word {
            "user" => root = Some(USER),
            "machine" => root = Some(MACHINE),
            "system" => classes.push(CLSID_SYNC_MGR),
            _ => return E_INVALIDARG,
        }
    }
    let Some(path) = own_path().and_then(|path| path.into_os_string().into_string().ok()) else {
        return E_FAIL;
    };
    let done = if install {
        add(root.unwrap_or(USER), &classes, &path)
    } else {
        let roots = root.map_or_else(|| vec![USER, MACHINE], |root| vec![root]);
        // Also the system's class, when it was taken: nobody else's registration is touched.
        let classes = [CLSID_SYNCMGR_OURS, CLSID_SYNC_MGR];
        roots.into_iter().try_for_each(|(root, _)| {
            let mut classes = classes.iter();
            classes.try_for_each(|class| remove(root, class, &path).map_err(failure))
        })
    };
    done.err().unwrap_or(S_OK)
}

/// What went wrong, in the words of a caller who can do something about one of them only.
fn failure(error: impl Into<std::io::Error>) -> HRESULT {
    match error.into().kind() {
        std::io::ErrorKind::PermissionDenied => E_ACCESSDENIED,
        _ => E_FAIL,
    }
}

/// Registers the library under every class, or under none.
fn add((root, machine): Root, classes: &[GUID], path: &str) -> Result<(), HRESULT> {
    // The system's manager may be registered for the machine: its registration would be lost to everybody. For one user
    // alone ours lies above it, and it shows again when ours is taken away.
    let taken = |class: &GUID| known(root, class).is_some_and(|known| !same_file(&known, path));
    if machine && classes.iter().any(taken) {
        return Err(E_ACCESSDENIED);
    }
    let mut classes = classes.iter();
    classes.try_for_each(|class| write(root, class, path).map_err(failure))
}

/// The library that a class is registered with.
fn known(root: &Key, class: &GUID) -> Option<String> {
    let server = root.open(format!(r"{}\InprocServer32", key_of(class)));
    server.and_then(|server| server.get_string("")).ok()
}

fn same_file(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn key_of(class: &GUID) -> String {
    format!(r"Software\Classes\CLSID\{}", braced(class))
}

fn write(root: &Key, class: &GUID, path: &str) -> windows_registry::Result<()> {
    let key = root.create(key_of(class))?;
    key.set_string("", "Synchronization Manager")?;
    let server = key.create("InprocServer32")?;
    server.set_string("", path)?;
    // It may be called on any thread: it keeps no state.
    server.set_string("ThreadingModel", "Both")
}

fn remove(root: &Key, class: &GUID, path: &str) -> windows_registry::Result<()> {
    if known(root, class).is_some_and(|known| same_file(&known, path)) {
        root.remove_tree(key_of(class))?;
    }
    Ok(())
}
