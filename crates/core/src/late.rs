//! Items that join a session that runs already (Sync Center 3.6).

use crate::command::Reply;
use crate::id::ItemId;
use crate::input::ListedItem;
use crate::instance::{Instance, LARGE_RUN, MAX_PROPOSED};
use crate::manager::Manager;
use crate::record::Record;
use crate::request::Work;

impl Manager {
    pub(crate) fn late_items(&self, instance: &Instance) -> Vec<ItemId> {
        let mut late: Vec<ItemId> = Vec::new();
        for waiting in &self.waiting {
            if waiting.request.work != Work::Synchronize {
                continue;
            }
            if let Some(want) = waiting.wants.get(&instance.handler) {
                for item in &want.items {
                    let joined = instance
                        .run
                        .as_ref()
                        .is_some_and(|run| run.index.contains_key(item));
                    if !joined && late.len() < LARGE_RUN {
                        late.push(item.clone());
                    }
                }
            }
        }
        late.sort();
        late.dedup();
        late
    }

    /// Takes a waiting item into the running session, which settles its request too (Sync Center 3.6).
    pub(crate) fn add_late(&mut self, instance: &mut Instance, item: ItemId) -> Reply {
        let at = instance.item(&item);
        let Some(slot) = self.slot_mut(&at) else {
            return Reply::Refused("no such item");
        };
        let Some(run) = instance.run.as_mut().filter(|run| !run.settled) else {
            return Reply::Refused("nothing runs");
        };
        if run.index.contains_key(&item) || slot.live.is_some() {
            return Reply::Refused("it is in a session already");
        }
        slot.live = Some(instance.id);
        run.add(item.clone());
        if let Some(item) = run.items.last() {
            let row = run.item_row(item);
            self.record(Record::RunItem(row));
        }
        let mut settled = Vec::new();
        for waiting in &mut self.waiting {
            if waiting.request.work != Work::Synchronize || waiting.request.cookie.is_some() {
                continue;
            }
            if let Some(want) = waiting.wants.get_mut(&instance.handler)
                && want.items.remove(&item)
                && !(want.all || want.checked || !want.items.is_empty())
            {
                waiting.wants.remove(&instance.handler);
                if waiting.wants.is_empty() {
                    settled.push(waiting.id);
                }
            }
        }
        for id in settled {
            if let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id)
                && let Some(session) = self.sessions.get_mut(&instance.session)
            {
                let waiting = self.waiting.remove(at);
                session.requests.push(waiting.id);
                session.requests.extend(waiting.merged);
            }
        }
        Reply::Done
    }

    pub(crate) fn propose(&mut self, instance: &mut Instance, item: ListedItem) -> Reply {
        if self.knows(instance, &item.id) || instance.proposed.contains_key(&item.id) {
            return Reply::Refused("it exists already");
        }
        if instance.proposed.len() >= MAX_PROPOSED {
            return Reply::Refused("too many items are proposed already");
        }
        instance.proposed.insert(item.id.clone(), item);
        Reply::Done
    }

    pub(crate) fn commit(&mut self, instance: &mut Instance, item: &ItemId) -> Reply {
        let Some(proposed) = instance.proposed.remove(item) else {
            return Reply::Refused("it was not proposed");
        };
        let joined = instance
            .run
            .as_ref()
            .is_some_and(|run| run.index.contains_key(item));
        if joined {
            return Reply::Refused("it is in a session already");
        }
        let handler = instance.handler.clone();
        if !self.take_item(&handler, proposed, crate::catalog::Source::Defined) {
            return Reply::Refused("it exists already");
        }
        self.add_late(instance, item.clone())
    }
}
