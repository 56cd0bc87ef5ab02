//! Percent-encoding of the values of a query (RFC 3986).
//! Knows nothing of what a value means.

use std::fmt::Write as _;

/// Encodes everything but the unreserved characters, so that no value can end its parameter or begin another.
pub(super) fn encode(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As any server reads the values of a query, a plus sign as a space included.
    fn decode(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_means_something_in_a_query_is_encoded() {
        assert_eq!(encode("ada+x%20@exämple.com"), "ada%2Bx%2520%40ex%C3%A4mple.com");
        assert_eq!(encode("a&limit=500#/?"), "a%26limit%3D500%23%2F%3F");
        assert_eq!(encode("A-z_0.~"), "A-z_0.~");
    }

    proptest! {
        #[test]
        fn every_value_arrives_as_it_was_and_alone(value in any::<String>()) {
            let encoded = encode(&value);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{encoded}");
            prop_assert_eq!(decode(&encoded), value);
        }
    }
}
