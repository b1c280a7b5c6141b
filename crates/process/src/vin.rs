//! The check digit of a vehicle identification number: 49 CFR 565.15(c). North American makers must have it right; a wrong one
//! is worth a look and proves nothing, for others need not have one, and most VINs in samples fail it.

/// What the ninth character says of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckDigit {
    Right,
    /// What it should be: `0` to `9` or `X`.
    Wrong(char),
    /// Not 17 letters and digits without I, O and Q: there is no check digit.
    NoVin,
}

/// 565.15(c)(2), Table IV: by which factor the value of each place is multiplied; the check digit itself does not count.
const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const PLACE: usize = 8;

/// Looks at the check digit of a VIN, written in any case.
pub fn check_digit(vin: &str) -> CheckDigit {
    let Ok(characters) = <[u8; 17]>::try_from(vin.as_bytes()) else { return CheckDigit::NoVin };
    let mut sum = 0;
    for (character, weight) in characters.into_iter().zip(WEIGHTS) {
        let Some(value) = value(character) else { return CheckDigit::NoVin };
        sum += value * weight;
    }
    let right = match sum % 11 {
        10 => 'X',
        rest => char::from_digit(rest, 10).unwrap_or('0'),
    };
    if char::from(characters[PLACE].to_ascii_uppercase()) == right {
        CheckDigit::Right
    } else {
        CheckDigit::Wrong(right)
    }
}

/// 565.15(c)(1), Table III: what a character counts.
fn value(character: u8) -> Option<u32> {
    Some(match character.to_ascii_uppercase() {
        digit @ b'0'..=b'9' => u32::from(digit - b'0'),
        letter @ b'A'..=b'H' => u32::from(letter - b'A') + 1,
        letter @ b'J'..=b'N' => u32::from(letter - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        letter @ b'S'..=b'Z' => u32::from(letter - b'S') + 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_examples_have_the_digit_that_is_published() {
        for vin in [
            // The example of 49 CFR 565 as Wikipedia works it, the one of seventeen ones, and cars in public listings.
            "1M8GDM9AXKP042788",
            "11111111111111111",
            "1HGCM82633A004352",
            "5GZCZ43D13S812715",
            "1m8gdm9axkp042788",
        ] {
            assert_eq!(check_digit(vin), CheckDigit::Right, "{vin}");
        }
    }

    #[test]
    fn a_wrong_digit_is_told_with_the_right_one() {
        for (vin, right) in [
            ("1M8GDM9A1KP042788", 'X'),
            ("1M8GDM9AXKP042789", '1'),
            // A maker that need not have one, and a published example with its first character misread.
            ("WP0ZZZ99ZTS392124", '8'),
            ("SGZCZ43D13S812715", 'X'),
        ] {
            assert_eq!(check_digit(vin), CheckDigit::Wrong(right), "{vin}");
        }
    }

    #[test]
    fn what_is_no_vin_has_none() {
        for vin in [
            "",
            "1M8GDM9AXKP04278",
            "1M8GDM9AXKP0427888",
            "IM8GDM9AXKP042788",
            "1O8GDM9AXKP042788",
            "1Q8GDM9AXKP042788",
        ] {
            assert_eq!(check_digit(vin), CheckDigit::NoVin, "{vin}");
        }
        assert_eq!(check_digit("1M8GDM9AXKP04278é"), CheckDigit::NoVin);
        assert_eq!(check_digit("1M8GDM9AXKP04278 "), CheckDigit::NoVin);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            check_digit(&text);
        }

        /// What it calls right once the digit is mended is right, and another digit in its place is wrong.
        #[test]
        fn exactly_one_character_is_right(vin in "[A-HJ-NPR-Z0-9]{17}") {
            let with = |digit: char| format!("{}{digit}{}", &vin[..PLACE], &vin[PLACE + 1..]);
            let right: Vec<char> = "0123456789X".chars().filter(|digit| check_digit(&with(*digit)) == CheckDigit::Right).collect();
            prop_assert_eq!(right.len(), 1);
            let told = match check_digit(&vin) {
                CheckDigit::Right => vin.chars().nth(PLACE),
                CheckDigit::Wrong(right) => Some(right),
                CheckDigit::NoVin => None,
            };
            prop_assert_eq!(told, Some(right[0]));
        }

        /// Any one digit that is written wrong is found, wherever it stands: 11 is a prime above every factor.
        #[test]
        fn a_single_wrong_digit_is_found(vin in "[0-9]{17}", place in 0..17_usize, other in 1..10_u8) {
            prop_assume!(place != PLACE);
            let CheckDigit::Wrong(right) = check_digit(&format!("{}Y{}", &vin[..PLACE], &vin[PLACE + 1..])) else { panic!() };
            let mut sound = vin.into_bytes();
            sound[PLACE] = right as u8;
            let mut wrong = sound.clone();
            wrong[place] = b'0' + (wrong[place] - b'0' + other) % 10;
            prop_assert_eq!(check_digit(std::str::from_utf8(&sound).unwrap()), CheckDigit::Right);
            prop_assert!(matches!(check_digit(std::str::from_utf8(&wrong).unwrap()), CheckDigit::Wrong(_)));
        }
    }
}
