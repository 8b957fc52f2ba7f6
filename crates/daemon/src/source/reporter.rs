//! What a source tells with: a bounded queue, and a memory that keeps it from telling the same twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_core::condition::Fact;
use tokio::sync::mpsc;

use super::observation::{Availability, Happening, Observation, Subject};
use crate::adapt::text;

/// Observations that may wait for the loop; a source with more waits itself.
pub const MAX_OBSERVATIONS: usize = 256;

/// Most characters of a reason, so that a service cannot fill the memory with one.
const MAX_REASON: usize = 300;

/// Tells the loop what a source observes. When the queue is full the source waits; when nobody listens it is not told.
#[derive(Debug, Clone)]
pub struct Reporter {
    observations: mpsc::Sender<Observation>,
    /// What was said last of each subject. Nothing is awaited while it is locked.
    said: Arc<Mutex<HashMap<Subject, Availability>>>,
}

impl Reporter {
    /// Makes one for a queue.
    #[must_use]
    pub fn new(observations: mpsc::Sender<Observation>) -> Self {
        Self {
            observations,
            said: Arc::default(),
        }
    }

    /// Something that was found out elsewhere.
    pub async fn tell(&self, observation: Observation) {
        match observation {
            // Kept, so that it is told once.
            Observation::Watching(subject, availability) => {
                self.available(subject, availability).await;
            }
            other => self.send(other).await,
        }
    }

    /// A fact; what does not change is not told again by the source itself.
    pub async fn fact(&self, fact: Fact) {
        self.send(Observation::Fact(fact)).await;
    }

    /// Something happened.
    pub async fn happened(&self, happening: Happening) {
        self.send(Observation::Happened(happening)).await;
    }

    /// A subject is watched, by this.
    pub async fn watching(&self, subject: Subject, by: &str) {
        let by = short(by);
        self.available(subject, Availability::Watching { by }).await;
    }

    /// A subject is not watched, for this reason.
    pub async fn unavailable(&self, subject: Subject, because: &str) {
        let because = short(because);
        self.available(subject, Availability::Unavailable { because })
            .await;
    }

    async fn available(&self, subject: Subject, availability: Availability) {
        let before = self
            .said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(subject, availability.clone());
        if before.as_ref() != Some(&availability) {
            self.send(Observation::Watching(subject, availability))
                .await;
        }
    }

    async fn send(&self, observation: Observation) {
        if self.observations.send(observation).await.is_err() {
            tracing::trace!("nobody listens to the sources any more");
        }
    }
}

/// A bounded and harmless text of a reason.
fn short(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(MAX_REASON)
        .map_or(text.len(), |(at, _)| at);
    text::line(text.get(..end).unwrap_or_default())
}
