//! Reads whether a route leads out and names can be looked up, from the texts in which Linux tells it.

/// The route is up.
const UP: u32 = 0x1;
/// Nothing gets through.
const REJECT: u32 = 0x200;
/// The device that leads nowhere.
const LOOPBACK: &str = "lo";

/// Whether the text of `/proc/net/route` has a default route.
#[must_use]
pub fn leads_out(text: &str) -> bool {
    text.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(8).collect();
        let [device, destination, _, flags, _, _, _, mask] = fields[..] else {
            return false;
        };
        device != LOOPBACK && zero(destination) && zero(mask) && is_up(flags)
    })
}

/// Whether the text of `/proc/net/ipv6_route` has a default route.
#[must_use]
pub fn leads_out_v6(text: &str) -> bool {
    text.lines().any(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
        let [destination, length, _, _, _, _, _, _, flags, device] = fields[..] else {
            return false;
        };
        device != LOOPBACK && zero(destination) && zero(length) && is_up(flags)
    })
}

/// Whether the text of `resolv.conf` names somebody to ask.
#[must_use]
pub fn has_names(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next() == Some("nameserver") && words.next().is_some()
    })
}

fn zero(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|digit| digit == b'0')
}

fn is_up(flags: &str) -> bool {
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & UP != 0 && flags & REJECT == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn default_routes() {
        let check = |line: &str, expected| {
            assert_eq!(leads_out(&format!("{HEAD}{line}")), expected, "{line}")
        };
        check(
            "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
            true,
        );
        check(
            "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n",
            false,
        );
        // Half of the world, as VPNs route it, is no default route by itself.
        check(
            "tun0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n",
            false,
        );
        check(
            "*\t00000000\t00000000\t0201\t0\t0\t100\t00000000\t0\t0\t0\n",
            false,
        );
        check(
            "eth0\t00000000\t0102A8C0\t0002\t0\t0\t100\t00000000\t0\t0\t0\n",
            false,
        );
        check(
            "lo\t00000000\t00000000\t0001\t0\t0\t100\t00000000\t0\t0\t0\n",
            false,
        );
        check("eth0\t00000000\n", false);
        check("", false);
    }

    #[test]
    fn default_routes_of_version_6() {
        let zeros = "00000000000000000000000000000000";
        let check = |line: &str, expected| assert_eq!(leads_out_v6(line), expected, "{line}");
        let line = |length: &str, flags: &str, device: &str| {
            format!(
                "{zeros} {length} {zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 {flags} {device}\n"
            )
        };
        check(&line("00", "00450003", "wlan0"), true);
        check(&line("40", "00450003", "wlan0"), false);
        // Every machine has this one: it refuses.
        check(&line("00", "00200200", "lo"), false);
        check(&line("00", "00000201", "wlan0"), false);
        check("nonsense", false);
    }

    #[test]
    fn names() {
        assert!(has_names(
            "# a comment\nsearch home\nnameserver 192.0.2.1\n"
        ));
        assert!(!has_names("# nameserver 192.0.2.1\n"));
        assert!(!has_names("nameserver\n"));
        assert!(!has_names(""));
    }
}
