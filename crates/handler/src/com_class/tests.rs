//! A class made of a Rust handler, driven through its table of functions as the manager drives one.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a panic is the failure that is wanted"
)]

use std::fmt::Write as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use syncmgr_com::com_alloc::task_mem_free;
use syncmgr_com::com_interface::{ISyncMgrEnumItems, ISyncMgrSynchronizeCallback_Impl};
use syncmgr_com::com_text::{from_array, read};
use syncmgr_com::constant::{item_flag, item_state, log_mask, progress_mask};
use syncmgr_com::structure::{Item as NativeItem, LogErrorInfo, ProgressItem};
use windows_core::BOOL;

use super::identity::Names;
use super::*;
use crate::author::{Introduction, ItemList, Start};
use crate::call::PropertiesEffect;
use crate::callback::{Level, Log, Progress, Status};
use crate::run::{Run, Unfinished};

/// How long anything may take before a test fails.
const LIMIT: Duration = Duration::from_secs(60);

type Work = Box<dyn Fn(&Run) -> Result<(), Unfinished> + Send + Sync>;

/// A handler that does what a test says.
struct Scripted {
    names: Vec<String>,
    features: Vec<&'static str>,
    refuses: Option<Started>,
    prepares: Work,
    works: Work,
    starts: Sender<Start>,
}

impl Handler for Scripted {
    fn features(&self) -> Vec<&'static str> {
        self.features.clone()
    }

    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        self.starts.send(start.clone()).unwrap();
        Ok(Introduction {
            info: HandlerInfo {
                name: "Scripted, with a name that is too long for this".to_owned(),
                always_list: true,
                ..HandlerInfo::default()
            },
            stays_out: start.event == Event::Idle,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let item = |name: &String| Item {
            last_update_ms: Some(0),
            temporary: true,
            ..Item::new(ItemId::new(name).unwrap(), name.to_uppercase())
        };
        Ok(ItemList {
            items: self.names.iter().map(item).collect(),
            incomplete: self.names.is_empty(),
        })
    }

    fn can_start(&self, _: &Run) -> Started {
        self.refuses.clone().unwrap_or(Started::Yes)
    }

    fn prepare(&self, run: &Run) -> Result<(), Unfinished> {
        (self.prepares)(run)
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        (self.works)(run)
    }

    fn show_properties(
        &self,
        what: &ShowProperties,
        _: &Run,
    ) -> Result<PropertiesEffect, RpcError> {
        Ok(match what.item {
            Some(_) => PropertiesEffect::ItemDeleted,
            None => PropertiesEffect::EnumerateItems,
        })
    }

    fn show_error(&self, what: &ShowError, run: &Run) -> Result<Vec<ItemId>, RpcError> {
        run.delete_log(Some(what.error.clone()));
        assert_eq!(run.enable_modeless(), Ok(false));
        Ok(vec![ItemId::new("a").unwrap()])
    }
}

/// A callback that writes down what it is told, and answers what a test says.
#[implement(ISyncMgrSynchronizeCallback)]
struct Recorder {
    told: Sender<String>,
    verdict: Box<dyn Fn(&str) -> HRESULT + Send + Sync>,
    _alive: Arc<()>,
}

impl Recorder {
    fn tell(&self, text: String) -> HRESULT {
        let verdict = (self.verdict)(&text);
        // A test that has seen enough no longer listens.
        drop(self.told.send(text));
        verdict
    }
}

fn text_of(pointer: *const u16) -> String {
    // SAFETY: the code under test gives text with a terminator, or null.
    unsafe { read(pointer, 1 << 16) }.unwrap_or("null".to_owned())
}

fn short(number: &GUID) -> String {
    let known = [("a", "A"), ("b", "B"), ("disk", "DISK")];
    let found = known
        .iter()
        .find(|(name, _)| Names::default().number(name) == *number);
    match found {
        Some((_, short)) => (*short).to_owned(),
        None if *number == GUID_NULL => "-".to_owned(),
        None => guid::braced(number),
    }
}

