//! A server for ssh of our own on the loopback, and a network that can go away.

use std::net::{TcpListener, TcpStream};
use std::process::Command;

use anyhow::Result;

use super::world::{World, wait_for};
use crate::run;

/// A network of its own, with a loopback alone, that lives as long as the world.
pub(super) struct Network(u32);

impl Network {
    /// Makes one that works.
    pub(super) fn new(world: &World) -> Result<Self> {
        let mut keeper = run::command("unshare");
        keeper.args(["--net", "sleep", "600"]);
        let network = Self(world.beside(&mut keeper)?);
        let inside = || -> Option<bool> {
            let of = |process: u32| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
            Some(of(network.0)? != of(std::process::id())?)
        };
        wait_for("the network", || inside() == Some(true))?;
        // A connection that comes to nothing, or sends into nothing, is given up after seconds instead of minutes.
        let sooner =
            "echo 1 > /proc/sys/net/ipv4/tcp_syn_retries; echo 3 > /proc/sys/net/ipv4/tcp_retries2";
        run::check(network.command("sh").args(["-c", sooner]))?;
        network.goes("up")?;
        Ok(network)
    }

    /// What starts a program within it.
    pub(super) fn enter(&self) -> Vec<String> {
        let words = ["nsenter", "--target", &self.0.to_string(), "--net"];
        words.map(str::to_owned).to_vec()
    }

    /// Makes it go `up` or `down`, whoever uses it.
    pub(super) fn goes(&self, how: &str) -> Result<()> {
        run::check(self.command("ip").args(["link", "set", "lo", how]))
    }

    /// A command within it.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = run::command("nsenter");
        command.args(self.enter().iter().skip(1)).arg(program);
        command
    }

    /// A command within it that has the surroundings of the case.
    pub(super) fn command_of(&self, world: &World, program: &str) -> Command {
        let mut command = world.command("nsenter");
        command.args(self.enter().iter().skip(1)).arg(program);
        command
    }

    /// The program with these words within it.
    pub(super) fn manager(&self, world: &World, words: &[&str]) -> Command {
        let enter = self.enter();
        let enter: Vec<&str> = enter.iter().map(String::as_str).collect();
        world.manager_by(&enter, words)
    }
}

/// A server with keys of its own, which knows only ours.
pub(super) struct Server {
    port: u16,
}

impl Server {
    /// Makes its keys and its configuration. `known` is empty: nobody knows the server yet.
    pub(super) fn new(world: &World) -> Result<Self> {
        world.directory("/run/sshd")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        for key in ["host", "mine"] {
            run::check(
                run::command("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(world.at(key)),
            )?;
        }
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPidFile none\nSubsystem sftp internal-sftp\n",
            world.text("host"),
            world.text("mine.pub"),
        );
        world.write("sshd", config)?;
        world.write("known", "")?;
        Ok(Self { port })
    }

    /// Makes the server known to whoever connects to it.
    pub(super) fn make_known(&self, world: &World) -> Result<()> {
        let line = format!("[127.0.0.1]:{} {}", self.port, world.read("host.pub")?);
        world.write("known", line)
    }

    /// The words that connect to it. A server that says nothing for two seconds is taken for gone.
    pub(super) fn shell(&self, world: &World) -> String {
        format!(
            "ssh -F none -p {} -i {} -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=5 -o ServerAliveInterval=1 \
             -o ServerAliveCountMax=2 -o UserKnownHostsFile={}",
            self.port,
            world.text("mine"),
            world.text("known"),
        )
    }

    /// Starts it, in a network or where everybody is.
    pub(super) fn start(&self, world: &World, network: Option<&Network>) -> Result<()> {
        let mut command = match network {
            Some(network) => network.command("/usr/sbin/sshd"),
            None => run::command("/usr/sbin/sshd"),
        };
        command.args(["-D", "-e", "-f"]).arg(world.at("sshd"));
        world.beside(&mut command)?;
        answers(network, self.port)
    }
}

/// Waits until a server listens at a port of this machine, in a network or where everybody is.
pub(super) fn answers(network: Option<&Network>, port: u16) -> Result<()> {
    wait_for("the server", || match network {
        Some(network) => {
            let place = format!("</dev/tcp/127.0.0.1/{port}");
            let mut look = network.command("bash");
            look.args(["-c", &place])
                .stderr(std::process::Stdio::null());
            look.status().is_ok_and(|status| status.success())
        }
        None => TcpStream::connect(("127.0.0.1", port)).is_ok(),
    })
}
