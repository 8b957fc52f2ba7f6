//! The notification area of Linux desktops: a StatusNotifierItem on the session bus.

use ksni::menu::StandardItem;
use ksni::{Category, Handle, Icon, MenuItem, Status, ToolTip, Tray, TrayMethods as _};
use syncmgr_control::Refusal;
use tokio::sync::{mpsc, watch};

use crate::act::{Act, MENU};
use crate::face::{Face, State};
use crate::icon;

/// The sizes that panels ask for: a small one, and one for dense screens.
const SIDES: [u32; 2] = [22, 48];

/// The mark as the desktop asks for it.
struct Mark {
    face: Face,
    click: mpsc::Sender<Act>,
}

impl Mark {
    fn clicked(&self, act: Act) {
        // Whoever clicks faster than anything can be done clicks again.
        let _full = self.click.try_send(act);
    }
}

impl Tray for Mark {
    fn id(&self) -> String {
        "syncmgr".to_owned()
    }

    fn title(&self) -> String {
        "syncmgr".to_owned()
    }

    fn category(&self) -> Category {
        Category::SystemServices
    }

    fn status(&self) -> Status {
        match self.face.state {
            State::NeedsYou => Status::NeedsAttention,
            State::Well | State::Working | State::Trouble | State::Away => Status::Active,
        }
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        SIDES.map(|side| pixmap(self.face.state, side)).into()
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        self.icon_pixmap()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: self.face.sentence.clone(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _: i32, _: i32) {
        self.clicked(Act::Open);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let entry = |act: Act| -> MenuItem<Self> {
            StandardItem {
                label: act.label().to_owned(),
                activate: Box::new(move |mark: &mut Self| mark.clicked(act)),
                ..StandardItem::default()
            }
            .into()
        };
        let line = || MenuItem::Separator;
        MENU.iter()
            .map(|act| act.map_or_else(line, entry))
            .collect()
    }
}

fn pixmap(state: State, side: u32) -> Icon {
    let mut data = icon::picture(state, side).rgba;
    for pixel in data.chunks_exact_mut(4) {
        pixel.rotate_right(1); // opacity comes first there
    }
    let side = i32::try_from(side).unwrap_or(i32::MAX);
    Icon {
        width: side,
        height: side,
        data,
    }
}

/// Shows each face until the desktop takes no more.
pub(crate) async fn show(
    mut faces: watch::Receiver<Face>,
    click: mpsc::Sender<Act>,
) -> Result<(), Refusal> {
    let mark = Mark {
        face: faces.borrow_and_update().clone(),
        click,
    };
    let handle: Handle<Mark> = mark
        .spawn()
        .await
        .map_err(|error| crate::absent(error.to_string()))?;
    while faces.changed().await.is_ok() {
        let face = faces.borrow_and_update().clone();
        if handle.update(|mark| mark.face = face).await.is_none() {
            return Err(crate::absent("the desktop took the mark away"));
        }
    }
    Ok(())
}