impl ISyncMgrSynchronizeCallback_Impl for Recorder_Impl {
    unsafe fn ShowPropertiesCompleted(&self, result: HRESULT) -> HRESULT {
        self.tell(format!("properties {:#X}", result.0))
    }
    unsafe fn PrepareForSyncCompleted(&self, result: HRESULT) -> HRESULT {
        self.tell(format!("prepared {:#X}", result.0))
    }
    unsafe fn SynchronizeCompleted(&self, result: HRESULT) -> HRESULT {
        self.tell(format!("synchronized {:#X}", result.0))
    }
    unsafe fn ShowErrorCompleted(
        &self,
        result: HRESULT,
        count: u32,
        items: *const GUID,
    ) -> HRESULT {
        let items: Vec<String> = (0..usize::try_from(count).unwrap())
            // SAFETY: there are as many as the count says.
            .map(|at| short(unsafe { &*items.add(at) }))
            .collect();
        self.tell(format!("shown {:#X} {items:?}", result.0))
    }
    unsafe fn EnableModeless(&self, enable: BOOL) -> HRESULT {
        self.tell(format!("modeless {}", enable.as_bool()))
    }
    unsafe fn Progress(&self, item: *const GUID, progress: *const ProgressItem) -> HRESULT {
        // SAFETY: both live through the call.
        let (item, progress) = unsafe { (&*item, &*progress) };
        assert_eq!(progress.cb_size, size::<ProgressItem>());
        let mut text = format!("progress {}", short(item));
        if progress.mask & progress_mask::STATUS_TYPE != 0 {
            write!(text, " status {}", progress.status_type).unwrap();
        }
        if progress.mask & progress_mask::STATUS_TEXT != 0 {
            write!(text, " text {}", text_of(progress.status_text)).unwrap();
        }
        if progress.mask & progress_mask::PROG_VALUE != 0 {
            write!(text, " value {}", progress.prog_value).unwrap();
        }
        if progress.mask & progress_mask::MAX_VALUE != 0 {
            write!(text, " max {}", progress.max_value).unwrap();
        }
        self.tell(text)
    }
    unsafe fn LogError(&self, level: u32, text: *const u16, info: *const LogErrorInfo) -> HRESULT {
        let mut told = format!("log {level} {}", text_of(text));
        // SAFETY: null, or it lives through the call.
        if let Some(info) = unsafe { info.as_ref() } {
            assert_eq!(info.cb_size, 44);
            if info.mask & log_mask::ITEM_ID != 0 {
                write!(told, " item {}", short(&info.item_id)).unwrap();
            }
            if info.mask & log_mask::ERROR_ID != 0 {
                write!(
                    told,
                    " error {} jump {}",
                    short(&info.error_id),
                    info.error_flags
                )
                .unwrap();
            }
        }
        self.tell(told)
    }
    unsafe fn DeleteLogError(&self, error: *const GUID, _: u32) -> HRESULT {
        // SAFETY: it lives through the call.
        self.tell(format!("delete {}", short(unsafe { &*error })))
    }
    unsafe fn EstablishConnection(&self, name: *const u16, _: u32) -> HRESULT {
        self.tell(format!("connect {}", text_of(name)))
    }
}

/// An instance under test, with what a manager has of it.
struct Driven {
    object: ISyncMgrSynchronize,
    told: Receiver<String>,
    starts: Receiver<Start>,
    recorder: Option<ISyncMgrSynchronizeCallback>,
    alive: Arc<()>,
    residents: &'static Residents,
    _dir: tempfile::TempDir,
}

fn scripted(names: &[&str], works: Work) -> (Scripted, Receiver<Start>) {
    let (starts, started) = channel();
    let handler = Scripted {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        features: Vec::new(),
        refuses: None,
        prepares: Box::new(|_| Ok(())),
        works,
        starts,
    };
    (handler, started)
}

