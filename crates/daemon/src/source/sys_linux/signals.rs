//! Signals of one process on the bus.

use futures::StreamExt as _;
use futures::stream::SelectAll;
use zbus::match_rule::Builder;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream};

use super::property::PROPERTIES;

/// Which signals: of an interface, and of a path or what is below it. The signal that properties changed is chosen by the
/// interface that has them.
#[derive(Debug, Clone, Copy)]
pub(super) enum From<'a> {
    /// Signals of an interface.
    Interface(&'a str),
    /// Changes of the properties of an interface, of one object.
    Properties(&'a str, &'a str),
    /// Changes of the properties of an interface, of objects below a path.
    PropertiesBelow(&'a str, &'a str),
}

fn changed<'a>(rule: Builder<'a>, interface: &'a str) -> Builder<'a> {
    rule.interface(PROPERTIES)
        .member("PropertiesChanged")
        .add_arg(interface)
}

/// Signals, in the order in which they came of each kind. They are to be taken at once: the whole connection waits for
/// whoever does not.
#[derive(Debug)]
pub(super) struct Signals(SelectAll<MessageStream>);

impl Signals {
    /// Asks for them.
    pub(super) async fn of(
        connection: &Connection,
        owner: &str,
        from: &[From<'_>],
    ) -> zbus::Result<Self> {
        let mut streams = Vec::new();
        for from in from {
            let rule = MatchRule::builder().msg_type(Type::Signal).sender(owner);
            let rule = match from {
                From::Interface(interface) => rule.interface(*interface),
                From::Properties(interface, path) => changed(rule, interface).path(*path),
                From::PropertiesBelow(interface, path) => {
                    changed(rule, interface).path_namespace(*path)
                }
            };
            streams.push(MessageStream::for_match_rule(rule.build()?, connection, None).await?);
        }
        Ok(Self(futures::stream::select_all(streams)))
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> zbus::Result<Message> {
        match self.0.next().await {
            Some(message) => message,
            None => Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into()),
        }
    }
}
