//! Asks Windows for the name of the Wi-Fi. The library for that is not on every Windows, so it is looked for when it is
//! needed.

#![expect(unsafe_code, reason = "the library is found and called at run time")]

use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    ERROR_SERVICE_NOT_ACTIVE, ERROR_SUCCESS, FARPROC, FreeLibrary, HANDLE, HMODULE,
};
use windows_sys::Win32::NetworkManagement::WiFi::{
    DOT11_SSID, WLAN_CONNECTION_ATTRIBUTES, WLAN_INTERFACE_INFO_LIST, WLAN_INTF_OPCODE,
    WLAN_OPCODE_VALUE_TYPE, wlan_interface_state_connected, wlan_intf_opcode_current_connection,
};
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};
use windows_sys::core::{GUID, PCSTR, s, w};

/// The version of the interface since Windows Vista.
const VERSION: u32 = 2;
/// Most Wi-Fi adapters that are asked.
const MAX_ADAPTERS: usize = 64;

type Open = unsafe extern "system" fn(u32, *const c_void, *mut u32, *mut HANDLE) -> u32;
type Close = unsafe extern "system" fn(HANDLE, *const c_void) -> u32;
type List =
    unsafe extern "system" fn(HANDLE, *const c_void, *mut *mut WLAN_INTERFACE_INFO_LIST) -> u32;
type Query = unsafe extern "system" fn(
    HANDLE,
    *const GUID,
    WLAN_INTF_OPCODE,
    *const c_void,
    *mut u32,
    *mut *mut c_void,
    *mut WLAN_OPCODE_VALUE_TYPE,
) -> u32;
type Free = unsafe extern "system" fn(*const c_void);

/// The name of the Wi-Fi that the machine is connected to, when there is one; or why nobody tells.
pub(super) fn name() -> Result<Option<String>, String> {
    let library = Library::open().map_err(|error| format!("wlanapi.dll: {error}"))?;
    match library.name() {
        Ok(name) => Ok(name),
        // The service only runs where there is something for it to do.
        Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_NOT_ACTIVE.cast_signed()) => {
            Ok(None)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The library, while it is needed.
struct Library {
    module: HMODULE,
    open: Open,
    close: Close,
    list: List,
    query: Query,
    free: Free,
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was loaded below, and nothing of it is used afterwards.
        unsafe { FreeLibrary(self.module) };
    }
}

/// A connection to the service, closed when dropped.
struct Service<'a>(HANDLE, &'a Library);

impl Drop for Service<'_> {
    fn drop(&mut self) {
        // SAFETY: it is open, and not used afterwards.
        unsafe { (self.1.close)(self.0, null()) };
    }
}

/// Memory that the library gave, freed when dropped.
struct Given<'a, T>(*mut T, &'a Library);

impl<T> Drop for Given<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the library gave it, and it is not used afterwards.
        unsafe { (self.1.free)(self.0.cast()) };
    }
}

impl Library {
    fn open() -> io::Result<Self> {
        // SAFETY: the name lives for ever, and only the system's own directory is looked in.
        let module =
            unsafe { LoadLibraryExW(w!("wlanapi.dll"), null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
        if module.is_null() {
            return Err(io::Error::last_os_error());
        }
        let find = |name: PCSTR| -> io::Result<unsafe extern "system" fn() -> isize> {
            // SAFETY: the module is loaded, and the name lives for ever.
            let found: FARPROC = unsafe { GetProcAddress(module, name) };
            found.ok_or_else(io::Error::last_os_error)
        };
        // SAFETY: these functions have these parameters (`wlanapi.h`), and are called only while the module is loaded.
        let library = unsafe {
            let transmuted = || -> io::Result<(Open, Close, List, Query, Free)> {
                Ok((
                    std::mem::transmute::<unsafe extern "system" fn() -> isize, Open>(find(s!(
                        "WlanOpenHandle"
                    ))?),
                    std::mem::transmute::<unsafe extern "system" fn() -> isize, Close>(find(s!(
                        "WlanCloseHandle"
                    ))?),
                    std::mem::transmute::<unsafe extern "system" fn() -> isize, List>(find(s!(
                        "WlanEnumInterfaces"
                    ))?),
                    std::mem::transmute::<unsafe extern "system" fn() -> isize, Query>(find(s!(
                        "WlanQueryInterface"
                    ))?),
                    std::mem::transmute::<unsafe extern "system" fn() -> isize, Free>(find(s!(
                        "WlanFreeMemory"
                    ))?),
                ))
            };
            transmuted()
        };
        match library {
            Ok((open, close, list, query, free)) => Ok(Self {
                module,
                open,
                close,
                list,
                query,
                free,
            }),
            Err(error) => {
                // SAFETY: nothing of it was kept.
                unsafe { FreeLibrary(module) };
                Err(error)
            }
        }
    }

    fn name(&self) -> io::Result<Option<String>> {
        let (mut version, mut handle) = (0, null_mut());
        // SAFETY: both are written during the call.
        checked(unsafe { (self.open)(VERSION, null(), &raw mut version, &raw mut handle) })?;
        let service = Service(handle, self);
        let mut list = null_mut();
        // SAFETY: the service is open, and the list is written during the call.
        checked(unsafe { (self.list)(service.0, null(), &raw mut list) })?;
        let list = Given(list, self);
        for adapter in connected(&list) {
            let (mut size, mut data, mut kind) = (0, null_mut(), 0);
            // SAFETY: the service is open, the identifier is read and the rest written during the call.
            checked(unsafe {
                (self.query)(
                    service.0,
                    &raw const adapter,
                    wlan_intf_opcode_current_connection,
                    null(),
                    &raw mut size,
                    &raw mut data,
                    &raw mut kind,
                )
            })?;
            let connection = Given(data.cast::<WLAN_CONNECTION_ATTRIBUTES>(), self);
            if (size as usize) < size_of::<WLAN_CONNECTION_ATTRIBUTES>() {
                continue;
            }
            // SAFETY: it is what was asked for, and as large as it must be.
            let name = unsafe { connection.0.as_ref() }
                .map(|connection| text(&connection.wlanAssociationAttributes.dot11Ssid));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

/// The adapters that are connected.
fn connected(list: &Given<'_, WLAN_INTERFACE_INFO_LIST>) -> Vec<GUID> {
    // SAFETY: the library gave it, and it is alive.
    let Some(head) = (unsafe { list.0.as_ref() }) else {
        return Vec::new();
    };
    let count = (head.dwNumberOfItems as usize).min(MAX_ADAPTERS);
    // SAFETY: as many follow one another there as the head says; the address is taken from the whole, which holds them.
    let adapters = unsafe {
        std::slice::from_raw_parts(
            (&raw const (*list.0).InterfaceInfo)
                .cast::<windows_sys::Win32::NetworkManagement::WiFi::WLAN_INTERFACE_INFO>(),
            count,
        )
    };
    adapters
        .iter()
        .filter(|adapter| adapter.isState == wlan_interface_state_connected)
        .map(|adapter| adapter.InterfaceGuid)
        .collect()
}

fn checked(code: u32) -> io::Result<()> {
    if code == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code.cast_signed()))
    }
}

fn text(ssid: &DOT11_SSID) -> String {
    let length = (ssid.uSSIDLength as usize).min(ssid.ucSSID.len());
    String::from_utf8_lossy(ssid.ucSSID.get(..length).unwrap_or_default()).into_owned()
}
