//! Routes and mounts of the kernel, in namespaces of the suite's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::{Happening, Subject, Wanted};

use crate::desk::Desk;

fn run(line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let status = Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{line}");
}

fn alone() {
    let links: Vec<_> = fs::read_to_string("/proc/self/net/dev")
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().to_owned())
        .collect();
    assert!(
        links
            .iter()
            .all(|link| matches!(&**link, "lo" | "out0" | "out1")
                || link.starts_with("sit")
                || link.starts_with("tun")
                || link.starts_with("ip")),
        "run by `cargo xtask suite sources`, in a network of its own: {links:?}"
    );
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn routes() {
    alone();
    let desk = Desk::new();
    let names = desk.directory.path().join("resolv.conf");
    let mut ear = desk.watch();
    let by = ear
        .watching(Subject::Network, "the routes of the system")
        .await;
    assert!(
        by.contains("no system bus") || by.contains("was not asked yet"),
        "{by}"
    );
    async fn usable(ear: &mut crate::desk::Ear, expected: bool) {
        ear.until(
            &format!("usable: {expected}"),
            |observation| match observation {
                syncmgr_daemon::source::Observation::Fact(Fact::Route { usable, .. }) => {
                    (usable == expected).then_some(())
                }
                _ => None,
            },
        )
        .await;
    }
    usable(&mut ear, false).await;
    run("ip link add out0 type veth peer name out1");
    run("ip link set out1 up");
    run("ip address add 198.51.100.2/24 dev out0");
    run("ip link set out0 up");
    run("ip route add default via 198.51.100.1 dev out0");
    usable(&mut ear, true).await;
    ear.happening("a network", |happening| {
        matches!(happening, Happening::NetworkConnected { .. }).then_some(())
    })
    .await;
    // Nobody to ask for names.
    fs::write(&names, "# nobody\n").unwrap();
    usable(&mut ear, false).await;
    let new = desk.directory.path().join("new");
    fs::write(&new, "nameserver 192.0.2.1\n").unwrap();
    fs::rename(new, &names).unwrap();
    usable(&mut ear, true).await;
    run("ip link set out0 down");
    usable(&mut ear, false).await;
    run("ip link set out0 up");
    run("ip -6 route add default via fe80::1 dev out0");
    usable(&mut ear, true).await;
    run("ip link delete out0");
    usable(&mut ear, false).await;
}

#[tokio::test]
#[ignore = "needs namespaces: cargo xtask suite sources"]
async fn mounts_and_volumes() {
    let desk = Desk::new();
    let base = desk.directory.path();
    let (at, device) = (base.join("my disk"), base.join("sdz1"));
    let links = base.join("disk/by-label");
    for directory in [&at, &links] {
        fs::create_dir_all(directory).unwrap();
    }
    fs::write(&device, "").unwrap();
    std::os::unix::fs::symlink(&device, links.join("My\\x20Disk")).unwrap();
    let place = at.display().to_string();
    let label = "LABEL=My Disk".to_owned();
    let mut ear = desk.watch();
    ear.watching(Subject::Mounts, "list of mounts").await;
    ear.want(Wanted {
        places: [place.clone(), label.clone(), "UUID=none".to_owned()].into(),
        ..Wanted::default()
    });
    let fact = |path: &str, mounted| Fact::Mounted {
        path: path.to_owned(),
        mounted,
    };
    // In the order of their spelling.
    ear.fact(fact(&place, false)).await;
    ear.fact(fact(&label, false)).await;
    ear.fact(fact("UUID=none", false)).await;
    let mount = |at: &Path| {
        let status = Command::new("mount")
            .args(["-t", "tmpfs"])
            .arg(&device)
            .arg(at)
            .status()
            .unwrap();
        assert!(status.success());
    };
    mount(&at);
    ear.fact(fact(&place, true)).await;
    let appeared = ear
        .happening("a volume", |happening| match happening {
            Happening::VolumeAppeared { place, at } if place == label => Some(at),
            _ => None,
        })
        .await;
    assert_eq!(appeared, at);
    assert!(Command::new("umount").arg(&at).status().unwrap().success());
    ear.fact(fact(&label, false)).await;
    mount(&at);
    ear.fact(fact(&label, true)).await;
    assert!(Command::new("umount").arg(&at).status().unwrap().success());
}
