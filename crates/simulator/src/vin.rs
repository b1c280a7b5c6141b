//! Vehicle identification numbers that nobody gave out, with a right check digit: 49 CFR 565.15(c).

use crate::draw::Draw;

/// What may stand in a VIN, with what it counts: Table III.
const LETTERS: [(char, usize); 23] = [
    ('A', 1),
    ('B', 2),
    ('C', 3),
    ('D', 4),
    ('E', 5),
    ('F', 6),
    ('G', 7),
    ('H', 8),
    ('J', 1),
    ('K', 2),
    ('L', 3),
    ('M', 4),
    ('N', 5),
    ('P', 7),
    ('R', 9),
    ('S', 2),
    ('T', 3),
    ('U', 4),
    ('V', 5),
    ('W', 6),
    ('X', 7),
    ('Y', 8),
    ('Z', 9),
];

/// By which factor each place counts, the check digit's own left out: Table IV.
const WEIGHTS: [usize; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const PLACE: usize = 8;

/// A VIN that ends in this number of production, of which the last six digits are taken: one number, one car.
pub(crate) fn vin(draw: &mut Draw, produced: usize) -> String {
    let described: String = (0..PLACE).map(|_| draw.pick(&LETTERS).0).collect();
    let (year, plant) = (draw.pick(&['R', 'S', 'T', 'V']), draw.pick(&LETTERS).0);
    let built = format!("{year}{plant}{:06}", produced % 1_000_000);
    let without = format!("{described}0{built}");
    let sum: usize = without.chars().zip(WEIGHTS).map(|(character, weight)| counts(character) * weight).sum();
    let check = match sum % 11 {
        10 => "X".to_owned(),
        rest => rest.to_string(),
    };
    format!("{described}{check}{built}")
}

fn counts(character: char) -> usize {
    let letter = LETTERS.iter().find(|(letter, _)| *letter == character).map(|(_, counts)| *counts);
    letter.or_else(|| character.to_digit(10).map(|digit| digit as usize)).unwrap_or(0)
}
