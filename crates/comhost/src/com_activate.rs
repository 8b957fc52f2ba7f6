//! Finds the class of a handler and makes its object: from a library that is named, or as the system knows it.

#![expect(
    unsafe_code,
    reason = "a library is loaded and its entry points are called"
)]

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use libloading::Library;
use syncmgr_com::com_class::{self, GetClassObject};
use syncmgr_com::com_interface::ISyncMgrSynchronize;
use syncmgr_com::constant::hresult::{CLASS_E_CLASSNOTAVAILABLE, E_NOINTERFACE};
use syncmgr_com::guid::braced;
use syncmgr_com::{GUID, HRESULT};

use crate::desk::shown;
use crate::library::{HEAD_BYTES, Kind};

/// Most classes that a library may name.
const MAX_CLASSES: u32 = 256;

/// The optional entry point by which a library names its classes.
type GetClasses = unsafe extern "system" fn(*mut GUID, u32, *mut u32) -> HRESULT;

/// Where the class is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// In this library.
    Library(PathBuf),
    /// Where the system's registry says.
    Registry,
}

/// A handler that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActivateError {
    /// The file cannot be read.
    #[error("could not read {path}: {cause}")]
    File { path: String, cause: std::io::Error },
    /// The file is something else.
    #[error("{path} is no shared library")]
    NoLibrary { path: String },
    /// It is for other machines.
    #[error("{path} is for {library}, and this program is for {ours}")]
    Architecture {
        path: String,
        library: Kind,
        ours: Kind,
    },
    /// The system does not load it.
    #[error("could not load {path}: {cause}")]
    Load { path: String, cause: String },
    /// It has no entry point.
    #[error("{path} has no entry point `{name}`")]
    EntryPoint { path: String, name: &'static str },
    /// The library has no such class, or nobody registered it.
    #[error("there is no class {class}: {}", shown(*.result))]
    Class { class: String, result: HRESULT },
    /// The class is not a handler.
    #[error("class {class} is no handler, it refuses ISyncMgrSynchronize (H-01)")]
    Interface { class: String },
    /// The object could not be made.
    #[error("class {class} could not be created: {}", shown(*.result))]
    Create { class: String, result: HRESULT },
    /// The library does not name its classes.
    #[error("{path} could not name its classes: {}", shown(*.result))]
    Classes { path: String, result: HRESULT },
}

impl ActivateError {
    /// The stable name of the refusal.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::NoLibrary { .. } | Self::Load { .. } => "comhost::library",
            Self::Architecture { .. } => "comhost::architecture",
            Self::EntryPoint { .. } | Self::Classes { .. } => "comhost::entry-point",
            Self::Class { .. } => "comhost::class",
            Self::Interface { .. } => "comhost::interface",
            Self::Create { .. } => "comhost::create",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "register the handler again where its library is now",
            Self::NoLibrary { .. } => "name the shared library that the handler is in",
            Self::Architecture { .. } => {
                "install the handler, or this program, for the same machine"
            }
            Self::Load { .. } => "install what the library needs, or ask the author of the handler",
            Self::EntryPoint { .. } | Self::Interface { .. } | Self::Classes { .. } => {
                "ask the author of the handler; the library may be for something else"
            }
            Self::Class { .. } => "`comhost --list LIBRARY` names the classes of a library",
            Self::Create { .. } => "ask the author of the handler",
        }
    }
}

/// Makes the object. What was loaded stays loaded until the process ends: threads of the handler may outlive it.
pub(crate) fn activate(
    source: &Source,
    class: &GUID,
) -> Result<ISyncMgrSynchronize, ActivateError> {
    let made = match source {
        Source::Library(path) => {
            let (path, library) = load(path)?;
            let entry = entry_point::<GetClassObject>(&path, library, "DllGetClassObject")?;
            // SAFETY: the library is never unloaded, and the entry point has the shape that its name promises.
            unsafe { com_class::create::<ISyncMgrSynchronize>(entry, class) }
        }
        Source::Registry => registered(class),
    };
    made.map_err(|result| match result {
        E_NOINTERFACE => ActivateError::Interface {
            class: braced(class),
        },
        CLASS_E_CLASSNOTAVAILABLE | syncmgr_com::constant::hresult::REGDB_E_CLASSNOTREG => {
            ActivateError::Class {
                class: braced(class),
                result,
            }
        }
        result => ActivateError::Create {
            class: braced(class),
            result,
        },
    })
}

