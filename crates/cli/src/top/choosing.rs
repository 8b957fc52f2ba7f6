//! "Items to Synchronize" on the terminal page: a list is opened, ticked, begun or closed (mobsync 4.1).

use syncmgr_control::Request;
use syncmgr_control::offer::OfferView;
use syncmgr_control::request::Typed;

use super::draw::{Row, Scene};
use super::layout::{parts, scrolled};
use super::state::{Choosing, Mode, Tone, Top};
use super::step::{Asked, Effect};
use crate::choose::LASTS;
use crate::look::Look;
use crate::text::{cut, harmless};
use crate::ticks::Ticks;
use crate::when;

impl Choosing {
    /// Ticks what the person stands on, and goes on to the next.
    pub(super) fn tick(&mut self) {
        let order = self.ticks.order();
        if let Some(stands) = order.get(self.at) {
            self.ticks.toggle(*stands);
            self.at = (self.at + 1).min(order.len().saturating_sub(1));
        }
    }

    /// Begins what is ticked.
    pub(super) fn begin(self) -> Vec<Effect> {
        vec![Effect::ask(Asked::Chosen, self.ticks.request())]
    }
}

impl Top {
    pub(super) fn open_list(&mut self, offer: OfferView) {
        let ticks = Ticks::new(offer);
        if ticks.rows() == 0 {
            self.say(Tone::Calm, "There is nothing to choose from.");
            return;
        }
        self.mode = Mode::Choose(Box::new(Choosing { ticks, at: 0 }));
    }

    /// Closes the list of a question: nothing of it starts (M-172).
    pub(super) fn close_list(&mut self) -> Vec<Effect> {
        let Mode::Choose(choosing) = std::mem::take(&mut self.mode) else {
            return Vec::new();
        };
        let offer = choosing.ticks.offer();
        let (Some(need), Some(choice)) = (offer.need, offer.close.clone()) else {
            return Vec::new();
        };
        let request = Request::Answer {
            need,
            choice,
            fields: Typed::default(),
            remember: false,
        };
        let asked = Asked::Answer(need, "nothing starts".to_owned());
        vec![Effect::ask(asked, request)]
    }
}

/// The rows of an open list: what asks, then as much of the list as there is room for around where the person stands.
pub(super) fn rows(choosing: &Choosing, top: &Top, scene: &Scene, look: &Look) -> Vec<Row> {
    let offer = choosing.ticks.offer();
    let title = offer
        .text
        .as_deref()
        .map_or_else(|| "Items to synchronize".to_owned(), harmless);
    let mut above = vec![look.bold(&cut(&title, look.wrap_columns(), look.ellipsis()))];
    if let Some(deadline) = offer.deadline_ms {
        let at = when::moment(deadline, &scene.zone);
        above.push(look.dim(&format!("without an answer nothing starts at {at}")));
    }
    if offer.lasts {
        let lasts = cut(LASTS, look.wrap_columns(), look.ellipsis());
        above.push(look.dim(&lasts));
    }
    above.push(String::new());
    let order = choosing.ticks.order();
    let height = usize::from(parts(top).body.1);
    let room = height.saturating_sub(above.len()).max(1);
    let from = scrolled(0, choosing.at, room, order.len());
    let mut rows: Vec<Row> = above.into_iter().map(Row::of).collect();
    let seen = order.iter().enumerate().skip(from).take(room);
    rows.extend(seen.map(|(at, stands)| Row {
        text: cut(
            &choosing.ticks.line(*stands, look, scene.now_ms),
            look.wrap_columns(),
            look.ellipsis(),
        ),
        stood: at == choosing.at,
    }));
    rows
}
