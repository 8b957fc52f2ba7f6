//! What a recording handler does, as text; the recorder in C++ reads the same text.
//!
//! ```text
//! item A                         an item that is checked
//! item B unchecked properties    one that is not, with properties
//! in METHOD: step; step          inside the method, in the thread that called it
//! after METHOD: step; step       in a thread of its own, begun when the method returns; one for each line
//! raw METHOD: step; step         the same, in a thread that never initialized COM; the callback is marshalled to it
//! ```
//! `METHOD` is a classic name; `METHOD/2` is its second call. A method without a line returns `S_OK`. Steps are callback
//! methods with their arguments, and `wait BEGINNING OF A TRACE LINE`, `cue NAME` (the driver gives it),
//! `both STEP` (two threads at once) and `return HRESULT`.

/// An item to be listed.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) checked: bool,
    pub(crate) properties: bool,
}

/// Where steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Inside,
    After,
}

/// Everything that one handler does in a trace.
#[derive(Debug, Default)]
pub(crate) struct Scenario {
    pub(crate) items: Vec<Item>,
    blocks: Vec<(Place, String, Vec<String>)>,
}

impl Scenario {
    /// Reads one; what it does not know is a mistake of the trace.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scenario = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap();
            let place = match word {
                "item" => {
                    let mut words = rest.split(' ');
                    scenario.items.push(Item {
                        name: words.next().unwrap().to_owned(),
                        checked: !rest.contains(" unchecked"),
                        properties: rest.contains(" properties"),
                    });
                    continue;
                }
                "in" => Place::Inside,
                // Without apartments a thread is a thread.
                "after" | "raw" => Place::After,
                _ => panic!("unknown line in a scenario: {line}"),
            };
            let (method, steps) = rest.split_once(": ").unwrap();
            let steps = steps.split("; ").map(str::to_owned).collect();
            scenario.blocks.push((place, method.to_owned(), steps));
        }
        scenario
    }

    /// The steps of the `nth` call of a method, counted from 1.
    pub(crate) fn steps(&self, place: Place, method: &str, nth: usize) -> Vec<Vec<String>> {
        let name = if nth == 1 {
            method.to_owned()
        } else {
            format!("{method}/{nth}")
        };
        let blocks = self.blocks.iter();
        blocks
            .filter(|(at, of, _)| *at == place && *of == name)
            .map(|(_, _, steps)| steps.clone())
            .collect()
    }
}
