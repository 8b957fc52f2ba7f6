//! Properties of objects on the bus. What a service says may be of any type and size: it is taken only when it makes sense.

use std::collections::HashMap;

use zbus::wire::{OwnedObjectPath, OwnedVariant, Variant};
use zbus::{Connection, ObjectPath};

use crate::adapt::text;

/// The interface of properties.
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Most characters taken of any text that a service says.
const MAX_TEXT: usize = 128;

/// Why something that a service said could not be used, as a fragment.
#[derive(Debug, thiserror::Error)]
pub(super) enum PropertyError {
    /// It did not answer, or not with properties.
    #[error("{service} does not answer for {path}: {cause}")]
    Unanswered {
        /// Who.
        service: String,
        /// For what.
        path: String,
        /// Why not.
        cause: zbus::Error,
    },
    /// A property is of another type.
    #[error("{name} is of the type {is}, not {wanted}")]
    Type {
        /// Its name.
        name: &'static str,
        /// Its type.
        is: String,
        /// The right one, in words.
        wanted: &'static str,
    },
    /// A property has a value that cannot be.
    #[error("{name} cannot be {value}")]
    Value {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A property is not there.
    #[error("{name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
}

impl PropertyError {
    /// The object is not there (any more).
    pub(super) fn is_gone(&self) -> bool {
        let Self::Unanswered { cause, .. } = self else {
            return false;
        };
        match cause {
            zbus::Error::MethodError(name, ..) => {
                name.as_str().ends_with(".UnknownMethod")
                    || name.as_str().ends_with(".UnknownObject")
            }
            zbus::Error::FDO(error) => matches!(
                **error,
                zbus::fdo::Error::UnknownMethod(_)
                    | zbus::fdo::Error::UnknownObject(_)
                    | zbus::fdo::Error::UnknownInterface(_)
            ),
            _ => false,
        }
    }
}

/// The properties of one interface of one object.
#[derive(Debug)]
pub(super) struct Properties(HashMap<String, OwnedVariant>);

impl From<HashMap<String, OwnedVariant>> for Properties {
    fn from(properties: HashMap<String, OwnedVariant>) -> Self {
        Self(properties)
    }
}

impl Properties {
    /// Asks for them.
    pub(super) async fn of(
        connection: &Connection,
        service: &str,
        path: &str,
        interface: &str,
    ) -> Result<Self, PropertyError> {
        let answer = async {
            let path = ObjectPath::try_from(path)?;
            let answer = connection
                .call_method(Some(service), path, Some(PROPERTIES), "GetAll", &interface)
                .await?;
            answer.body().deserialize()
        };
        answer
            .await
            .map(Self)
            .map_err(|cause| PropertyError::Unanswered {
                service: interface.to_owned(),
                path: short(path),
                cause,
            })
    }

    fn get<'a, T>(
        &'a self,
        name: &'static str,
        wanted: &'static str,
        pick: impl FnOnce(&'a Variant<'static>) -> Option<T>,
    ) -> Result<Option<T>, PropertyError> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        match pick(value) {
            Some(value) => Ok(Some(value)),
            None => Err(PropertyError::Type {
                name,
                is: short(&value.value_signature().to_string()),
                wanted,
            }),
        }
    }

    /// A number.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, PropertyError> {
        self.get(name, "a number", |value| match value {
            Variant::U64(number) => Some(*number),
            Variant::U32(number) => Some(u64::from(*number)),
            Variant::U8(number) => Some(u64::from(*number)),
            _ => None,
        })
    }

    /// A number that may be broken.
    pub(super) fn fraction(&self, name: &'static str) -> Result<Option<f64>, PropertyError> {
        self.get(name, "a fraction", |value| match value {
            Variant::F64(number) => Some(*number),
            _ => None,
        })
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, PropertyError> {
        self.get(name, "yes or no", |value| match value {
            Variant::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A text, harmless and bounded.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, PropertyError> {
        self.get(name, "a text", |value| match value {
            Variant::Str(text) => Some(short(text.as_str())),
            _ => None,
        })
    }

    /// A path of an object; the one that stands for none is none.
    pub(super) fn object(&self, name: &'static str) -> Result<Option<String>, PropertyError> {
        let path = self.get(name, "a path", |value| match value {
            Variant::ObjectPath(path) => Some(path.as_str()),
            _ => None,
        })?;
        Ok(path.filter(|path| *path != "/").map(str::to_owned))
    }

    /// Paths of objects.
    pub(super) fn objects(
        &self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<Vec<OwnedObjectPath>>, PropertyError> {
        self.get(name, "a list of paths", |value| {
            let Variant::Array(list) = value else {
                return None;
            };
            let paths = list.iter().take(most).map(|path| match path {
                Variant::ObjectPath(path) => Some(path.to_owned().into()),
                _ => None,
            });
            paths.collect()
        })
    }

    /// Bytes.
    pub(super) fn bytes(&self, name: &'static str) -> Result<Option<Vec<u8>>, PropertyError> {
        self.get(name, "bytes", |value| {
            let Variant::Array(list) = value else {
                return None;
            };
            let bytes = list.iter().take(MAX_TEXT).map(|byte| match byte {
                Variant::U8(byte) => Some(*byte),
                _ => None,
            });
            bytes.collect()
        })
    }
}

/// What must be there.
pub(super) fn needed<T>(name: &'static str, value: Option<T>) -> Result<T, PropertyError> {
    value.ok_or(PropertyError::Missing { name })
}

/// A bounded and harmless text.
pub(super) fn short(said: &str) -> String {
    let end = said
        .char_indices()
        .nth(MAX_TEXT)
        .map_or(said.len(), |(at, _)| at);
    text::line(said.get(..end).unwrap_or_default())
}
