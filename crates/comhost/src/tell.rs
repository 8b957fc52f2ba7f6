//! Words of the handler contract for what COM says.

use std::time::Instant;

use syncmgr_com::constant::hresult::{S_OK, S_SYNCMGR_ENUMITEMS, S_SYNCMGR_ITEMDELETED};
use syncmgr_com::guid::{GUID_NULL, braced};
use syncmgr_com::{GUID, HRESULT};
use syncmgr_handler::Callback;
use syncmgr_handler::call::{PropertiesEffect, Started};
use syncmgr_handler::callback::{Completion, ErrorCompleted, Failure, PropertiesCompleted};
use syncmgr_handler::item::ItemId;

use crate::board::Held;
use crate::desk::{End, Operation, asks_retry, shown};

/// `S_FALSE` of `PrepareForSync`.
const NEEDS_USER: HRESULT = syncmgr_com::constant::hresult::S_FALSE;

/// The identity of an item on the wire; `None` for the handler itself.
pub(crate) fn item_id(item: &GUID) -> Option<ItemId> {
    if *item == GUID_NULL {
        return None;
    }
    // The text form of an identifier is always a good identity.
    ItemId::new(braced(item)).ok()
}

/// Queues what the manager is told when an operation is over.
pub(crate) fn completed(held: &mut Held, now: Instant, operation: Operation, end: End) {
    held.queue.settle(now);
    let stopped = held.desk.stopped();
    let callback = match operation {
        Operation::Properties => Callback::PropertiesCompleted(PropertiesCompleted {
            effect: match end.result {
                S_SYNCMGR_ITEMDELETED => PropertiesEffect::ItemDeleted,
                S_SYNCMGR_ENUMITEMS => PropertiesEffect::EnumerateItems,
                _ => PropertiesEffect::Unchanged, // M-141
            },
        }),
        Operation::Prepare => {
            Callback::PrepareCompleted(completion(operation, end.result, stopped))
        }
        Operation::Synchronize => {
            Callback::SynchronizeCompleted(completion(operation, end.result, stopped))
        }
        Operation::Error => Callback::ErrorCompleted(ErrorCompleted {
            retry: if asks_retry(end.result) {
                end.retry.iter().filter_map(item_id).collect()
            } else {
                Vec::new()
            },
        }),
    };
    held.queue.tell(now, &callback);
}

fn completion(operation: Operation, result: HRESULT, stopped: bool) -> Completion {
    match result {
        S_OK => Completion::Done,
        _ if stopped => Completion::Cancelled,
        _ => Completion::Failed {
            reason: format!(
                "{} was completed with {}",
                operation.method(),
                shown(result)
            ),
            failure: failure(result),
            retry_after: None,
        },
    }
}

/// What the manager is answered when the method of an operation returned.
pub(crate) fn started(operation: Operation, result: HRESULT) -> Started {
    if operation.began(result) {
        return Started::Yes;
    }
    if operation == Operation::Prepare && result == NEEDS_USER {
        return Started::NeedsUser; // M-76
    }
    Started::No {
        reason: format!("{} returned {}", operation.method(), shown(result)),
    }
}

/// Whether trying again may help: network errors, locks and files in use, as Windows numbers them.
fn failure(result: HRESULT) -> Failure {
    let code = result.0.cast_unsigned();
    let soft = matches!(
        code,
        0x8007_0020 // sharing violation
        | 0x8007_0021 // lock violation
        | 0x8007_0033..=0x8007_0040 // network
        | 0x8007_0079 // semaphore timeout
        | 0x8007_00AA // busy
        | 0x8007_04C9..=0x8007_04D5 // connection refused and the like
        | 0x8007_05B4 // timeout
        | 0x8007_2733..=0x8007_2751 // sockets
        | 0x800C_0005 // resource not found
        | 0x800C_000B // connection timeout
    );
    if soft { Failure::Soft } else { Failure::Hard }
}

/// Cuts a text to so many UTF-16 units, between characters.
pub(crate) fn units(mut text: String, limit: usize) -> String {
    let mut used = 0;
    let end = text.char_indices().find(|(_, one)| {
        used += one.len_utf16();
        used > limit
    });
    if let Some((end, _)) = end {
        text.truncate(end);
    }
    text
}

/// Cuts a text to so many bytes, between characters.
pub(crate) fn bytes(mut text: String, limit: usize) -> String {
    text.truncate(text.floor_char_boundary(limit));
    text
}

#[cfg(test)]
mod tests {
    use syncmgr_com::constant::hresult::{E_FAIL, S_FALSE, S_SYNCMGR_RETRYSYNC};

    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(units("ab\u{1F600}c".into(), 3), "ab");
        assert_eq!(units("ab\u{1F600}c".into(), 4), "ab\u{1F600}");
        assert_eq!(units("ab".into(), 4), "ab");
        assert_eq!(bytes("aä".into(), 2), "a");
    }

    #[test]
    fn a_refusal_names_the_method_and_the_code() {
        assert_eq!(started(Operation::Prepare, S_OK), Started::Yes);
        assert_eq!(started(Operation::Prepare, S_FALSE), Started::NeedsUser);
        assert_eq!(started(Operation::Error, S_FALSE), Started::Yes);
        assert_eq!(
            started(Operation::Synchronize, S_FALSE),
            Started::No {
                reason: "Synchronize returned S_FALSE (0x00000001)".into()
            }
        );
    }

    #[test]
    fn only_the_one_code_runs_again() {
        let item = GUID::from_u128(7);
        for (result, retried) in [(S_SYNCMGR_RETRYSYNC, 1), (S_OK, 0), (E_FAIL, 0)] {
            let mut held = Held::default();
            let retry = vec![item];
            let now = crate::board::clock();
            completed(&mut held, now, Operation::Error, End { result, retry });
            let mut line = Vec::new();
            held.queue.take(&mut line);
            let line = String::from_utf8(line).unwrap();
            assert_eq!(line.matches("{00000000-").count(), retried, "{line}");
        }
    }
}
