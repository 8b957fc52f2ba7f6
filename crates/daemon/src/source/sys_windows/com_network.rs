//! Asks Windows for its networks and hears that they change, on a thread of its own: the service behind the list may take
//! its time.

#![expect(unsafe_code, reason = "the list of networks is a COM object")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc;
use windows::Win32::Networking::NetworkListManager::{
    INetwork, INetworkCostManager, INetworkCostManagerEvents, INetworkCostManagerEvents_Impl,
    INetworkEvents, INetworkEvents_Impl, INetworkListManager, INetworkListManagerEvents,
    INetworkListManagerEvents_Impl, NA_InternetConnectivityV4, NA_InternetConnectivityV6,
    NLM_CONNECTIVITY, NLM_ENUM_NETWORK_CONNECTED, NLM_NETWORK_PROPERTY_CHANGE, NLM_SOCKADDR,
    NetworkListManager,
};
use windows::Win32::System::Com::StructuredStorage::IPropertyBag;
use windows::Win32::System::Com::{
    CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
    IConnectionPoint, IConnectionPointContainer, IErrorLog,
};
use windows::Win32::System::Variant::VARIANT;
use windows::core::{GUID, IUnknown, Interface as _, PCWSTR, Result, implement};

use super::{sys_adapters, sys_wlan};
use crate::source::connectivity::{MAX_NETWORKS, Network, Seen};

/// Changes within this are looked at once.
const SETTLE: Duration = Duration::from_millis(200);
/// A network that never settles is looked at all the same.
const MAX_SETTLES: usize = 10;

/// What rings when something changed; any thread may, and a bell that has rung rings no louder.
#[derive(Debug, Clone)]
pub(super) struct Bell(SyncSender<()>);

impl Bell {
    pub(super) fn ring(&self) {
        if self.0.try_send(()).is_err() {
            tracing::trace!("a change of the network is known already, or nobody wants to know");
        }
    }
}

/// Watches until it is dropped. Its thread ends once it has finished its look.
#[derive(Debug)]
pub(super) struct Watch {
    bell: Bell,
    over: Arc<AtomicBool>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.bell.ring();
    }
}

/// Begins to watch: sends what is seen now, and again after each change.
pub(super) fn watch(sender: mpsc::Sender<Seen>) -> io::Result<Watch> {
    let (ring, rung) = sync_channel(1);
    let watch = Watch {
        bell: Bell(ring),
        over: Arc::default(),
    };
    let (bell, over) = (watch.bell.clone(), Arc::clone(&watch.over));
    std::thread::Builder::new()
        .name("network".to_owned())
        .spawn(move || live(&sender, &bell, &rung, &over))?;
    Ok(watch)
}

/// The life of the thread.
fn live(sender: &mpsc::Sender<Seen>, bell: &Bell, rung: &Receiver<()>, over: &AtomicBool) {
    let _com = Com::begin();
    let addresses = sys_adapters::Changes::follow(bell.clone());
    if let Err(error) = &addresses {
        tracing::debug!(%error, "changes of addresses are not told");
    }
    let list = List::open(bell).map_err(|error| error.to_string());
    if let Err(because) = &list {
        tracing::debug!(because, "there is no list of networks");
    }
    while !over.load(Ordering::Acquire) {
        let seen = Seen {
            networks: list.as_ref().map_err(Clone::clone).and_then(|list| {
                list.read()
                    .map_err(|error| format!("the list of networks: {error}"))
            }),
            adapters: sys_adapters::adapters().unwrap_or_else(|error| {
                tracing::debug!(%error, "there is no list of adapters");
                Vec::new()
            }),
            wifi: sys_wlan::name(),
        };
        if sender.blocking_send(seen).is_err() || rung.recv().is_err() {
            return;
        }
        for _ in 0..MAX_SETTLES {
            if rung.recv_timeout(SETTLE) == Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
    }
}

/// COM on this thread.
struct Com(bool);

impl Com {
    fn begin() -> Self {
        // SAFETY: it concerns this thread alone, and is taken back below when it succeeded.
        Self(unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }.is_ok())
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        if self.0 {
            // SAFETY: every object of this thread is gone: this is made before them and so dropped after them.
            unsafe { CoUninitialize() };
        }
    }
}

/// The list, and what it tells of changes.
struct List {
    manager: INetworkListManager,
    /// Absent before Windows 8.
    costs: INetworkCostManager,
    following: Vec<(IConnectionPoint, u32)>,
}

impl Drop for List {
    fn drop(&mut self) {
        for (point, cookie) in self.following.drain(..) {
            // SAFETY: the cookie is the one that this point gave.
            if let Err(error) = unsafe { point.Unadvise(cookie) } {
                tracing::debug!(%error, "the list of networks does not let go");
            }
        }
    }
}

