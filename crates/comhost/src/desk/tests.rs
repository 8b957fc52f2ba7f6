use syncmgr_com::constant::hresult::{E_FAIL, E_OUTOFMEMORY};

use super::*;

const A: GUID = GUID::from_u128(0xA);
const B: GUID = GUID::from_u128(0xB);
const STRANGER: GUID = GUID::from_u128(0xC);

/// An instance that was listed with two items, the first with properties.
fn listed() -> Desk {
    let mut desk = Desk::default();
    desk.initialized(Some(handler_flag::MAY_ESTABLISH_CONNECTION));
    desk.listed([(A, item_flag::HAS_PROPERTIES), (B, 0)]);
    desk
}

/// An instance inside `PrepareForSync`.
fn preparing() -> Desk {
    let mut desk = listed();
    desk.accept(Operation::Prepare).unwrap();
    desk.begin_run(&[A, B]);
    desk.enter(Operation::Prepare);
    desk
}

/// An instance inside `Synchronize`.
fn syncing() -> Desk {
    let mut desk = preparing();
    desk.completed(Operation::Prepare, S_OK, Vec::new());
    desk.returned(Operation::Prepare, S_OK);
    desk.accept(Operation::Synchronize).unwrap();
    desk.enter(Operation::Synchronize);
    desk
}

fn done() -> Desk {
    let mut desk = syncing();
    desk.returned(Operation::Synchronize, S_OK);
    desk.completed(Operation::Synchronize, S_OK, Vec::new());
    assert_eq!(desk.phase(), Phase::Done);
    desk
}

fn numbers(breach: Option<Breach>) -> String {
    breach.map(|breach| breach.obligation).unwrap_or_default()
}

// M-73, M-74, M-75, M-80, M-81, M-82, M-83, H-26, H-27, H-33, H-34
#[test]
fn an_operation_is_over_when_it_returned_and_was_completed() {
    enum Step {
        Returns(HRESULT),
        Completes(HRESULT),
    }
    use Step::{Completes, Returns};
    /// The steps; the result of the end, if there was one; the phase; the obligations told of.
    type Row<'a> = (Operation, &'a [Step], Option<HRESULT>, Phase, &'a [&'a str]);
    let table: &[Row<'_>] = &[
        (
            Operation::Prepare,
            &[Returns(S_OK)],
            None,
            Phase::Preparing,
            &[],
        ),
        (
            Operation::Prepare,
            &[Completes(S_OK)],
            None,
            Phase::Preparing,
            &[],
        ),
        (
            Operation::Prepare,
            &[Returns(S_OK), Completes(S_OK)],
            Some(S_OK),
            Phase::Prepared,
            &[],
        ),
        (
            Operation::Prepare,
            &[Completes(S_OK), Returns(S_OK)],
            Some(S_OK),
            Phase::Prepared,
            &[],
        ),
        (
            Operation::Prepare,
            &[Completes(E_FAIL), Returns(S_OK)],
            Some(E_FAIL),
            Phase::Done,
            &[],
        ),
        (
            Operation::Prepare,
            &[Returns(S_OK), Completes(S_FALSE)],
            Some(S_FALSE),
            Phase::Done,
            &[],
        ),
        (
            Operation::Prepare,
            &[Returns(S_FALSE)],
            None,
            Phase::Done,
            &[],
        ),
        (
            Operation::Prepare,
            &[Completes(S_OK), Returns(E_FAIL)],
            None,
            Phase::Done,
            &["H-27"],
        ),
        (
            Operation::Prepare,
            &[Returns(E_FAIL), Completes(S_OK)],
            None,
            Phase::Done,
            &["H-26"],
        ),
        (
            Operation::Prepare,
            &[Completes(S_OK), Completes(E_FAIL), Returns(S_OK)],
            Some(S_OK),
            Phase::Prepared,
            &["H-26"],
        ),
        (
            Operation::Synchronize,
            &[Returns(S_OK)],
            None,
            Phase::Syncing,
            &[],
        ),
        (
            Operation::Synchronize,
            &[Returns(S_FALSE)],
            None,
            Phase::Done,
            &[],
        ),
        (
            Operation::Synchronize,
            &[Returns(S_OK), Completes(S_OK), Completes(S_OK)],
            Some(S_OK),
            Phase::Done,
            &["H-34"],
        ),
        (
            Operation::Synchronize,
            &[Completes(E_OUTOFMEMORY), Returns(E_OUTOFMEMORY)],
            None,
            Phase::Done,
            &["H-33"],
        ),
    ];
    for (at, (operation, steps, end, phase, told)) in table.iter().enumerate() {
        let mut desk = if *operation == Operation::Prepare {
            preparing()
        } else {
            syncing()
        };
        let mut ends = Vec::new();
        let mut breaches = Vec::new();
        for step in *steps {
            let (over, breach) = match step {
                Returns(result) => desk.returned(*operation, *result),
                Completes(result) => {
                    let done = desk.completed(*operation, *result, Vec::new());
                    assert_eq!(done.answer, S_OK, "row {at}");
                    (done.end, done.breach)
                }
            };
            ends.extend(over.map(|end| end.result));
            breaches.extend(breach.map(|breach| breach.obligation));
        }
        assert_eq!(ends, Vec::from_iter(*end), "row {at}");
        assert_eq!(desk.phase(), *phase, "row {at}");
        assert_eq!(breaches, *told, "row {at}");
        let open = ends.is_empty() && matches!(phase, Phase::Preparing | Phase::Syncing);
        assert_eq!(desk.outstanding().is_some(), open, "row {at}");
    }
}

