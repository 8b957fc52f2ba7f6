//! The keyring of the session: `org.freedesktop.secrets`, which GNOME Keyring, KWallet and others serve.
//!
//! Each use is a connection of its own: there are few, and between two nothing is held. What is locked stays locked: a
//! run that nobody watches must not open a dialog.

use std::collections::HashMap;

use syncmgr_core::need::QuestionRef;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::wire::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::{SecretError, Which, item_of};
use crate::adapt::text;
use crate::perform::reason;

const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const OF_SERVICE: &str = "org.freedesktop.Secret.Service";
const OF_COLLECTION: &str = "org.freedesktop.Secret.Collection";
const OF_ITEM: &str = "org.freedesktop.Secret.Item";
/// Most answers that are forgotten at once.
const MAX_FORGOTTEN: usize = 1_000;

/// A secret as it travels: the session, parameters of the session's cipher, the text, its type.
type Travelling = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

pub(super) async fn find(home: &str, of: &QuestionRef) -> Result<Option<Vec<u8>>, SecretError> {
    let keyring = Keyring::reach().await?;
    let which = Which::Question(of.clone());
    let (open, locked) = keyring.search(home, &which).await?;
    let Some(item) = open.first() else {
        return match locked.first() {
            Some(_) => Err(SecretError::Locked),
            None => Ok(None),
        };
    };
    let session = keyring.session().await?;
    let arguments = (vec![item], &session);
    let answer = keyring
        .call(PATH, OF_SERVICE, "GetSecrets", &arguments)
        .await?;
    let mut secrets: HashMap<OwnedObjectPath, Travelling> = body(&answer)?;
    Ok(secrets.remove(item).map(|(_, _, text, _)| text))
}

pub(super) async fn keep(home: &str, of: &QuestionRef, answer: &str) -> Result<(), SecretError> {
    let keyring = Keyring::reach().await?;
    let found = keyring
        .call(PATH, OF_SERVICE, "ReadAlias", &("default",))
        .await?;
    let collection: OwnedObjectPath = body(&found)?;
    if collection.as_str() == "/" {
        return Err(SecretError::NoKeyring(
            "it has no default collection".to_owned(),
        ));
    }
    let unlocked = keyring
        .call(PATH, OF_SERVICE, "Unlock", &(vec![&collection],))
        .await?;
    let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = body(&unlocked)?;
    if prompt.as_str() != "/" {
        return Err(SecretError::Locked);
    }
    let session = keyring.session().await?;
    let attributes = attributes(home, &Which::Question(of.clone()));
    let item = item_of(of);
    let label = text::line(&format!("syncmgr: {} {item} {}", of.handler, of.key));
    let properties: HashMap<&str, Variant<'_>> = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
        (
            "org.freedesktop.Secret.Item.Attributes",
            Variant::from(attributes),
        ),
    ]);
    let secret = (
        &session,
        Vec::<u8>::new(),
        answer.as_bytes(),
        "application/json",
    );
    let arguments = (properties, secret, true);
    let made = keyring
        .call(collection.as_str(), OF_COLLECTION, "CreateItem", &arguments)
        .await?;
    let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = body(&made)?;
    if prompt.as_str() == "/" {
        Ok(())
    } else {
        Err(SecretError::Locked)
    }
}

pub(super) async fn forget(home: &str, which: &Which) -> Result<usize, SecretError> {
    let keyring = Keyring::reach().await?;
    let (open, locked) = keyring.search(home, which).await?;
    let mut gone = 0;
    for item in open.iter().chain(&locked).take(MAX_FORGOTTEN) {
        let deleted = keyring.call(item.as_str(), OF_ITEM, "Delete", &()).await?;
        let prompt: OwnedObjectPath = body(&deleted)?;
        if prompt.as_str() != "/" {
            return Err(SecretError::Locked);
        }
        gone += 1;
    }
    Ok(gone)
}

/// What finds the answers again.
fn attributes(home: &str, which: &Which) -> HashMap<String, String> {
    let mut attributes = HashMap::from([
        ("xdg:schema".to_owned(), "org.syncmgr.Answer".to_owned()),
        ("home".to_owned(), home.to_owned()),
        ("handler".to_owned(), which.handler().to_owned()),
    ]);
    let more = [("item", which.item()), ("key", which.key())];
    attributes.extend(
        more.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
    );
    attributes
}

struct Keyring(Connection);

impl Keyring {
    async fn reach() -> Result<Self, SecretError> {
        let connection = Builder::session().build().await;
        let connection = connection.map_err(|error| {
            SecretError::NoKeyring(format!("no session bus: {}", reason(&error)))
        })?;
        Ok(Self(connection))
    }

    async fn search(
        &self,
        home: &str,
        which: &Which,
    ) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>), SecretError> {
        let arguments = (attributes(home, which),);
        body(
            &self
                .call(PATH, OF_SERVICE, "SearchItems", &arguments)
                .await?,
        )
    }

    /// The bus is the user's own: secrets travel over it as they are, as they do between most programs and their keyring.
    async fn session(&self) -> Result<OwnedObjectPath, SecretError> {
        let arguments = ("plain", Variant::from(""));
        let opened = self
            .call(PATH, OF_SERVICE, "OpenSession", &arguments)
            .await?;
        let (_, session): (OwnedVariant, OwnedObjectPath) = body(&opened)?;
        Ok(session)
    }

    async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &B,
    ) -> Result<zbus::Message, SecretError>
    where
        B: serde::Serialize + zbus::wire::DynamicType,
    {
        let path =
            ObjectPath::try_from(path).map_err(|error| SecretError::Refused(reason(&error)))?;
        let answer = self
            .0
            .call_method(Some(SERVICE), path, Some(interface), method, arguments)
            .await;
        answer.map_err(|error| match &error {
            zbus::Error::FDO(known)
                if matches!(
                    **known,
                    zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_)
                ) =>
            {
                SecretError::NoKeyring("nobody serves org.freedesktop.secrets".to_owned())
            }
            zbus::Error::MethodError(name, ..)
                if name.as_str() == "org.freedesktop.Secret.Error.IsLocked" =>
            {
                SecretError::Locked
            }
            _ => SecretError::Refused(text::line(&reason(&error))),
        })
    }
}

fn body<T>(message: &zbus::Message) -> Result<T, SecretError>
where
    T: serde::de::DeserializeOwned + zbus::wire::Type,
{
    let body = message.body();
    body.deserialize()
        .map_err(|error| SecretError::Refused(reason(&error)))
}
