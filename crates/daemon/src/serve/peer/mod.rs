//! Whose connection on loopback is: a browser of another user of this machine is not let in, whatever it brings.

#[cfg(not(target_os = "linux"))]
#[path = "sys_elsewhere.rs"]
mod sys;
#[cfg(target_os = "linux")]
#[path = "sys_linux.rs"]
mod sys;

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Whether a connection of this machine is certainly of another user.
pub(crate) async fn is_another_user(peer: SocketAddr, local: SocketAddr) -> bool {
    if !peer.ip().to_canonical().is_loopback() {
        return false;
    }
    // The table may be long.
    let asked = tokio::task::spawn_blocking(move || sys::is_another_user(peer, local));
    asked.await.unwrap_or(false)
}

/// Whose the socket is that is connected from `peer` to `local`, by a table of the kernel (`/proc/net/tcp`, proc(5)).
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "only Linux has such a table")
)]
fn owner(table: impl std::io::Read, peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    let pairs = [false, true].map(|mapped| (written(peer, mapped), written(local, mapped)));
    BufReader::new(table)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (from, to) = (fields.nth(1)?, fields.next()?);
            let is_it = pairs
                .iter()
                .any(|(peer, local)| from == peer && to == local);
            is_it.then(|| fields.nth(4)?.parse().ok()).flatten()
        })
}

/// An address as the table writes it: words in the byte order of the machine; `mapped`: one of IPv4 as one of IPv6.
fn written(address: SocketAddr, mapped: bool) -> String {
    let octets = match address.ip().to_canonical() {
        IpAddr::V4(ip) if mapped => Ipv6Addr::to_bits(ip.to_ipv6_mapped())
            .to_be_bytes()
            .to_vec(),
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words: String = octets
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| format!("{:08X}", u32::from_ne_bytes(*word)))
        .collect();
    format!("{words}:{:04X}", address.port())
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:20C0 00000000:0000 0A 00000000:00000000 00:00000000 00000000   501        0 1 1 0 100 0 0 10 0
   1: 0100007F:20C0 0100007F:D431 01 00000000:00000000 00:00000000 00000000   501        0 2 1 0 20 4 30 10 -1
   2: 0100007F:D431 0100007F:20C0 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
   3: 0000000000000000FFFF00000100007F:D432 0000000000000000FFFF00000100007F:20C0 01 0:0 00:0 0  1001        0 4
   4: 00000000000000000000000001000000:D433 00000000000000000000000001000000:20C0 01 0:0 00:0 0  1002        0 5
";

    #[test]
    fn the_owner_of_the_other_end_is_found() {
        for (peer, local, wanted) in [
            ("127.0.0.1:54321", "127.0.0.1:8384", Some(1000)),
            ("127.0.0.1:54322", "127.0.0.1:8384", Some(1001)),
            ("[::1]:54323", "[::1]:8384", Some(1002)),
            ("127.0.0.1:54324", "127.0.0.1:8384", None),
            ("127.0.0.1:54321", "127.0.0.1:8385", None),
        ] {
            let found = owner(
                TABLE.as_bytes(),
                peer.parse().unwrap(),
                local.parse().unwrap(),
            );
            assert_eq!(found, wanted, "{peer}");
        }
        let peer = "127.0.0.1:54321".parse().unwrap();
        assert_eq!(owner(&b"\xff\nno table"[..], peer, peer), None);
    }
}