// M-84, M-129, M-138, H-22, H-45
#[test]
fn a_completion_of_what_never_began_is_unexpected() {
    let mut desk = listed();
    for (operation, number) in [
        (Operation::Properties, "H-22"),
        (Operation::Prepare, "H-26"),
        (Operation::Synchronize, "H-34"),
        (Operation::Error, "H-45"),
    ] {
        let done = desk.completed(operation, S_OK, Vec::new());
        assert_eq!(done.answer, E_UNEXPECTED);
        assert_eq!(numbers(done.breach), number);
    }
    let mut desk = done();
    desk.accept(Operation::Error).unwrap();
    desk.enter(Operation::Error);
    // A success of `ShowError` began, whichever it is; a failure is over at once.
    assert!(Operation::Error.began(S_FALSE) && !Operation::Error.began(E_FAIL));
    assert_eq!(desk.returned(Operation::Error, E_FAIL), (None, None));
    assert_eq!((desk.phase(), desk.outstanding()), (Phase::Done, None));
}

// M-63, M-79, M-89
#[test]
fn each_call_has_its_phases() {
    use Operation::{Error, Prepare, Properties, Synchronize};
    let all = [Properties, Prepare, Synchronize, Error];
    let released = || {
        let mut desk = done();
        desk.release();
        desk
    };
    type Row<'a> = (fn() -> Desk, &'a [Operation], bool);
    let table: &[Row<'_>] = &[
        (Desk::default, &[], false),
        (listed, &[Properties, Prepare], true),
        (preparing, &[], false),
        (syncing, &[], false),
        (done, &[Properties, Prepare, Error], true),
        (released, &[], false),
    ];
    for (at, (make, allowed, may_list)) in table.iter().enumerate() {
        for operation in all {
            let fits = make().accept(operation).is_ok();
            assert_eq!(
                fits,
                allowed.contains(&operation),
                "row {at}: {operation:?}"
            );
        }
        assert_eq!(make().may_list(), *may_list, "row {at}");
    }
    let mut desk = preparing();
    desk.completed(Prepare, S_OK, Vec::new());
    desk.returned(Prepare, S_OK);
    assert_eq!(
        all.map(|one| desk.accept(one).is_ok()),
        [false, false, true, false]
    );
    // Once a run (M-79): it is accepted no second time.
    assert!(desk.accept(Synchronize).is_err());
}

// M-67, M-90, M-91, M-92, M-93, M-95, M-101, M-103, M-116, H-31, H-50
#[test]
fn a_report_is_judged_by_the_first_rule_that_fits() {
    let report = |desk: &mut Desk, item| {
        let verdict = desk.progress(&item, Some(Status::Updating));
        (verdict.answer, verdict.counts, numbers(verdict.breach))
    };
    let said = |answer, counts, number: &str| (answer, counts, number.to_owned());
    assert_eq!(report(&mut listed(), A), said(S_OK, false, ""));
    let mut desk = preparing();
    assert_eq!(report(&mut desk, A), said(S_OK, true, ""));
    assert_eq!(report(&mut desk, GUID_NULL), said(S_OK, true, ""));
    assert_eq!(
        report(&mut desk, STRANGER),
        said(S_SYNCMGR_CANCELITEM, false, "H-31")
    );
    desk.skip(&A);
    assert_eq!(report(&mut desk, A), said(S_SYNCMGR_CANCELITEM, true, ""));
    assert_eq!(report(&mut desk, A), said(S_SYNCMGR_CANCELITEM, true, ""));
    assert_eq!(report(&mut desk, B), said(S_OK, true, ""));
    desk.stop();
    assert_eq!(report(&mut desk, A), said(S_SYNCMGR_CANCELALL, true, ""));
    assert_eq!(report(&mut desk, B), said(S_SYNCMGR_CANCELALL, true, ""));
    assert_eq!(
        report(&mut desk, STRANGER),
        said(S_SYNCMGR_CANCELALL, false, "H-31")
    );
    let mut desk = done();
    assert_eq!(report(&mut desk, A), said(S_SYNCMGR_CANCELALL, false, ""));
    desk.release();
    assert_eq!(
        report(&mut desk, A),
        said(S_SYNCMGR_CANCELALL, false, "H-50")
    );
    let mut desk = done();
    desk.accept(Operation::Properties).unwrap();
    assert_eq!(report(&mut desk, A), said(S_SYNCMGR_CANCELALL, false, ""));
}

