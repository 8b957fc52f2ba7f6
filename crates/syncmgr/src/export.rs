//! Items as units and lines that run without us: translated for `syncmgr_tools::export`, which writes them.

use std::time::Duration;

use syncmgr_cli::{ExportForm, ExportItem, Exported};
use syncmgr_tools::Catalogue;
use syncmgr_tools::export::{Start, Task, lines, unit_name, units};
use syncmgr_tools::masked;

/// Writes items in a form.
pub(crate) fn export(
    items: &[ExportItem],
    form: ExportForm,
    catalogue: &Catalogue,
    home: Option<&str>,
) -> Vec<Exported> {
    let mut names: Vec<String> = Vec::new();
    items
        .iter()
        .map(|item| {
            let task = task(item, catalogue, home);
            // Two items must not share a file.
            let plain = unit_name(&item.name);
            let mut unit = plain.clone();
            let mut number = 2;
            while names.contains(&unit) {
                unit = format!("{plain}-{number}");
                number += 1;
            }
            names.push(unit.clone());
            let needs_us = task.commands.is_empty();
            match form {
                ExportForm::Cron => Exported {
                    name: item.name.clone(),
                    files: vec![(String::new(), lines(&task).join("\n"))],
                    notes: Vec::new(),
                    needs_us,
                },
                ExportForm::Systemd => {
                    let units = units(&task, &unit);
                    let service = units.service.map(|text| (format!("{unit}.service"), text));
                    let timer = units.timer.map(|text| (format!("{unit}.timer"), text));
                    Exported {
                        name: item.name.clone(),
                        files: service.into_iter().chain(timer).collect(),
                        notes: units.notes,
                        needs_us,
                    }
                }
            }
        })
        .collect()
}

fn task(item: &ExportItem, catalogue: &Catalogue, home: Option<&str>) -> Task {
    let definition = item
        .definition
        .as_ref()
        .and_then(|definition| definition.as_object());
    let known = match (item.handler.as_str(), definition) {
        (syncmgr_daemon::launch::TOOLS, Some(definition)) => {
            Some(Task::of_tools(&item.name, definition, catalogue, home))
        }
        (syncmgr_daemon::launch::FOLDER, Some(definition)) => {
            Some(Task::folders(&item.name, definition))
        }
        _ => None,
    };
    let starts = item.starts.iter().map(|start| Start {
        schedules: start.schedules.clone(),
        others: start.others.clone(),
        catches_up: start.catches_up,
        jitter_s: Duration::from_millis(start.jitter_ms).as_secs(),
    });
    Task {
        name: item.name.clone(),
        about: masked(&item.about).0,
        starts: starts.collect(),
        when: item.when.clone(),
        ..known.unwrap_or_default()
    }
}
