//! What the versions of a conflict contain: read by an instance of their handler that does nothing else, and only when a
//! person asks. Nothing of it is kept.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use syncmgr_control::compare::{
    self, MAX_PICTURE_BYTES, MAX_TEXT_BYTES, PictureView, Read, compare,
};
use syncmgr_control::view::ConflictView;
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::conflict::ConflictRow;
use syncmgr_core::item::HandlerCapability;
use syncmgr_handler::call::ReadVersion;
use syncmgr_handler::contract::{MAX_PIECE_BYTES, feature};
use syncmgr_handler::item::ItemId;
use syncmgr_host::Limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::adapt::to_view;
use crate::launch::{self, Launch};
use crate::property::{PropertyInstance, not_offered};
use crate::run::{Answerer, Loop};

/// How many read at once; each is a process.
const AT_ONCE: usize = 3;
/// How many may wait for their turn; further ones are refused.
const MAX_WAITING: usize = 64;
/// How long one waits for its turn.
const TURN_LIMIT: Duration = Duration::from_secs(30);
/// How long a handler may take for one piece.
const PIECE_LIMIT: Duration = Duration::from_secs(20);
/// How many versions of one conflict are read.
const MAX_VERSIONS: usize = 8;
/// How long texts are compared exactly; what is left is told as wholly different.
const COMPARE_LIMIT: Duration = Duration::from_secs(1);

/// Who reads versions now, and who waits for that.
#[derive(Debug)]
pub(crate) struct Readers {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE + MAX_WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// One conflict whose versions are read.
struct Reading {
    launch: Launch,
    limits: Limits,
    conflict: ConflictView,
    item: ItemId,
    _place: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

impl Loop {
    /// A conflict as it is shown.
    pub(crate) fn conflict_view(&self, row: &ConflictRow) -> ConflictView {
        let handler = self.manager.handler(&row.item.handler);
        let reads = HandlerCapability::ReadConflicts;
        let readable = handler.is_some_and(|handler| handler.capabilities.contains(&reads));
        to_view::conflict(row, self.name(&row.item), readable)
    }

    /// Reads the versions of a conflict and compares them.
    pub(crate) fn compare(&mut self, conflict: &str, reply: Answerer) {
        match self.reading(conflict) {
            Ok(reading) => self.read_beside(reply, reading.compared()),
            Err(refusal) => self.reply(reply, Err(refusal)),
        }
    }

    /// Reads a version of a conflict that is a picture.
    pub(crate) fn picture(&mut self, conflict: &str, place: &str, reply: Answerer) {
        match self.reading(conflict) {
            Ok(reading) => {
                let place = place.to_owned();
                self.read_beside(reply, async move { reading.picture(&place).await });
            }
            Err(refusal) => self.reply(reply, Err(refusal)),
        }
    }

    fn read_beside(
        &mut self,
        reply: Answerer,
        read: impl Future<Output = Result<Reply, Refusal>> + Send + 'static,
    ) {
        self.property.spawn(async move {
            if reply.send(read.await).is_err() {
                tracing::debug!("nobody waits for a comparison any more");
            }
        });
    }

    fn reading(&self, conflict: &str) -> Result<Reading, Refusal> {
        let row = self.conflict_row(conflict)?;
        let mut conflict = self.conflict_view(&row);
        conflict.versions.truncate(MAX_VERSIONS);
        let handler = &row.item.handler;
        let launch = launch::find(handler, &self.config, &self.places, &self.program);
        let item = ItemId::new(row.item.item.as_str()).ok();
        let (Some(launch), Some(item)) = (launch, item) else {
            return Err(not_offered("the handler of this conflict is not there"));
        };
        let place = Arc::clone(&self.readers.places).try_acquire_owned();
        Ok(Reading {
            launch,
            limits: self.limits.clone(),
            conflict,
            item,
            _place: place.map_err(|_| busy())?,
            turns: Arc::clone(&self.readers.turns),
        })
    }
}

impl Reading {
    async fn compared(self) -> Result<Reply, Refusal> {
        let mut read = Vec::with_capacity(self.conflict.versions.len());
        let turn = self.turn().await?;
        let mut instance = self.start().await?;
        for version in &self.conflict.versions {
            if version.deleted {
                read.push(Read::Deleted);
                continue;
            }
            let piece = self.gather(&mut instance, &version.place, MAX_TEXT_BYTES);
            read.push(match piece.await {
                Ok(found) => Read::Beginning {
                    bytes: found.bytes,
                    total: found.total,
                    modified_ms: found.modified_ms.or(version.modified_ms),
                    changed: found.changed,
                },
                Err(refusal) => Read::Refused {
                    why: refusal.message,
                    hint: refusal.hint,
                },
            });
        }
        instance.end().await;
        let conflict = self.conflict;
        let deadline = Instant::now() + COMPARE_LIMIT;
        // Texts that differ everywhere take their time, and nobody else should wait for it.
        let compared = tokio::task::spawn_blocking(move || {
            compare(conflict, &read, Some(deadline.into_std()))
        });
        let compared = compared.await;
        drop(turn);
        compared
            .map(|view| Reply::Comparison(Box::new(view)))
            .map_err(|cause| {
                let hint = "this is a mistake of syncmgr: please report it";
                Refusal::new("compare::failed", "the versions were not compared", hint)
                    .because(&cause)
            })
    }

