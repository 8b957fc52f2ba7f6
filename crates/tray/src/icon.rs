//! The pictures of the five states: a disc with a sign, drawn at the size that is asked for.
//!
//! They are drawn instead of being files, so that nothing has to be installed and every size is sharp.

use crate::face::State;

/// A picture, row by row from above, each pixel red, green, blue and opacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) side: u32,
    pub(crate) rgba: Vec<u8>,
}

/// Each pixel is looked at in so many places a side, which makes round edges smooth.
const LOOKS: u32 = 4;

/// Half the width of a line of a sign, where the disc has the radius 1.
const LINE: f32 = 0.15;

const WHITE: [u8; 3] = [255, 255, 255];

type Point = (f32, f32);

/// What is drawn on the disc of a state: its colour, the lines of its sign, and its dots.
struct Sign {
    disc: [u8; 3],
    lines: &'static [(Point, Point)],
    dots: &'static [Point],
}

fn sign(state: State) -> Sign {
    match state {
        // A tick.
        State::Well => Sign {
            disc: [26, 127, 75],
            lines: &[((-0.45, 0.05), (-0.12, 0.4)), ((-0.12, 0.4), (0.48, -0.35))],
            dots: &[],
        },
        // Two arrows past each other.
        State::Working => Sign {
            disc: [28, 100, 190],
            lines: &[
                ((-0.5, -0.25), (0.5, -0.25)),
                ((0.5, -0.25), (0.2, -0.52)),
                ((-0.5, 0.25), (0.5, 0.25)),
                ((-0.5, 0.25), (-0.2, 0.52)),
            ],
            dots: &[],
        },
        // A question mark.
        State::NeedsYou => Sign {
            disc: [150, 90, 0],
            lines: &[
                ((-0.3, -0.35), (-0.05, -0.55)),
                ((-0.05, -0.55), (0.25, -0.42)),
                ((0.25, -0.42), (0.25, -0.15)),
                ((0.25, -0.15), (0.0, 0.05)),
                ((0.0, 0.05), (0.0, 0.2)),
            ],
            dots: &[(0.0, 0.52)],
        },
        // An exclamation mark.
        State::Trouble => Sign {
            disc: [190, 40, 40],
            lines: &[((0.0, -0.55), (0.0, 0.15))],
            dots: &[(0.0, 0.5)],
        },
        // A bar.
        State::Away => Sign {
            disc: [110, 110, 110],
            lines: &[((-0.45, 0.0), (0.45, 0.0))],
            dots: &[],
        },
    }
}

/// Draws a state.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sides are below 1000 pixels, and shares of a pixel lie between 0 and 255"
)]
pub(crate) fn picture(state: State, side: u32) -> Picture {
    let sign = sign(state);
    let steps = side * LOOKS;
    let at = |step: u32| (step as f32 + 0.5) / steps as f32 * 2.0 - 1.0;
    let mut rgba = Vec::with_capacity((side * side * 4) as usize);
    for row in 0..side {
        for column in 0..side {
            let (mut inside, mut white) = (0_u32, 0_u32);
            for y in 0..LOOKS {
                for x in 0..LOOKS {
                    let point = (at(column * LOOKS + x), at(row * LOOKS + y));
                    let within = point.0.hypot(point.1) <= 1.0;
                    inside += u32::from(within);
                    white += u32::from(within && is_on(&sign, point));
                }
            }
            let share = white as f32 / inside.max(1) as f32;
            for (disc, white) in sign.disc.into_iter().zip(WHITE) {
                let mixed = f32::from(disc) + (f32::from(white) - f32::from(disc)) * share;
                rgba.push(mixed.round() as u8);
            }
            rgba.push((inside * 255 / (LOOKS * LOOKS)) as u8);
        }
    }
    Picture { side, rgba }
}

/// Whether a place is on the sign.
fn is_on(sign: &Sign, point: Point) -> bool {
    let near = |distance: f32| distance <= LINE;
    sign.lines
        .iter()
        .any(|(from, to)| near(distance(point, *from, *to)))
        || sign
            .dots
            .iter()
            .any(|dot| near(distance(point, *dot, *dot)))
}

/// How far a place is from a line.
fn distance(point: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 {
        0.0
    } else {
        ((point.0 - from.0) * dx + (point.1 - from.1) * dy) / length
    };
    let along = along.clamp(0.0, 1.0);
    (point.0 - from.0 - along * dx).hypot(point.1 - from.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [State; 5] = [
        State::Well,
        State::Working,
        State::NeedsYou,
        State::Trouble,
        State::Away,
    ];

    /// Which of the pixels are of the sign, whatever its colour.
    fn shape(state: State) -> Vec<bool> {
        let picture = picture(state, 22);
        let pixels = picture.rgba.chunks_exact(4);
        pixels
            .map(|pixel| pixel[3] > 200 && pixel[..3].iter().all(|part| *part > 200))
            .collect()
    }

    #[test]
    fn every_state_has_a_shape_of_its_own() {
        for (number, one) in ALL.into_iter().enumerate() {
            assert!(shape(one).contains(&true), "{one:?}");
            for other in ALL.into_iter().skip(number + 1) {
                let (a, b) = (shape(one), shape(other));
                let differ = a.iter().zip(&b).filter(|(a, b)| a != b).count();
                assert!(differ >= 10, "{one:?} and {other:?}: {differ} pixels");
            }
        }
    }

    #[test]
    fn a_picture_fills_its_square_and_no_corner() {
        for side in [16, 22, 64] {
            let picture = picture(State::Well, side);
            assert_eq!(u32::try_from(picture.rgba.len()), Ok(side * side * 4));
            assert_eq!(picture.rgba[3], 0, "the corner is clear");
            let middle = ((side / 2 * side + side / 2) * 4 + 3) as usize;
            assert_eq!(picture.rgba[middle], 255);
        }
    }
}
