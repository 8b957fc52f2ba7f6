//! Reads what Windows says of networks (`netlistmgr.h`, `iptypes.h`), purely: numbers in, the fact out.

use std::collections::BTreeMap;

use syncmgr_core::condition::Fact;

use crate::adapt::text;

/// `NLM_CONNECTIVITY_IPV4_LOCALNETWORK`, `…_INTERNET`, and the same of version 6: it is routed.
const ROUTED: u32 = 0x20 | 0x40 | 0x200 | 0x400;
/// `NLM_CONNECTION_COST_FIXED`, `…_VARIABLE`, `…_OVERDATALIMIT`, `…_ROAMING`.
const COSTS: u32 = 0x2 | 0x4 | 0x1_0000 | 0x4_0000;
/// `NLM_INTERNET_CONNECTIVITY_WEBHIJACK`: a page that wants to be seen first.
const PORTAL: u32 = 0x1;

/// `IF_TYPE_PPP`.
const PPP: u32 = 23;
/// `IF_TYPE_SOFTWARE_LOOPBACK`.
const LOOPBACK: u32 = 24;
/// `IF_TYPE_PROP_VIRTUAL`, which WireGuard and others are.
const VIRTUAL: u32 = 53;
/// `IF_TYPE_TUNNEL`.
const TUNNEL: u32 = 131;
/// `TUNNEL_TYPE_6TO4`, `…_ISATAP`, `…_TEREDO`: ways to version 6, not private networks.
const TRANSITIONS: [i32; 3] = [11, 13, 14];

/// Most networks and adapters that are looked at.
pub const MAX_NETWORKS: usize = 256;

/// A network that the machine is connected to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// What Windows calls it, for programs.
    pub id: u128,
    /// What people call it.
    pub name: String,
    /// `NLM_CONNECTIVITY`.
    pub connectivity: u32,
    /// `NLM_INTERNET_CONNECTIVITY`, of both versions together.
    pub internet: u32,
}

/// A network adapter that works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adapter {
    /// `IfType`.
    pub kind: u32,
    /// `TunnelType`.
    pub tunnel: i32,
    /// A way out is known.
    pub gateway: bool,
    /// Somebody can be asked for names.
    pub names: bool,
}

/// All that is seen at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The networks, and their cost (`NLM_CONNECTION_COST`); or why Windows does not tell.
    pub networks: Result<(Vec<Network>, u32), String>,
    /// The adapters.
    pub adapters: Vec<Adapter>,
    /// The name of the Wi-Fi, when there is one; or why nobody tells.
    pub wifi: Result<Option<String>, String>,
}

impl Seen {
    /// The fact. Without a list of networks only the route is known.
    #[must_use]
    pub fn fact(&self) -> Fact {
        match &self.networks {
            Ok((networks, cost)) => Fact::Network {
                usable: networks.iter().any(is_usable),
                metered: cost & COSTS != 0,
                wifi: self
                    .wifi
                    .as_ref()
                    .ok()
                    .and_then(Option::as_deref)
                    .map(text::line),
                vpn: self.adapters.iter().any(is_private),
            },
            Err(because) => Fact::Route {
                usable: self
                    .adapters
                    .iter()
                    .any(|adapter| adapter.kind != LOOPBACK && adapter.gateway)
                    && self.adapters.iter().any(|adapter| adapter.names),
                because: because.clone(),
            },
        }
    }

    /// The connected networks by what programs call them.
    #[must_use]
    pub fn up(&self) -> BTreeMap<u128, String> {
        let networks = self.networks.iter().flat_map(|(networks, _)| networks);
        networks
            .map(|network| (network.id, network.name.clone()))
            .collect()
    }

    /// By what it is watched, as a fragment.
    #[must_use]
    pub fn by(&self) -> String {
        match (&self.networks, &self.wifi) {
            (Ok(_), Ok(_)) => "the list of networks of Windows".to_owned(),
            (Ok(_), Err(because)) => {
                format!("the list of networks of Windows, without names of Wi-Fi: {because}")
            }
            (Err(because), _) => {
                format!("the network adapters, without cost and names of networks: {because}")
            }
        }
    }
}

fn is_usable(network: &Network) -> bool {
    network.connectivity & ROUTED != 0 && network.internet & PORTAL == 0
}

