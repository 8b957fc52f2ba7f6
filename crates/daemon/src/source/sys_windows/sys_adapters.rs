//! Asks Windows for its network adapters, and hears that their addresses change.

#![expect(
    unsafe_code,
    reason = "adapters are asked for through the system's C interface"
)]

use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, ERROR_SUCCESS, HANDLE};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    CancelMibChangeNotify2, GAA_FLAG_INCLUDE_GATEWAYS, GAA_FLAG_SKIP_ANYCAST,
    GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses, IP_ADAPTER_ADDRESSES_LH, MIB_NOTIFICATION_TYPE,
    MIB_UNICASTIPADDRESS_ROW, NotifyUnicastIpAddressChange,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::AF_UNSPEC;

use super::com_network::Bell;
use crate::source::connectivity::{Adapter, MAX_NETWORKS};

/// Room for what Windows says at first; what Microsoft recommends.
const ROOM: usize = 16 * 1024;
/// Most room for it.
const MOST_ROOM: usize = 4 << 20;

/// The adapters that work.
pub(super) fn adapters() -> io::Result<Vec<Adapter>> {
    let mut room = ROOM;
    loop {
        // In units that are aligned as the structures are.
        let mut buffer = vec![0_u64; room.div_ceil(size_of::<u64>())];
        let mut size = u32::try_from(room).map_err(io::Error::other)?;
        // SAFETY: no more is written than the size that it is told, during the call.
        let code = unsafe {
            GetAdaptersAddresses(
                u32::from(AF_UNSPEC),
                GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST,
                null(),
                buffer.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        match code {
            ERROR_SUCCESS => return Ok(read(&buffer)),
            ERROR_NO_DATA => return Ok(Vec::new()),
            ERROR_BUFFER_OVERFLOW if room < MOST_ROOM => {
                // Adapters may come in between.
                room = (size as usize).max(2 * room).min(MOST_ROOM);
            }
            code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
}

fn read(buffer: &[u64]) -> Vec<Adapter> {
    let mut adapters = Vec::new();
    let mut next: *const IP_ADAPTER_ADDRESSES_LH = buffer.as_ptr().cast();
    while adapters.len() < MAX_NETWORKS {
        // SAFETY: the system wrote the list, whose parts all lie in the buffer, and ended it with nothing.
        let Some(adapter) = (unsafe { next.as_ref() }) else {
            break;
        };
        next = adapter.Next;
        if adapter.OperStatus == IfOperStatusUp {
            adapters.push(Adapter {
                kind: adapter.IfType,
                tunnel: adapter.TunnelType,
                gateway: !adapter.FirstGatewayAddress.is_null(),
                names: !adapter.FirstDnsServerAddress.is_null(),
            });
        }
    }
    adapters
}

/// Rings while it exists whenever an address comes or goes.
pub(super) struct Changes {
    handle: HANDLE,
    /// Kept for the callback, which reads it.
    _bell: Box<Bell>,
}

impl Changes {
    pub(super) fn follow(bell: Bell) -> io::Result<Self> {
        let bell = Box::new(bell);
        let mut handle = null_mut();
        // SAFETY: the bell stays where it is until no callback runs any more, which is when this is dropped.
        let code = unsafe {
            NotifyUnicastIpAddressChange(
                AF_UNSPEC,
                Some(changed),
                (&raw const *bell).cast(),
                false,
                &raw mut handle,
            )
        };
        if code == ERROR_SUCCESS {
            let _bell = bell;
            Ok(Self { handle, _bell })
        } else {
            Err(io::Error::from_raw_os_error(code.cast_signed()))
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used afterwards. It returns when no callback runs any more.
        unsafe { CancelMibChangeNotify2(self.handle) };
    }
}

unsafe extern "system" fn changed(
    bell: *const c_void,
    _: *const MIB_UNICASTIPADDRESS_ROW,
    _: MIB_NOTIFICATION_TYPE,
) {
    // SAFETY: it is what was given above, which lives for as long as this is called.
    if let Some(bell) = unsafe { bell.cast::<Bell>().as_ref() } {
        bell.ring();
    }
}
