//! A golden trace as data, and how far what was seen follows it.

use serde::Deserialize;

/// Callback methods that the wire carries without an answer.
const TOLD: [&str; 6] = [
    "PrepareForSyncCompleted",
    "SynchronizeCompleted",
    "ShowPropertiesCompleted",
    "ShowErrorCompleted",
    "LogError",
    "DeleteLogError",
];

#[derive(Debug, Deserialize)]
struct File {
    trace: Vec<Trace>,
}

/// One trace.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    pub(crate) id: String,
    #[expect(dead_code, reason = "for people who read the file")]
    title: String,
    pub(crate) handlers: Vec<String>,
    trace: String,
    /// The items of each run, and how the first request ended.
    pub(crate) result: String,
    /// Items that were known before: of handler 1.
    #[serde(default)]
    pub(crate) defined: Vec<String>,
    /// Obligations of the handler whose breach a transport may see and record here.
    #[serde(default)]
    pub(crate) may_record: Vec<String>,
    /// Log entries of the manager that warn.
    #[serde(default)]
    pub(crate) warnings: Option<usize>,
}

impl Trace {
    /// Reads the trace of this number.
    pub(crate) fn find(id: &str) -> Self {
        let file: File = toml::from_str(include_str!("traces.toml")).unwrap();
        file.trace
            .into_iter()
            .find(|trace| trace.id == id)
            .unwrap_or_else(|| panic!("no trace {id}"))
    }
}

/// A line, and which handler is to write it.
type Line = (usize, String);

/// One part of an expectation.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Act(String),
    Seen(Line),
    Threads(Vec<Vec<Line>>),
}

/// What is still expected.
#[derive(Debug)]
pub(crate) struct Follower {
    steps: Vec<Step>,
    /// How many lines of each handler were followed.
    read: Vec<usize>,
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Something is to be done.
    Act(String),
    /// Further lines are to come.
    Wait,
    /// Nothing more.
    End,
}

impl Follower {
    /// Expects the trace; `answered`: the transport answers also what is only told.
    pub(crate) fn new(trace: &Trace, answered: bool) -> Self {
        let mut steps = Vec::new();
        let mut threads: Option<Vec<Vec<Line>>> = None;
        for text in trace.trace.lines() {
            if let Some(act) = text.strip_prefix('[') {
                steps.push(Step::Act(act.trim_end_matches(']').to_owned()));
                continue;
            }
            match (text, &mut threads) {
                ("{", None) => threads = Some(vec![Vec::new()]),
                ("|", Some(threads)) => threads.push(Vec::new()),
                ("}", open) => steps.push(Step::Threads(open.take().unwrap())),
                (text, open) => {
                    let line = line(text, answered);
                    match open {
                        Some(threads) => threads.last_mut().unwrap().push(line),
                        None => steps.push(Step::Seen(line)),
                    }
                }
            }
        }
        steps.reverse();
        Self {
            steps,
            read: vec![0; trace.handlers.len()],
        }
    }

    /// Follows what the handlers have written so far.
    ///
    /// # Errors
    /// What was expected instead.
    pub(crate) fn follow(&mut self, written: &[Vec<String>]) -> Result<Next, String> {
        loop {
            let read = &mut self.read;
            let next =
                |read: &[usize], handler: usize| written[handler].get(read[handler]).cloned();
            match self.steps.last_mut() {
                None => {
                    let extra: Vec<_> = (0..written.len())
                        .filter_map(|handler| next(read, handler))
                        .collect();
                    if extra.is_empty() {
                        return Ok(Next::End);
                    }
                    return Err(format!("nothing more, but there is: {extra:?}"));
                }
                Some(Step::Act(act)) => {
                    let act = act.clone();
                    self.steps.pop();
                    return Ok(Next::Act(act));
                }
                Some(Step::Seen((handler, expected))) => {
                    let Some(seen) = next(read, *handler) else {
                        return Ok(Next::Wait);
                    };
                    if seen != *expected {
                        return Err(format!("`{expected}`, but there is `{seen}`"));
                    }
                    read[*handler] += 1;
                    self.steps.pop();
                }
                Some(Step::Threads(threads)) => {
                    threads.retain(|lines| !lines.is_empty());
                    if threads.is_empty() {
                        self.steps.pop();
                        continue;
                    }
                    let mut seen = None;
                    let advanced = threads.iter_mut().any(|lines| {
                        let (handler, expected) = &lines[0];
                        let line = next(read, *handler);
                        let same = line.as_ref() == Some(expected);
                        if same {
                            read[*handler] += 1;
                            lines.remove(0);
                        } else {
                            seen = seen.take().or(line);
                        }
                        same
                    });
                    match (advanced, seen) {
                        (true, _) => {}
                        (false, None) => return Ok(Next::Wait),
                        (false, Some(seen)) => {
                            return Err(format!("one of {threads:?}, but there is `{seen}`"));
                        }
                    }
                }
            }
        }
    }

