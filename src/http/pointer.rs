//! JSON pointers (RFC 6901) in their URI fragment form, as problem documents carry them.
//! Knows nothing of what they point into.

/// Longest pointer given out, in bytes: member names come from callers and may be as long as a body.
const MAX_POINTER: usize = 256;

/// The pointer to what `path` leads to; where it would become too long, to the nearest ancestor that fits.
pub fn to<'a>(path: impl IntoIterator<Item = &'a str>) -> String {
    let mut pointer = String::from("#");
    for name in path {
        let step = pointer.len();
        pointer.push('/');
        name.bytes().take(MAX_POINTER).for_each(|byte| push(byte, &mut pointer));
        if pointer.len() > MAX_POINTER {
            pointer.truncate(step);
            break;
        }
    }
    pointer
}

/// `~` and `/` are escaped by the pointer, everything a fragment cannot carry by the URI.
fn push(byte: u8, pointer: &mut String) {
    match byte {
        b'~' => pointer.push_str("~0"),
        b'/' => pointer.push_str("~1"),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => pointer.push(char::from(byte)),
        _ if b"-._!$&'()*+,;=:@?".contains(&byte) => pointer.push(char::from(byte)),
        _ => {
            pointer.push('%');
            for nibble in [byte >> 4, byte & 15] {
                pointer.push(char::from_digit(nibble.into(), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_for_the_pointer_and_for_the_uri() {
        assert_eq!(to([]), "#");
        assert_eq!(to(["data", "0", "user_id"]), "#/data/0/user_id");
        assert_eq!(to(["a/b", "c~d", "e f", "é", ""]), "#/a~1b/c~0d/e%20f/%C3%A9/");
    }

    #[test]
    fn a_pointer_that_would_be_too_long_points_to_an_ancestor() {
        let long = "x".repeat(100_000);
        assert_eq!(to(["data", &long, "y"]), "#/data");
    }
}
