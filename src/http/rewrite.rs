//! Problem documents in the place of the empty answers that actix gives to what it cannot read as HTTP.
//! Knows nothing of connections.

use actix_web::ResponseError;
use actix_web::web::Bytes;

use super::problem::{Kind, Problem, log_refused};

/// Our own answers to errors have a body, always.
const EMPTY: &[u8] = b"\r\ncontent-length: 0\r\n";
const CLOSE: &[u8] = b"\r\nconnection: close\r\n";
/// Both lines come first.
const HEAD: usize = 256;

/// Whether an answer to an error says that it is the last one of its connection.
pub(super) fn is_last(answer: &[u8]) -> bool {
    let head = &answer[..answer.len().min(HEAD)];
    matches!(answer.get(..10), Some(b"HTTP/1.1 4" | b"HTTP/1.1 5")) && has(head, CLOSE)
}

fn has(head: &[u8], line: &[u8]) -> bool {
    head.windows(line.len()).any(|part| part.eq_ignore_ascii_case(line))
}

/// What to send in the place of `answer`, where that is an empty one.
pub(super) fn instead_of(answer: &[u8]) -> Option<Bytes> {
    let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let head = &answer[..answer.len().min(HEAD)];
    if status[0] != b'4' || !has(head, EMPTY) {
        return None;
    }
    match status {
        b"431" => Some(document(&Problem::new(Kind::HeadersTooLarge, "The head of the request is too large."))),
        b"400" => Some(document(&Problem::new(Kind::MalformedRequest, MALFORMED))),
        _ => None,
    }
}

const MALFORMED: &str =
    "This is not HTTP/1.1 as it is taken: check the request line, the headers and the framing of the body.";

/// What to send when a head does not come to its end.
pub(super) fn too_slow() -> Bytes {
    document(&Problem::new(Kind::TooSlow, "The head of the request did not arrive in time. Send it again."))
}

/// The whole answer as it is sent; the connection ends with it.
fn document(problem: &Problem) -> Bytes {
    log_refused(problem);
    let mut text = format!("HTTP/1.1 {}\r\nconnection: close\r\n", problem.status_code()).into_bytes();
    for (name, value) in problem.error_response().headers() {
        text.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let body = problem.text();
    text.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    text.extend_from_slice(&body);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_refusal_becomes_a_document() {
        for (status, slug) in [("400 Bad Request", "malformed-request"), ("431 X", "headers-too-large")] {
            let empty = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\ndate: x\r\n\r\n");
            let text = String::from_utf8(instead_of(empty.as_bytes()).unwrap().to_vec()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {}", &status[..3])), "{head}");
            assert!(head.contains("content-type: application/problem+json\r\n"), "{head}");
            assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
            let document: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(document["type"], format!("urn:usher:problem:{slug}"));
        }
    }

    #[test]
    fn a_refusal_that_ends_its_connection_is_known_by_its_words() {
        assert!(is_last(b"HTTP/1.1 503 X\r\ncontent-length: 2\r\nconnection: close\r\nx: y\r\n\r\n{}"));
        assert!(!is_last(b"HTTP/1.1 503 X\r\ncontent-length: 2\r\n\r\n{}"));
        assert!(!is_last(b"HTTP/1.1 202 X\r\nconnection: close\r\n\r\n"));
        assert!(!is_last(b"x"));
    }

    #[test]
    fn every_other_answer_is_sent_as_it_is() {
        for answer in [
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 4",
            "",
            "{\"HTTP/1.1 400\": \"\r\ncontent-length: 0\r\n\"}",
        ] {
            assert!(instead_of(answer.as_bytes()).is_none(), "{answer}");
        }
    }
}