fn drive(
    (handler, starts): (Scripted, Receiver<Start>),
    verdict: impl Fn(&str) -> HRESULT + Send + Sync + 'static,
) -> Driven {
    let residents: &'static Residents = Box::leak(Box::new(Residents::new()));
    let dir = tempfile::tempdir().unwrap();
    let made = make_in(dir.path().join("state"), handler, residents).unwrap();
    let (tell, told) = channel();
    let alive = Arc::new(());
    let recorder = Recorder {
        told: tell,
        verdict: Box::new(verdict),
        _alive: Arc::clone(&alive),
    };
    Driven {
        object: made.cast().unwrap(),
        told,
        starts,
        recorder: Some(recorder.into()),
        alive,
        residents,
        _dir: dir,
    }
}

impl Driven {
    fn initialize(&self, flags: u32, cookie: &[u8]) -> HRESULT {
        let size = u32::try_from(cookie.len()).unwrap();
        // SAFETY: the cookie lives through the call.
        unsafe { self.object.Initialize(0, flags, size, cookie.as_ptr()) }
    }

    fn enumerate(&self) -> (HRESULT, ISyncMgrEnumItems) {
        let mut out = std::ptr::null_mut();
        // SAFETY: the place is writable; success gives one reference.
        unsafe {
            let result = self.object.EnumSyncMgrItems(&raw mut out);
            assert!(result.is_ok(), "{result:?}");
            (result, ISyncMgrEnumItems::from_raw(out))
        }
    }

    fn hand_over(&self) {
        let raw = self.recorder.as_ref().unwrap().as_raw();
        // SAFETY: the callback lives.
        let result = unsafe { self.object.SetProgressCallback(raw) };
        assert_eq!(result, hresult::S_OK);
    }

    fn take_back(&self) {
        // SAFETY: null takes it back.
        let result = unsafe { self.object.SetProgressCallback(std::ptr::null_mut()) };
        assert_eq!(result, hresult::S_OK);
    }

    fn prepare(&self, names: &[&str]) -> HRESULT {
        let mut items: Vec<GUID> = names.iter().map(|n| Names::default().number(n)).collect();
        let count = u32::try_from(items.len()).unwrap();
        let window = std::ptr::null_mut();
        // SAFETY: there are as many as the count says.
        let result = unsafe {
            self.object
                .PrepareForSync(count, items.as_mut_ptr(), window, 0)
        };
        items.fill(GUID_NULL); // H-25: they were copied
        result
    }

    fn synchronize(&self) -> HRESULT {
        // SAFETY: no window is given.
        unsafe { self.object.Synchronize(std::ptr::null_mut()) }
    }

    fn skip(&self, name: &str, status: u32) -> HRESULT {
        let item = match name {
            "" => GUID_NULL,
            name => Names::default().number(name),
        };
        // SAFETY: the identifier lives through the call.
        unsafe { self.object.SetItemStatus(&raw const item, status) }
    }

    fn next(&self) -> String {
        self.told.recv_timeout(LIMIT).expect("a callback")
    }

    fn expect(&self, expected: &[&str]) {
        for one in expected {
            assert_eq!(self.next(), *one);
        }
    }

    /// Up to the callback, and a prepared run of the items.
    fn prepared(&self, names: &[&str]) {
        assert_eq!(self.initialize(0x203, &[]), hresult::S_OK);
        drop(self.enumerate());
        self.hand_over();
        assert_eq!(self.prepare(names), hresult::S_OK);
        self.expect(&["prepared 0x0"]);
    }

    /// Releases everything and sees that nothing is left.
    fn release(mut self) {
        self.take_back();
        drop(self.recorder.take());
        assert_eq!(
            Arc::strong_count(&self.alive),
            1,
            "the callback was released"
        );
        drop(self.object);
        // The last thread may have some instructions left.
        for _ in 0..1_000_000 {
            if self.residents.can_unload_now() == hresult::S_OK {
                return;
            }
            std::thread::yield_now();
        }
        panic!("something keeps the library");
    }
}