    /// What is expected next, for a complaint.
    pub(crate) fn expected(&self) -> String {
        format!("{:?}", self.steps.last())
    }
}

fn line(text: &str, answered: bool) -> Line {
    let (handler, text) = match text.split_once(' ') {
        Some(("2", rest)) => (1, rest),
        Some(("1", rest)) => (0, rest),
        _ => (0, text),
    };
    let told = text
        .strip_prefix("h> ")
        .is_some_and(|call| TOLD.iter().any(|method| call.starts_with(method)));
    match text.rsplit_once(" = ") {
        Some((call, _)) if told && !answered => (handler, call.to_owned()),
        _ => (handler, text.to_owned()),
    }
}

/// Puts a recorder's lines into the notation of the traces: a call and its result are one line unless something came
/// between them. A call that has no result yet ends what can be said so far, unless something came inside it.
///
/// The recorder writes `m> METHOD(…) …` and `m= METHOD RESULT`, and for a callback whose result comes later
/// `h> METHOD(…) …#NUMBER` and `=#NUMBER RESULT`.
pub(crate) fn notation(text: &str) -> Vec<String> {
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines: Vec<String> = Vec::new();
    for line in complete.lines() {
        if let Some(answer) = line.strip_prefix("=#") {
            let (number, result) = answer.split_once(' ').unwrap();
            let open = format!(" …#{number}");
            if let Some(call) = lines.iter_mut().find(|line| line.ends_with(&open)) {
                let plain = call.trim_end_matches(&open).to_owned();
                *call = format!("{plain} = {result}");
            }
            continue;
        }
        if let (Some(end), Some(last)) = (line.strip_prefix("m= "), lines.last_mut()) {
            let (method, result) = end.split_once(' ').unwrap();
            let begun = format!("m> {method}(");
            if let Some(plain) = last.strip_suffix(" …").filter(|_| last.starts_with(&begun)) {
                *last = format!("{plain} = {result}");
                continue;
            }
        }
        lines.push(line.to_owned());
    }
    let open = lines.iter().position(|line| line.contains(" …#"));
    lines.truncate(open.unwrap_or(lines.len()));
    if lines.last().is_some_and(|line| line.ends_with(" …")) {
        lines.pop();
    }
    lines
}

#[test]
fn a_call_and_its_result_are_one_line_unless_something_came_between() {
    let text = "m> A(1) …\nm= A S_OK\nm> B(w) …\nh> P(x) …#1\nh> Q() …#2\n=#2 S_FALSE\n=#1 S_OK\nm= B E_FAIL\nm> C() …\nhal";
    let expected = [
        "m> A(1) = S_OK",
        "m> B(w) …",
        "h> P(x) = S_OK",
        "h> Q() = S_FALSE",
        "m= B E_FAIL",
    ];
    assert_eq!(notation(text), expected);
    assert_eq!(notation("m> B(w) …\nh> P(x) …#1\n"), Vec::<String>::new());
}

#[test]
fn threads_may_come_in_any_order_and_nothing_else() {
    let trace = Trace {
        id: String::new(),
        title: String::new(),
        handlers: vec![String::new()],
        trace: "{\na\nb\n|\nc\n}\n[act]\nd".to_owned(),
        result: String::new(),
        defined: Vec::new(),
        may_record: Vec::new(),
        warnings: None,
    };
    let after = |seen: &[&str]| {
        let lines = vec![seen.iter().map(|line| (*line).to_owned()).collect()];
        Follower::new(&trace, true).follow(&lines)
    };
    assert_eq!(after(&["a", "c"]), Ok(Next::Wait));
    assert_eq!(after(&["a", "c", "b"]), Ok(Next::Act("act".to_owned())));
    assert_eq!(after(&["c", "a", "b"]), Ok(Next::Act("act".to_owned())));
    assert!(after(&["b"]).is_err());
    assert!(after(&["a", "d"]).is_err());
}