// M-104, M-105, M-106, M-107, M-109
#[test]
fn a_skip_is_told_once_and_only_in_a_window() {
    let due = |desk: &mut Desk| std::iter::from_fn(|| desk.next_due()).collect::<Vec<_>>();
    let mut desk = preparing();
    desk.skip(&A);
    desk.skip(&A);
    desk.skip(&STRANGER);
    assert_eq!(due(&mut desk), [], "inside PrepareForSync");
    desk.returned(Operation::Prepare, S_OK);
    assert_eq!(due(&mut desk), [A]);
    desk.skip(&A);
    assert_eq!(due(&mut desk), [], "the same request again");
    desk.completed(Operation::Prepare, S_OK, Vec::new());
    desk.skip(&B);
    assert_eq!(due(&mut desk), [], "between the two windows");
    desk.accept(Operation::Synchronize).unwrap();
    desk.enter(Operation::Synchronize);
    assert_eq!(due(&mut desk), [], "inside Synchronize");
    desk.returned(Operation::Synchronize, S_OK);
    assert_eq!(due(&mut desk), [B]);
    desk.stop();
    assert_eq!(due(&mut desk), [A, B], "a stop is another request");
    desk.stop();
    assert_eq!(due(&mut desk), []);

    let mut desk = syncing();
    desk.progress(&A, Some(Status::Succeeded));
    desk.skip(&A);
    desk.stop();
    desk.returned(Operation::Synchronize, S_OK);
    assert_eq!(due(&mut desk), [B], "A is over");
    let mut desk = syncing();
    desk.stop();
    desk.completed(Operation::Synchronize, S_OK, Vec::new());
    desk.returned(Operation::Synchronize, S_OK);
    assert_eq!(due(&mut desk), [], "the window never opened");
}

// M-134
#[test]
fn a_retry_begins_without_marks() {
    let mut desk = done();
    desk.stop();
    desk.accept(Operation::Prepare).unwrap();
    desk.begin_run(&[A]);
    desk.enter(Operation::Prepare);
    assert!(!desk.stopped());
    assert_eq!(desk.progress(&A, None).answer, S_OK);
    assert_eq!(desk.progress(&B, None).answer, S_SYNCMGR_CANCELITEM);
    desk.returned(Operation::Prepare, S_OK);
    assert_eq!(desk.next_due(), None);
}

// M-127, M-128
#[test]
fn removing_entries_says_whether_there_were_some() {
    let mut desk = listed();
    desk.logged(&A);
    desk.logged(&A);
    assert_eq!(desk.delete_logged(&B), S_FALSE);
    assert_eq!(desk.delete_logged(&A), S_OK);
    assert_eq!(desk.delete_logged(&A), S_FALSE);
    desk.logged(&B);
    assert_eq!(desk.delete_logged(&GUID_NULL), S_OK);
    assert_eq!(desk.delete_logged(&B), S_FALSE);
    assert_eq!(desk.delete_logged(&GUID_NULL), S_OK);
}

// M-67, M-113, M-115, M-117, M-135, M-136, H-48
#[test]
fn the_manager_is_asked_only_while_something_runs() {
    let mut error = done();
    error.accept(Operation::Error).unwrap();
    for mut desk in [preparing(), syncing(), error] {
        assert_eq!(desk.modeless(true), None);
        assert_eq!(desk.modeless(false), None);
        assert_eq!(desk.connection(), (None, None));
    }
    let mut released = done();
    released.release();
    for mut desk in [listed(), done(), released] {
        assert_eq!(desk.modeless(true), Some(S_FALSE));
        assert_eq!(desk.modeless(false), Some(S_OK));
        assert_eq!(desk.connection(), (Some(E_UNEXPECTED), None));
    }
    let mut silent = syncing();
    silent.flags = 0;
    assert_eq!(numbers(silent.connection().1), "H-48");
    let desk = listed();
    assert!(desk.has_properties(&A) && !desk.has_properties(&B));
    assert!(!desk.has_properties(&GUID_NULL) && !desk.has_properties(&STRANGER));
}

#[test]
fn one_obligation_is_told_of_a_few_times_only() {
    let mut desk = listed();
    let told = |desk: &mut Desk, number| {
        (0..100)
            .filter(|_| desk.breach(number, String::new()).is_some())
            .count()
    };
    assert_eq!(told(&mut desk, "H-15"), 8);
    assert_eq!(told(&mut desk, "H-16"), 8);
}