fn works_well() -> Work {
    Box::new(|run| {
        for item in run.items() {
            match run.verdict(item) {
                Verdict::Continue => {
                    run.status(item, Status::Updating);
                    run.status(item, Status::Succeeded);
                }
                Verdict::CancelItem => run.status(item, Status::Skipped),
                Verdict::CancelAll => return Err(Unfinished::Cancelled),
            }
        }
        Ok(())
    })
}

/// Waits until the run was told otherwise than to go on.
fn until_told(run: &Run, item: &ItemId) -> Verdict {
    for _ in 0..100_000_000_u64 {
        match run.verdict(item) {
            Verdict::Continue => std::thread::yield_now(),
            told => return told,
        }
    }
    panic!("nothing was told");
}

#[test]
fn the_golden_trace_of_a_manual_run_holds() {
    // G-01; that completions may come before the method returned (G-02) is up to the threads here.
    let driven = drive(scripted(&["a", "b"], works_well()), |_| hresult::S_OK);
    assert_eq!(driven.initialize(0x203, &[]), hresult::S_OK);
    let start = driven.starts.recv_timeout(LIMIT).unwrap();
    assert_eq!((start.event, start.may_bother_user), (Event::Manual, true));
    assert!(start.state_dir.is_dir() && start.definitions.is_empty());

    let mut info = std::ptr::null_mut();
    // SAFETY: the place is writable; the block is ours to free once, after it was read.
    unsafe {
        assert_eq!(driven.object.GetHandlerInfo(&raw mut info), hresult::S_OK);
        assert_eq!((*info).cb_size, size::<NativeInfo>());
        assert_eq!(from_array(&(*info).name), "Scripted, with a name that is t");
        assert_eq!((*info).flags, handler_flag::ALWAYS_LIST_HANDLER);
        task_mem_free(info.cast());
    }

    let (result, items) = driven.enumerate();
    assert_eq!(result, hresult::S_OK);
    let next = || {
        // SAFETY: a structure of zeros is a valid one, and the places are writable.
        unsafe {
            let mut item: NativeItem = std::mem::zeroed();
            let mut fetched = 9;
            let result = items.Next(1, &raw mut item, &raw mut fetched);
            (result, fetched, item)
        }
    };
    for expected in ["A", "B"] {
        let (result, fetched, item) = next();
        assert_eq!((result, fetched), (hresult::S_OK, 1));
        assert_eq!(item.cb_size, size::<NativeItem>());
        assert_eq!(from_array(&item.name), expected);
        assert_eq!(short(&item.item_id), expected);
        assert_eq!(item.item_state, item_state::CHECKED);
        assert_eq!(
            item.flags,
            item_flag::TEMPORARY | item_flag::LAST_UPDATE_TIME
        );
        assert_eq!(item.last_update.to_unix_ms(), 0);
    }
    let (result, fetched, _) = next();
    assert_eq!((result, fetched), (hresult::S_FALSE, 0)); // H-15
    drop(items);

    driven.hand_over();
    assert_eq!(driven.prepare(&["a", "b"]), hresult::S_OK);
    driven.expect(&["prepared 0x0"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&[
        "progress A status 3",
        "progress A status 4",
        "progress B status 3",
        "progress B status 4",
        "synchronized 0x0",
    ]);
    driven.release();
}

#[test]
fn an_item_that_the_manager_skips_is_left_out() {
    let works: Work = Box::new(|run| {
        let (a, b) = (&run.items()[0], &run.items()[1]);
        run.status(a, Status::Updating);
        assert_eq!(until_told(run, a), Verdict::CancelItem);
        run.status(a, Status::Skipped);
        assert_eq!(run.verdict(b), Verdict::Continue);
        run.status(b, Status::Succeeded);
        Ok(())
    });
    // G-07: SetItemStatus, and the verdict of every later report.
    let driven = drive(scripted(&["a", "b"], works), |_| hresult::S_OK);
    driven.prepared(&["a", "b"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&["progress A status 3"]);
    assert_eq!(driven.skip("a", status::FAILED), hresult::S_OK); // no wish to skip
    assert_eq!(driven.skip("a", status::SKIPPED), hresult::S_OK);
    driven.expect(&[
        "progress A status 1",
        "progress B status 4",
        "synchronized 0x0",
    ]);
    driven.release();
}

#[test]
fn the_verdict_of_a_report_reaches_the_handler() {
    for (answer, expected) in [
        (hresult::S_SYNCMGR_CANCELITEM, Verdict::CancelItem), // H-37
        (hresult::S_SYNCMGR_CANCELALL, Verdict::CancelAll),   // H-38
    ] {
        let works: Work = Box::new(move |run| {
            run.status(&run.items()[0], Status::Updating);
            assert_eq!(until_told(run, &run.items()[0]), expected);
            let other = run.verdict(&run.items()[1]) == Verdict::CancelAll;
            assert_eq!(other, expected == Verdict::CancelAll);
            Err(Unfinished::Cancelled)
        });
        let driven = drive(scripted(&["a", "b"], works), move |_| answer);
        driven.prepared(&["a", "b"]);
        assert_eq!(driven.synchronize(), hresult::S_OK);
        driven.expect(&["progress A status 3", "synchronized 0x80004004"]);
        driven.release();
    }
}

#[test]
fn stopping_everything_is_heard() {
    let works: Work = Box::new(|run| {
        assert_eq!(until_told(run, &run.items()[0]), Verdict::CancelAll);
        Err(Unfinished::Cancelled)
    });
    let driven = drive(scripted(&["a"], works), |_| hresult::S_OK);
    driven.prepared(&["a"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    assert_eq!(driven.skip("", status::STOPPED), hresult::S_OK);
    driven.expect(&["synchronized 0x80004004"]);
    driven.release();
}

#[test]
fn without_a_callback_work_ends_and_calls_nobody() {
    let (ended, end) = channel();
    let works: Work = Box::new(move |run| {
        run.status(&run.items()[0], Status::Updating);
        let told = until_told(run, &run.items()[0]);
        run.status(&run.items()[0], Status::Stopped);
        ended.send(told).unwrap();
        Ok(())
    });
    let driven = drive(scripted(&["a"], works), |_| hresult::S_OK);
    driven.prepared(&["a"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&["progress A status 3"]);
    driven.take_back();
    assert_eq!(end.recv_timeout(LIMIT), Ok(Verdict::CancelAll));
    assert!(driven.told.try_recv().is_err(), "H-50");
    driven.release();
}

#[test]
fn an_event_that_is_not_for_it_and_a_run_that_needs_the_user() {
    let driven = drive(scripted(&["a"], works_well()), |_| hresult::S_OK);
    assert_eq!(driven.initialize(4, &[]), hresult::S_FALSE); // G-03, H-06
    driven.release();

    for (refusal, expected) in [
        (Started::NeedsUser, hresult::S_FALSE), // H-28, G-11
        (
            Started::No {
                reason: "no".to_owned(),
            },
            hresult::E_FAIL,
        ),
    ] {
        let (mut handler, starts) = scripted(&["a"], works_well());
        handler.refuses = Some(refusal);
        let driven = drive((handler, starts), |_| hresult::S_OK);
        assert_eq!(driven.initialize(3, &[]), hresult::S_OK);
        driven.hand_over();
        assert_eq!(driven.prepare(&["a"]), expected);
        assert_eq!(driven.synchronize(), hresult::E_UNEXPECTED);
        assert!(driven.told.try_recv().is_err(), "H-27");
        driven.release();
    }
}

#[test]
fn failures_and_panics_complete_with_a_reason() {
    let (mut handler, starts) = scripted(&["a"], works_well());
    handler.prepares = Box::new(|_| Err(Unfinished::hard("the disk is gone")));
    let driven = drive((handler, starts), |_| hresult::S_OK);
    assert_eq!(driven.initialize(3, &[]), hresult::S_OK);
    driven.hand_over();
    assert_eq!(driven.prepare(&["a"]), hresult::S_OK);
    driven.expect(&["log 3 the disk is gone", "prepared 0x80004005"]);
    driven.release();

    let driven = drive(scripted(&["a"], Box::new(|_| panic!("oh"))), |_| {
        hresult::S_OK
    });
    driven.prepared(&["a"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&["log 3 the handler panicked: oh", "synchronized 0x80004005"]);
    driven.release();
}

#[test]
fn an_error_leads_back_to_the_handler_and_to_a_second_try() {
    let works: Work = Box::new(|run| {
        run.log(Log {
            level: Level::Error,
            text: "full".to_owned(),
            item: Some(run.items()[0].clone()),
            detail: Some("make room".to_owned()),
            error: Some("disk".to_owned()),
            jump: true,
        });
        Ok(())
    });
    let (mut handler, starts) = scripted(&["a"], works);
    handler.features = vec![feature::SHOW_ERROR];
    let answer = |told: &str| match told {
        "modeless true" => hresult::S_FALSE,
        _ => hresult::S_OK,
    };
    let driven = drive((handler, starts), answer);
    driven.prepared(&["a"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&[
        "log 3 full\nmake room item A error DISK jump 1",
        "synchronized 0x0",
    ]);
    let show = |name: &str| {
        let error = Names::default().number(name);
        // SAFETY: the identifier lives through the call.
        unsafe {
            driven
                .object
                .ShowError(std::ptr::null_mut(), &raw const error)
        }
    };
    assert_eq!(show("never logged"), hresult::E_INVALIDARG);
    assert_eq!(show("disk"), hresult::S_OK); // G-12, H-45
    driven.expect(&["delete DISK", "modeless true", "shown 0x40202 [\"A\"]"]);
    // H-47: the same instance runs again.
    assert_eq!(driven.prepare(&["a"]), hresult::S_OK);
    driven.expect(&["prepared 0x0"]);
    driven.release();
}

#[test]
fn properties_say_what_became_of_the_items() {
    let (mut handler, starts) = scripted(&["a"], works_well());
    handler.features = vec![feature::PROPERTIES];
    let driven = drive((handler, starts), |_| hresult::S_OK);
    assert_eq!(driven.initialize(3, &[]), hresult::S_OK);
    drop(driven.enumerate());
    driven.hand_over();
    for (item, expected) in [
        (Names::default().number("a"), "properties 0x40210"),
        (GUID_NULL, "properties 0x40211"), // H-21, G-13
    ] {
        let window = std::ptr::null_mut();
        // SAFETY: the identifier lives through the call.
        let result = unsafe { driven.object.ShowProperties(window, &raw const item) };
        assert_eq!(result, hresult::S_OK);
        driven.expect(&[expected]);
    }
    driven.release();
}

#[test]
fn connections_are_asked_for_while_everything_goes_on() {
    let works: Work = Box::new(|run| {
        let up = run.establish_connection(Some("modem".to_owned())).unwrap();
        let none = run.establish_connection(None).unwrap();
        let text = format!("{} {} {:?}", up.connected, none.connected, none.reason);
        run.note(Level::Information, None, text);
        Ok(())
    });
    let answer = |told: &str| match told {
        "connect null" => hresult::E_FAIL,
        _ => hresult::S_OK,
    };
    let driven = drive(scripted(&["a"], works), answer);
    driven.prepared(&["a"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&[
        "connect modem",
        "connect null",
        "log 1 true false Some(\"the manager answered 0x80004005\")",
        "synchronized 0x0",
    ]);
    driven.release();
}

#[test]
fn progress_is_told_in_the_values_of_the_contract() {
    let works: Work = Box::new(|run| {
        let report = |status, value, max| {
            run.progress(Progress {
                item: Some(run.items()[0].clone()),
                status: Some(status),
                text: Some("é😀".to_owned()),
                value,
                max,
                ..Progress::default()
            });
        };
        report(Status::Updating, Some(1), Some(100));
        report(Status::Paused, Some(1 << 39), Some(1 << 40));
        report(Status::Resuming, Some(u64::MAX), None);
        report(Status::UpdatingIndeterminate, Some(5), Some(0));
        report(Status::Disconnected, None, None);
        Ok(())
    });
    let driven = drive(scripted(&["a"], works), |_| hresult::S_OK);
    driven.prepared(&["a"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&[
        "progress A status 3 text é😀 value 1 max 100",
        "progress A status 6 text é😀 value 536870912 max 1073741824",
        "progress A status 7 text é😀 value 2147483647",
        "progress A status 8 text é😀 value 5 max 0",
        "progress A status 5 text é😀",
        "synchronized 0x0",
    ]);
    driven.release();
}

#[test]
fn the_cookie_arrives_with_its_event_alone() {
    let started = |flags: u32| {
        let driven = drive(scripted(&["a"], works_well()), |_| hresult::S_OK);
        assert_eq!(driven.initialize(flags, &[1, 2, 3]), hresult::S_OK);
        let start = driven.starts.recv_timeout(LIMIT).unwrap();
        driven.release();
        (start.event, start.cookie, start.settings)
    };
    assert_eq!(started(0x205), (Event::Invoke, Some(vec![1, 2, 3]), false)); // G-14
    assert_eq!(started(0x303), (Event::Manual, None, true)); // G-15, H-10
    assert_eq!(started(0x2FE), (Event::Manual, None, false)); // H-07
}

#[test]
fn many_items_go_both_ways() {
    let names: Vec<String> = (0..1_234).map(|n| format!("item-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let works: Work = Box::new(|run| {
        run.note(Level::Information, None, format!("{}", run.items().len()));
        Ok(())
    });
    let driven = drive(scripted(&names, works), |_| hresult::S_OK);
    assert_eq!(driven.initialize(3, &[]), hresult::S_OK);
    let (_, items) = driven.enumerate();
    let mut seen = 0;
    // SAFETY: structures of zeros are valid ones, there is room for 100, and the places are writable.
    unsafe {
        let mut room: Vec<NativeItem> = vec![std::mem::zeroed(); 100];
        let mut fetched = 0;
        assert_eq!(
            (items.Skip(1), items.Skip(9_999)),
            (hresult::S_OK, hresult::S_FALSE)
        );
        assert_eq!(items.Reset(), hresult::S_OK);
        while items.Next(100, room.as_mut_ptr(), &raw mut fetched) == hresult::S_OK {
            seen += 100;
        }
        assert_eq!((seen, fetched), (1_200, 34));
        let mut copy = std::ptr::null_mut();
        assert_eq!(items.Reset(), hresult::S_OK);
        assert_eq!(items.Clone(&raw mut copy), hresult::S_OK);
        let copy = ISyncMgrEnumItems::from_raw(copy);
        assert_eq!(
            copy.Next(1, room.as_mut_ptr(), std::ptr::null_mut()),
            hresult::S_OK
        );
        assert_eq!(from_array(&room[0].name), "ITEM-0");
    }
    driven.hand_over();
    assert_eq!(driven.prepare(&names), hresult::S_OK);
    driven.expect(&["prepared 0x0"]);
    assert_eq!(driven.synchronize(), hresult::S_OK);
    driven.expect(&["log 1 1234", "synchronized 0x0"]);
    drop(items);
    driven.release();
}

#[test]
fn bad_input_is_refused_and_harms_nothing() {
    let driven = drive(scripted(&[], works_well()), |_| hresult::S_OK);
    let object = driven.object.clone();
    let (null, mut odd) = (std::ptr::null_mut::<c_void>(), std::ptr::dangling_mut());
    // SAFETY: null is what is tested; everything else lives through its call.
    unsafe {
        // Before its time.
        assert_eq!(driven.synchronize(), hresult::E_UNEXPECTED);
        assert_eq!(driven.prepare(&["a"]), hresult::E_UNEXPECTED);
        assert_eq!(object.EnumSyncMgrItems(&raw mut odd), hresult::E_UNEXPECTED);
        assert!(odd.is_null());
        let mut info = std::ptr::dangling_mut();
        assert_eq!(object.GetHandlerInfo(&raw mut info), hresult::E_UNEXPECTED);
        assert!(info.is_null());

        assert_eq!(
            object.Initialize(0, 3, 7, null.cast()),
            hresult::E_INVALIDARG
        );
        assert_eq!(driven.initialize(3, &[]), hresult::S_OK);
        assert_eq!(driven.initialize(3, &[]), hresult::E_UNEXPECTED);
        assert_eq!(object.GetHandlerInfo(null.cast()), hresult::E_POINTER);
        assert_eq!(object.EnumSyncMgrItems(null.cast()), hresult::E_POINTER);
        assert_eq!(driven.enumerate().0, hresult::S_SYNCMGR_MISSINGITEMS); // H-13
        odd = std::ptr::dangling_mut();
        assert_eq!(
            object.GetItemObject(&raw const GUID_STILL, &raw const GUID_STILL, &raw mut odd),
            hresult::E_NOTIMPL
        );
        assert!(odd.is_null(), "H-20");
        assert_eq!(
            object.PrepareForSync(1, null.cast(), null, 0),
            hresult::E_INVALIDARG
        );
        assert_eq!(driven.prepare(&[]), hresult::E_INVALIDARG);
        let mut none = GUID_NULL;
        assert_eq!(
            object.PrepareForSync(1, &raw mut none, null, 0),
            hresult::E_INVALIDARG
        );
        assert_eq!(object.SetItemStatus(null.cast(), 1), hresult::E_INVALIDARG);
        assert_eq!(object.ShowError(null, null.cast()), hresult::E_NOTIMPL);
        assert_eq!(object.ShowProperties(null, null.cast()), hresult::E_NOTIMPL);
        let (_, items) = driven.enumerate();
        assert_eq!(
            items.Next(1, null.cast(), null.cast()),
            hresult::E_INVALIDARG
        );
        assert_eq!(items.Clone(null.cast()), hresult::E_POINTER);
    }
    // A cookie that no line can hold.
    let driven_again = drive(scripted(&[], works_well()), |_| hresult::S_OK);
    let large = vec![0; crate::contract::MAX_FIRST_LINE_BYTES];
    assert_eq!(driven_again.initialize(5, &large), hresult::E_INVALIDARG);
    // The largest that is promised (M-38).
    let large = vec![0; crate::contract::MAX_COOKIE_BYTES];
    assert_eq!(driven_again.initialize(5, &large), hresult::S_OK);
    driven_again.release();
    drop(object);
    driven.release();
}

static GUID_STILL: GUID = GUID::from_u128(1);

#[test]
fn a_call_from_inside_a_callback_is_refused_and_not_waited_for() {
    let (give, given) = channel::<usize>();
    let given = Mutex::new(given);
    let (say, said) = channel();
    // M-14 forbids it; a manager that does it all the same must not hang.
    let answer = move |told: &str| {
        if told == "prepared 0x0" {
            let raw = enter(&given).recv_timeout(LIMIT).unwrap();
            let raw = std::ptr::with_exposed_provenance_mut::<c_void>(raw);
            // SAFETY: the test holds the object until the end.
            let object = unsafe { ISyncMgrSynchronize::from_raw_borrowed(&raw) }.unwrap();
            // SAFETY: no window is given.
            let result = unsafe { object.Synchronize(std::ptr::null_mut()) };
            say.send(result).unwrap();
        }
        hresult::S_OK
    };
    let driven = drive(scripted(&["a"], works_well()), answer);
    give.send(driven.object.as_raw().expose_provenance())
        .unwrap();
    driven.prepared(&["a"]);
    assert_eq!(said.recv_timeout(LIMIT), Ok(hresult::E_UNEXPECTED));
    driven.release();
}