/// Asks a library for the classes that it names.
pub(crate) fn classes(path: &Path) -> Result<Vec<GUID>, ActivateError> {
    let (path, library) = load(path)?;
    let entry = entry_point::<GetClasses>(&path, library, "SyncMgrGetClasses")?;
    let mut classes = vec![GUID::zeroed(); MAX_CLASSES as usize];
    let mut count = 0;
    // SAFETY: there is room for as many as we say, and for the count; the entry point has the shape of its name.
    let result = unsafe { entry(classes.as_mut_ptr(), MAX_CLASSES, &raw mut count) };
    if result.is_err() || count > MAX_CLASSES {
        return Err(ActivateError::Classes { path, result });
    }
    classes.truncate(count as usize);
    Ok(classes)
}

fn load(path: &Path) -> Result<(String, &'static Library), ActivateError> {
    // A bare name would be searched for in the directories of the system.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let said = path.display().to_string();
    let head = head(&path).map_err(|cause| ActivateError::File {
        path: said.clone(),
        cause,
    })?;
    let ours = Kind::ours();
    match Kind::read(&head) {
        None => return Err(ActivateError::NoLibrary { path: said }),
        Some(library) if !ours.fits(library) => {
            return Err(ActivateError::Architecture {
                path: said,
                library,
                ours,
            });
        }
        Some(_) => {}
    }
    match open(path.as_os_str()) {
        Ok(library) => Ok((said, Box::leak(Box::new(library)))),
        Err(cause) => Err(ActivateError::Load {
            path: said,
            cause: cause.to_string(),
        }),
    }
}

fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(not(windows))]
fn open(path: &OsStr) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's own code, which is what this process is for: it holds nothing else.
    unsafe { Library::new(path) }
}

#[cfg(windows)]
fn open(path: &OsStr) -> Result<Library, libloading::Error> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library as WindowsLibrary};
    // What a handler brings beside itself is found beside it.
    // SAFETY: loading runs the library's own code, which is what this process is for: it holds nothing else.
    unsafe { WindowsLibrary::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }
        .map(Library::from)
}

fn entry_point<T: Copy>(
    path: &str,
    library: &'static Library,
    name: &'static str,
) -> Result<T, ActivateError> {
    // SAFETY: the caller names the type that belongs to the name.
    let symbol = unsafe { library.get::<T>(name.as_bytes()) };
    symbol
        .map(|symbol| *symbol)
        .map_err(|_| ActivateError::EntryPoint {
            path: path.to_owned(),
            name,
        })
}

#[cfg(windows)]
fn registered(class: &GUID) -> Result<ISyncMgrSynchronize, HRESULT> {
    use windows_core::Interface as _;
    use windows_sys::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance};
    let mut object = std::ptr::null_mut();
    // SAFETY: identifiers have one layout in both crates; the place of the object is ours; no outer object is given.
    let result = unsafe {
        CoCreateInstance(
            std::ptr::from_ref(class).cast(),
            std::ptr::null_mut(),
            CLSCTX_INPROC_SERVER,
            std::ptr::from_ref(&ISyncMgrSynchronize::IID).cast(),
            &raw mut object,
        )
    };
    if result < 0 {
        return Err(HRESULT(result));
    }
    if object.is_null() {
        return Err(syncmgr_com::constant::hresult::E_OUTOFMEMORY);
    }
    // SAFETY: success hands over one reference to the interface that was asked for.
    Ok(unsafe { ISyncMgrSynchronize::from_raw(object) })
}

/// There is no registry here; a class is found by its library.
#[cfg(not(windows))]
fn registered(_class: &GUID) -> Result<ISyncMgrSynchronize, HRESULT> {
    Err(syncmgr_com::constant::hresult::REGDB_E_CLASSNOTREG)
}