    async fn picture(self, place: &str) -> Result<Reply, Refusal> {
        let mut versions = self.conflict.versions.iter();
        if !versions.any(|version| version.place == place && !version.deleted) {
            return Err(no_picture());
        }
        let _turn = self.turn().await?;
        let mut instance = self.start().await?;
        let most = usize::try_from(MAX_PICTURE_BYTES).unwrap_or(usize::MAX);
        let found = self.gather(&mut instance, place, most).await;
        instance.end().await;
        let found = found?;
        let media_type = compare::picture(&found.bytes).ok_or_else(no_picture)?;
        if found.total > MAX_PICTURE_BYTES {
            return Err(Refusal::new(
                "compare::too-large",
                format!("a picture is shown up to {} MiB", MAX_PICTURE_BYTES >> 20),
                "open the file itself",
            ));
        }
        Ok(Reply::Picture(PictureView {
            media_type: media_type.to_owned(),
            content: STANDARD.encode(&found.bytes),
        }))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        match tokio::time::timeout(TURN_LIMIT, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    async fn start(&self) -> Result<PropertyInstance, Refusal> {
        let instance = PropertyInstance::start(&self.launch, &self.limits).await?;
        if instance.has(feature::READ_CONFLICTS) {
            return Ok(instance);
        }
        instance.end().await;
        Err(not_offered(
            "this handler does not show what versions contain",
        ))
    }

    /// Reads a version from its beginning, `most` bytes of it.
    async fn gather(
        &self,
        instance: &mut PropertyInstance,
        place: &str,
        most: usize,
    ) -> Result<Found, Refusal> {
        let mut found = Found::default();
        loop {
            let wanted = (most - found.bytes.len()).min(MAX_PIECE_BYTES);
            let wish = ReadVersion {
                item: self.item.clone(),
                conflict: self.conflict.id.clone(),
                place: place.to_owned(),
                offset: u64::try_from(found.bytes.len()).unwrap_or(u64::MAX),
                max: u32::try_from(wanted).unwrap_or(u32::MAX),
            };
            let piece = instance.call(wish, Some(PIECE_LIMIT), &mut |_| {}).await?;
            let mut bytes = piece.bytes().ok_or_else(not_a_piece)?;
            bytes.truncate(wanted);
            let began = !found.bytes.is_empty();
            let other = piece.total != found.total || piece.modified_ms != found.modified_ms;
            found.changed |= piece.changed || began && other;
            found.total = piece.total;
            found.modified_ms = piece.modified_ms;
            found.bytes.extend_from_slice(&bytes);
            let whole = usize::try_from(found.total).is_ok_and(|total| total <= found.bytes.len());
            if bytes.is_empty() || whole || found.bytes.len() >= most {
                return Ok(found);
            }
        }
    }
}

/// What was read of a version.
#[derive(Default)]
struct Found {
    bytes: Vec<u8>,
    total: u64,
    modified_ms: Option<i64>,
    changed: bool,
}

fn busy() -> Refusal {
    Refusal::new(
        "compare::busy",
        "too many versions are being read",
        "wait a moment and try again",
    )
}

fn no_picture() -> Refusal {
    Refusal::new(
        "compare::no-picture",
        "this version is not a picture",
        "PNG, JPEG, GIF and WebP are shown",
    )
}

fn not_a_piece() -> Refusal {
    Refusal::new(
        "handler::broken",
        "the handler answered with no piece of the version",
        "report this to its author",
    )
}
