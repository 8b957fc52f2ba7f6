use crate::output::Tail;
use crate::recipe::Stream;
use std::path::*;
use std::time::Duration;
#[derive(Debug)]
pub struct Program {
    pub argv: Vec<String>,
    pub directory: Option<PathBuf>,
    pub environment: Vec<(String, String)>,
    pub input: Option<Vec<u8>>,
    pub terminal: bool,
    pub user: Option<String>,
    pub nice: Option<i8>,
    pub ionice: Option<IoClass>,
}
#[derive(Debug)]
pub enum IoClass {
    Idle,
    BestEffort(u8),
    Realtime(u8),
}
impl std::str::FromStr for IoClass {
    type Err = ();
    fn from_str(_: &str) -> Result<Self, ()> {
        Err(())
    }
}
pub struct Limits {
    pub time: Option<Duration>,
    pub output: Option<u64>,
    pub stop: Duration,
}
pub enum Heard<'a> {
    Line {
        from: Stream,
        text: &'a [u8],
        cut: bool,
    },
    Unended {
        from: Stream,
        text: &'a [u8],
        quiet: Duration,
    },
    Tick,
}
pub enum Reply {
    Go,
    Type(Vec<u8>),
    Stop(Why),
}
#[derive(PartialEq, Debug)]
pub enum Why {
    Cancelled,
    TimeLimit,
    OutputLimit,
    Asked,
}
pub enum ExitOf {
    Code(i32),
    Signal(i32),
}
pub struct Left {
    pub pid: u32,
    pub name: String,
}
pub struct Ended {
    pub exit: ExitOf,
    pub why: Option<Why>,
    pub killed: bool,
    pub left_behind: Vec<Left>,
    pub lasted: Duration,
}
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    #[error("m")]
    Missing { program: String },
}
impl StartFault {
    pub fn hint(&self) -> String {
        String::new()
    }
}
pub fn perform(
    _program: &Program,
    _limits: &Limits,
    _tail: &mut Tail,
    _hear: &mut dyn FnMut(Heard<'_>) -> Reply,
) -> Result<Ended, StartFault> {
    Err(StartFault::Missing {
        program: String::new(),
    })
}
pub fn is_alive(_pid: u32) -> Option<bool> {
    None
}
pub fn adopt_orphans() {}
pub fn text_of(b: &[u8]) -> String {
    String::from_utf8_lossy(b).into_owned()
}
pub fn search(_p: &str, _d: Option<&Path>, _path: Option<&str>) -> Option<PathBuf> {
    None
}