fn is_private(adapter: &Adapter) -> bool {
    match adapter.kind {
        PPP | VIRTUAL => true,
        TUNNEL => !TRANSITIONS.contains(&adapter.tunnel),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(connectivity: u32, internet: u32, cost: u32, adapters: &[(u32, i32)]) -> Seen {
        let network = Network {
            id: 7,
            name: "home".to_owned(),
            connectivity,
            internet,
        };
        let adapter = |(kind, tunnel): &(u32, i32)| Adapter {
            kind: *kind,
            tunnel: *tunnel,
            ..Adapter::default()
        };
        Seen {
            networks: Ok((vec![Network::default(), network], cost)),
            adapters: adapters.iter().map(adapter).collect(),
            wifi: Ok(Some("cafe".to_owned())),
        }
    }

    #[test]
    fn networks() {
        let check = |seen: &Seen, expected: (bool, bool, bool)| {
            let fact = Fact::Network {
                usable: expected.0,
                metered: expected.1,
                wifi: Some("cafe".to_owned()),
                vpn: expected.2,
            };
            assert_eq!(seen.fact(), fact, "{seen:?}");
        };
        check(&seen(0x40, 0, 1, &[(6, 0)]), (true, false, false));
        check(&seen(0x400, 0, 0, &[(71, 0)]), (true, false, false));
        // A network without the rest of the world is usable; one that leads nowhere is not.
        check(&seen(0x20, 0, 1, &[]), (true, false, false));
        check(&seen(0x10, 0, 1, &[]), (false, false, false));
        check(&seen(0x1 | 0x2, 0, 1, &[]), (false, false, false));
        check(&seen(0, 0, 1, &[]), (false, false, false));
        // A page wants to be seen first.
        check(&seen(0x20, 0x1, 1, &[]), (false, false, false));
        check(&seen(0x20, 0x2, 1, &[]), (true, false, false));
        check(&seen(0x40, 0, 2, &[]), (true, true, false));
        check(&seen(0x40, 0, 4 | 0x8_0000, &[]), (true, true, false));
        check(&seen(0x40, 0, 1 | 0x4_0000, &[]), (true, true, false));
        check(&seen(0x40, 0, 1 | 0x2_0000, &[]), (true, false, false));
        check(&seen(0x40, 0, 1, &[(6, 0), (23, 0)]), (true, false, true));
        check(&seen(0x40, 0, 1, &[(53, 0)]), (true, false, true));
        check(&seen(0x40, 0, 1, &[(131, 15)]), (true, false, true));
        check(
            &seen(0x40, 0, 1, &[(131, 14), (131, 13), (131, 11), (24, 0)]),
            (true, false, false),
        );
    }

    #[test]
    fn without_a_list_only_the_route_is_known() {
        let check = |adapters: &[Adapter], expected| {
            let because = "it is not there".to_owned();
            let seen = Seen {
                networks: Err(because.clone()),
                adapters: adapters.to_vec(),
                wifi: Ok(Some("cafe".to_owned())),
            };
            assert_eq!(
                seen.fact(),
                Fact::Route {
                    usable: expected,
                    because
                }
            );
            assert!(seen.by().ends_with("it is not there"));
            assert!(seen.up().is_empty());
        };
        let adapter = |kind, gateway, names| Adapter {
            kind,
            tunnel: 0,
            gateway,
            names,
        };
        check(&[adapter(6, true, true)], true);
        check(&[adapter(6, true, false), adapter(6, false, true)], true);
        check(&[adapter(6, true, false)], false);
        check(&[adapter(6, false, true)], false);
        check(&[adapter(24, true, true)], false);
        check(&[], false);
    }

    #[test]
    fn what_is_not_told_is_said() {
        let mut seen = seen(0x40, 0, 1, &[]);
        assert_eq!(seen.up().into_values().collect::<Vec<_>>(), ["", "home"]);
        assert!(!seen.by().contains("without"));
        seen.wifi = Err("access is denied".to_owned());
        assert!(
            seen.by()
                .ends_with("without names of Wi-Fi: access is denied")
        );
        assert!(matches!(
            seen.fact(),
            Fact::Network {
                wifi: None,
                usable: true,
                ..
            }
        ));
    }
}
