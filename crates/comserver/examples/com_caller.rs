//! A program that calls the manager as programs do, one method a time; for the tests.
//!
//! It prints the result code in hexadecimal digits, and what was answered.

#![expect(unsafe_code, reason = "it calls the methods of the contract")]
#![expect(clippy::print_stdout, reason = "that is how it answers")]

use std::process::ExitCode;

use syncmgr_com::com_class::create;
use syncmgr_com::com_interface::{ISyncMgrRegister, ISyncMgrSynchronizeInvoke};
use syncmgr_com::guid::{CLSID_SYNC_MGR, parse};
use syncmgr_com::{GUID, HRESULT, Interface as _, com_text};
use syncmgr_comserver::com_entry::{DllCanUnloadNow, DllGetClassObject};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // SAFETY: the entry point is that of this program itself.
    let made = unsafe { create(DllGetClassObject, &CLSID_SYNC_MGR) };
    let made: Result<ISyncMgrSynchronizeInvoke, HRESULT> = made;
    let Ok(invoke) = made else {
        return ExitCode::from(2);
    };
    let Ok(register) = invoke.cast::<ISyncMgrRegister>() else {
        return ExitCode::from(2);
    };
    let Some(result) = call(&invoke, &register, &words) else {
        return ExitCode::from(3);
    };
    println!("{:08X}", result.0);
    drop((invoke, register));
    println!("unload {}", DllCanUnloadNow().0);
    ExitCode::SUCCESS
}

fn call(
    invoke: &ISyncMgrSynchronizeInvoke,
    register: &ISyncMgrRegister,
    words: &[&str],
) -> Option<HRESULT> {
    let class = |text: &&str| -> Option<GUID> { parse(text) };
    Some(match words {
        ["register", id, flags, description @ ..] => {
            let id = class(id)?;
            let units = description.first().map(|text| com_text::to_units(text));
            let text = units
                .as_ref()
                .map_or(std::ptr::null(), |units| units.as_ptr());
            // SAFETY: the identifier and the text live through the call.
            unsafe { register.RegisterSyncMgrHandler(&raw const id, text, flags.parse().ok()?) }
        }
        ["unregister", id] => {
            let id = class(id)?;
            // SAFETY: the identifier lives through the call.
            unsafe { register.UnregisterSyncMgrHandler(&raw const id, 0) }
        }
        ["info", id] => {
            let id = class(id)?;
            let mut flags = 0xFFFF_u32;
            // SAFETY: the identifier lives through the call, and the place is writable.
            let result =
                unsafe { register.GetHandlerRegistrationInfo(&raw const id, &raw mut flags) };
            println!("flags {flags}");
            result
        }
        ["update", id, flags, cookie @ ..] => {
            let id = class(id)?;
            let mut bytes = cookie
                .first()
                .map_or(Vec::new(), |text| text.as_bytes().to_vec());
            let size = u32::try_from(bytes.len()).ok()?;
            let flags = flags.parse().ok()?;
            // SAFETY: the identifier and the bytes live through the call.
            let result = unsafe { invoke.UpdateItems(flags, &raw const id, size, bytes.as_ptr()) };
            bytes.fill(0); // M-152: they are the caller's again
            result
        }
        // A cookie of so many bytes, none of which are there: only for sizes that must be refused.
        ["update-nothing", id, size] => {
            let id = class(id)?;
            // SAFETY: nothing is read without an address.
            unsafe { invoke.UpdateItems(2, &raw const id, size.parse().ok()?, std::ptr::null()) }
        }
        ["update-nobody"] => {
            // SAFETY: as above.
            unsafe { invoke.UpdateItems(2, std::ptr::null(), 0, std::ptr::null()) }
        }
        ["update-large", id, size] => {
            let id = class(id)?;
            let bytes = vec![b'c'; size.parse().ok()?];
            let size = u32::try_from(bytes.len()).ok()?;
            // SAFETY: the identifier and the bytes live through the call.
            unsafe { invoke.UpdateItems(2, &raw const id, size, bytes.as_ptr()) }
        }
        // SAFETY: it takes nothing.
        ["update-all"] => unsafe { invoke.UpdateAll() },
        _ => return None,
    })
}
