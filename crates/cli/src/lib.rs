//! The command line: sends requests, formats snapshots.
//!
//! It knows one trait, `control::Service`, and neither sockets nor the manager: the program hands it a [`Program`] that
//! opens one, and a [`World`] with everything that must be read from the environment. What it prints is decided by pure
//! functions from snapshots; only `screen` prints, and only `live` and `top` draw.

mod answer;
mod args;
mod center;
mod check;
mod choose;
mod compare;
mod decide;
mod departure;
mod duration;
mod export;
mod follow;
mod form;
mod generate;
mod history;
mod import;
mod inbox;
mod interrupt;
mod items;
mod keyboard;
mod live;
mod look;
mod pair;
mod password;
mod preview;
mod progress;
mod question;
mod recipe;
mod refresh;
mod register;
mod report;
mod report_args;
mod reporting;
mod run;
mod schedule;
mod screen;
mod service;
mod sheet;
mod steer;
mod sync;
#[cfg_attr(unix, path = "sys_unix.rs")]
#[cfg_attr(not(unix), path = "sys_windows.rs")]
mod sys;
mod table;
mod talk;
mod target;
mod text;
mod ticks;
mod top;
mod uninstall;
mod when;
mod words;
mod world;
mod wrap;

pub use check::{CheckOutcome, CheckReport, CheckRow, CheckStep, CheckSubject, CheckWish};
pub use departure::Departure;
pub use export::{ExportForm, ExportItem, ExportStart, Exported};
pub use import::{BroughtBack, FoundJob, FoundJobs, ImportSource, Imported, Turned};
pub use keyboard::RealKeyboard;
pub use recipe::{
    FoundItem, KnownTool, RESERVED, RecipeFinding, RecipeGrade, RecipeRow, RecipeTestWish,
    RecipeUsage, RecipeWord, Recipes,
};
pub use run::{refuse, run};
pub use service::{ServiceAction, ServiceFile, ServiceFileState, ServiceReport, ServiceWish};
pub use uninstall::{Leftover, LeftoverKind, Uninstalled};
pub use world::{BridgeWish, Browse, Keyboard, Need, Program, Terminal, World};