impl List {
    fn open(bell: &Bell) -> Result<Self> {
        // SAFETY: COM has begun on this thread.
        let manager: INetworkListManager =
            unsafe { CoCreateInstance(&NetworkListManager, None, CLSCTX_ALL) }?;
        let mut list = Self {
            costs: manager.cast()?,
            manager,
            following: Vec::new(),
        };
        let ear: INetworkListManagerEvents = Ear(bell.clone()).into();
        let ear: IUnknown = ear.cast()?;
        let points: IConnectionPointContainer = list.manager.cast()?;
        let about = [
            INetworkListManagerEvents::IID,
            INetworkCostManagerEvents::IID,
            INetworkEvents::IID,
        ];
        for about in about {
            match follow(&points, &about, &ear) {
                Ok(following) => list.following.push(following),
                Err(error) => tracing::debug!(%error, ?about, "some changes are not told"),
            }
        }
        Ok(list)
    }

    /// The connected networks and what they cost.
    fn read(&self) -> Result<(Vec<Network>, u32)> {
        // SAFETY: the object is alive.
        let connected = unsafe { self.manager.GetNetworks(NLM_ENUM_NETWORK_CONNECTED) }?;
        let mut networks = Vec::new();
        while networks.len() < MAX_NETWORKS {
            let mut next = [None];
            // SAFETY: the object is alive, and writes no more than the one that there is room for.
            unsafe { connected.Next(&mut next, None) }?;
            let [Some(network)] = next else {
                break;
            };
            networks.push(self.about(&network)?);
        }
        let mut cost = 0;
        // SAFETY: the object is alive, and writes the number during the call; no address means the machine as a whole.
        unsafe { self.costs.GetCost(&raw mut cost, std::ptr::null()) }?;
        Ok((networks, cost))
    }

    /// What is told of one network. Its name and its number are only for telling networks apart.
    fn about(&self, network: &INetwork) -> Result<Network> {
        let bag = network.cast::<IPropertyBag>();
        let number = |name: PCWSTR| {
            let mut value = VARIANT::default();
            let bag = bag.as_ref().ok()?;
            // SAFETY: the object is alive, the name lives for ever, and the value is written during the call.
            unsafe { bag.Read(name, &raw mut value, None::<&IErrorLog>) }.ok()?;
            u32::try_from(&value).ok()
        };
        // A network of which this is not known is as good as any.
        let internet = [NA_InternetConnectivityV4, NA_InternetConnectivityV6]
            .into_iter()
            .filter_map(number)
            .fold(0, |all, one| all | one);
        // SAFETY: both objects are alive. Where the one network does not say how far it leads, all together do.
        unsafe {
            Ok(Network {
                id: network.GetNetworkId().map_or(0, |id| id.to_u128()),
                name: network
                    .GetName()
                    .map_or_else(|_| String::new(), |name| name.to_string()),
                connectivity: network
                    .GetConnectivity()
                    .or_else(|_| self.manager.GetConnectivity())?
                    .0
                    .cast_unsigned(),
                internet,
            })
        }
    }
}

fn follow(
    points: &IConnectionPointContainer,
    about: &GUID,
    ear: &IUnknown,
) -> Result<(IConnectionPoint, u32)> {
    // SAFETY: the objects are alive; the identifier is read during the call.
    unsafe {
        let point = points.FindConnectionPoint(about)?;
        let cookie = point.Advise(ear)?;
        Ok((point, cookie))
    }
}

/// Hears that networks change. What changed is read afterwards.
#[implement(INetworkListManagerEvents, INetworkCostManagerEvents, INetworkEvents)]
struct Ear(Bell);

impl INetworkListManagerEvents_Impl for Ear_Impl {
    fn ConnectivityChanged(&self, _: NLM_CONNECTIVITY) -> Result<()> {
        self.0.ring();
        Ok(())
    }
}

impl INetworkCostManagerEvents_Impl for Ear_Impl {
    fn CostChanged(&self, _: u32, _: *const NLM_SOCKADDR) -> Result<()> {
        self.0.ring();
        Ok(())
    }

    fn DataPlanStatusChanged(&self, _: *const NLM_SOCKADDR) -> Result<()> {
        self.0.ring();
        Ok(())
    }
}

impl INetworkEvents_Impl for Ear_Impl {
    fn NetworkAdded(&self, _: &GUID) -> Result<()> {
        self.0.ring();
        Ok(())
    }

    fn NetworkDeleted(&self, _: &GUID) -> Result<()> {
        self.0.ring();
        Ok(())
    }

    fn NetworkConnectivityChanged(&self, _: &GUID, _: NLM_CONNECTIVITY) -> Result<()> {
        self.0.ring();
        Ok(())
    }

    fn NetworkPropertyChanged(&self, _: &GUID, _: NLM_NETWORK_PROPERTY_CHANGE) -> Result<()> {
        self.0.ring();
        Ok(())
    }
}
