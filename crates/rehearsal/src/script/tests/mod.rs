//! Whole nights, folded.

mod folding;
mod kz_2023;
mod small_nights;

use super::{Event, Incident, Script};

fn of_incident(script: &Script, incident: Incident) -> Vec<&Event> {
    script.events.iter().filter(|event| event.why == incident).collect()
}
