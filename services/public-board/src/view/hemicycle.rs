//! All seats of the house as a half circle: a dot each, lists from left to right, then the districts.

use std::f64::consts::PI;

use super::{contests, districts, lists, option_name};
use crate::snapshot::Snapshot;
use crate::texts::Words;

/// A larger house is not drawn: its dots could not be told apart.
const MOST_SEATS: u32 = 600;

/// The drawing's size in its own units: the half circle, the dots' size and some room below.
const WIDTH: f64 = 400.0;
const OUTER_RADIUS: f64 = 186.0;
const INNER_RADIUS: f64 = 76.0;
/// Seats for a row of the half circle: 98 seats stand in six rows.
const SEATS_A_ROW: u32 = 17;

/// The house.
pub struct HemicycleView {
    /// A dot each, from left to right.
    pub dots: Vec<Dot>,
    /// The groups, from left to right.
    pub groups: Vec<Group>,
    /// All seats.
    pub seats: String,
    /// The dots' radius.
    pub radius: String,
}

/// A seat.
pub struct Dot {
    /// Across.
    pub x: String,
    /// Down.
    pub y: String,
    /// Its group's class.
    pub class: String,
}

/// Seats of one kind.
pub struct Group {
    /// Its class: the colour.
    pub class: String,
    /// Its name.
    pub name: String,
    /// Its seats.
    pub seats: String,
    number: u32,
}

/// Builds the drawing; `None` under embargo, before any vote, or when the house is too large.
pub fn build(snapshot: &Snapshot, words: &Words) -> Option<HemicycleView> {
    if snapshot.is_embargoed() {
        return None;
    }
    let groups = groups(snapshot, words);
    let total: u32 = groups.iter().map(|group| group.number).sum();
    let awarded = groups.iter().any(|group| group.class != OPEN && group.number > 0);
    if !awarded || total > MOST_SEATS {
        return None;
    }
    let (places, radius) = places(total);
    let classes = groups.iter().flat_map(|group| std::iter::repeat_n(group.class.clone(), group.number as usize));
    let dots = places.into_iter().zip(classes).map(|((x, y), class)| Dot { x: tenth(x), y: tenth(y), class }).collect();
    Some(HemicycleView { dots, groups, seats: words.count(total.into()), radius: tenth(radius) })
}

const OPEN: &str = "open";

fn groups(snapshot: &Snapshot, words: &Words) -> Vec<Group> {
    let group =
        |class: String, name: String, number: u32| Group { class, name, seats: words.count(number.into()), number };
    let mut groups = Vec::new();
    let mut open = 0;
    // One list contest fills the house's list seats; where there are several, they are several houses.
    for list in contests(snapshot, "list").into_iter().take(1) {
        for (place, seats) in list.figures.seats.iter().enumerate().filter(|(_, seats)| **seats > 0) {
            let id = list.contest.options.get(place).map_or("", |option| option.id.as_str());
            groups.push(group(
                format!("c{}", place % lists::COLOURS + 1),
                option_name(list.contest, id, words),
                *seats,
            ));
        }
        open += list.contest.seats.saturating_sub(list.figures.seats.iter().sum());
    }
    let (led, open_districts) = districts::led_and_open(snapshot);
    if led > 0 {
        groups.push(group("led".to_owned(), words.t("seats-led"), led));
    }
    if open + open_districts > 0 {
        groups.push(group(OPEN.to_owned(), words.t("seats-open"), open + open_districts));
    }
    groups
}

/// Places from left to right, and the dots' radius. Only a drawing: nothing is counted in floats.
fn places(total: u32) -> (Vec<(f64, f64)>, f64) {
    let rows = total.div_ceil(SEATS_A_ROW).max(1);
    let gap = (OUTER_RADIUS - INNER_RADIUS) / f64::from(rows.max(2) - 1);
    let radii: Vec<f64> = (0..rows).map(|row| OUTER_RADIUS - f64::from(row) * gap).collect();
    let circumference: f64 = radii.iter().sum();
    let mut places = Vec::new();
    let (mut placed, mut length) = (0, 0.0);
    for radius in radii {
        length += radius;
        // What is due up to here less what is placed: the rows' roundings never add up.
        let due = (f64::from(total) * length / circumference).round() as u32;
        let in_row = due.saturating_sub(placed);
        placed = due;
        for place in 0..in_row {
            let angle = PI * (1.0 - (f64::from(place) + 0.5) / f64::from(in_row));
            places.push((angle, WIDTH / 2.0 + radius * angle.cos(), OUTER_RADIUS + 12.0 - radius * angle.sin()));
        }
    }
    places.sort_by(|a, b| b.0.total_cmp(&a.0));
    (places.into_iter().map(|(_, x, y)| (x, y)).collect(), (gap * 0.42).min(9.0))
}

fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seat_has_a_place_inside_the_drawing() {
        for total in [1, 2, 9, 69, 98, 450, MOST_SEATS] {
            let (places, radius) = places(total);
            assert_eq!(places.len(), total as usize);
            for (x, y) in places {
                assert!(x > radius && x < WIDTH - radius && y > radius && y < OUTER_RADIUS + 24.0, "{total}: {x} {y}");
            }
        }
    }
}
