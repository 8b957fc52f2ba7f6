//! Windows: the registry lists handlers (mobsync 2.9), for the machine and for the user, in both views.

use std::io;

use syncmgr_control::registration::{RegisterEvent, class};
use windows_registry::{CLASSES_ROOT, CURRENT_USER, Key, LOCAL_MACHINE};

use crate::registration::SystemClass;

/// Below which each handler has a key of its own, named by its class.
const HANDLERS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\SyncMgr\Handlers";

/// The events that a handler wants; a value of our own, since none is documented (A-20).
const FLAGS: &str = "SyncMgrRegisterFlags";

/// The views of 64 and of 32 bits.
const VIEWS: [u32; 2] = [0x100, 0x200];

/// Most handlers that are read of one key.
const MAX_HANDLERS: usize = 1_000;

/// The system knows classes by itself.
pub(crate) const KNOWS_CLASSES: bool = true;

/// The classes that the system lists, as it lists them at this moment (M-29). What the user says goes before what the
/// machine says.
pub(crate) fn classes() -> Vec<SystemClass> {
    let mut found: Vec<SystemClass> = Vec::new();
    for root in [CURRENT_USER, LOCAL_MACHINE] {
        for view in VIEWS {
            let Ok(key) = root.options().read().access(view).open(HANDLERS) else {
                continue;
            };
            let Ok(names) = key.keys() else { continue };
            for name in names.take(MAX_HANDLERS) {
                let Some(class) = class(&name) else { continue };
                if !found.iter().any(|known| known.class == class) {
                    found.push(read(&key, &name, class));
                }
            }
        }
    }
    found
}

fn read(handlers: &Key, name: &str, class: String) -> SystemClass {
    // A missing value is none, and an unknown one is never a mistake (A-20).
    let key = handlers.open(name).ok();
    let description = key.as_ref().and_then(|key| key.get_string("").ok());
    let flags = key.as_ref().and_then(|key| key.get_u32(FLAGS).ok());
    SystemClass {
        class,
        description: description.unwrap_or_default(),
        events: RegisterEvent::of_flags(flags.unwrap_or_default()),
    }
}

/// The class of that name among them.
pub(crate) fn class_named(name: &str) -> Option<SystemClass> {
    let wanted = class(name)?;
    classes().into_iter().find(|known| known.class == wanted)
}

/// Whether objects of the class can be made: a server of it is registered, in either view (M-30).
pub(crate) fn can_be_made(class: &str) -> bool {
    let server = format!(r"CLSID\{class}\InprocServer32");
    VIEWS.iter().any(|view| {
        let key = CLASSES_ROOT.options().read().access(*view).open(&server);
        key.and_then(|key| key.get_string(""))
            .is_ok_and(|path| !path.is_empty())
    })
}

/// Lists a class for the user, or replaces what is said of it.
pub(crate) fn put(listed: &SystemClass) -> io::Result<()> {
    let key = CURRENT_USER.create(format!(r"{HANDLERS}\{}", listed.class))?;
    key.set_string("", &listed.description)?;
    key.set_u32(FLAGS, RegisterEvent::to_flags(&listed.events))?;
    Ok(())
}

/// Lists a class no more; false when it was not listed.
pub(crate) fn remove(name: &str) -> io::Result<bool> {
    let Some(class) = class(name) else {
        return Ok(false);
    };
    let mut removed = false;
    for root in [CURRENT_USER, LOCAL_MACHINE] {
        for view in VIEWS {
            let Ok(readable) = root.options().read().access(view).open(HANDLERS) else {
                continue;
            };
            if readable.open(&class).is_err() {
                continue;
            }
            let key = root.options().read().write().access(view).open(HANDLERS)?;
            key.remove_tree(&class)?;
            removed = true;
        }
    }
    Ok(removed)
}
