//! Problem documents in the place of the empty answers that actix gives to what it cannot read as HTTP.
//! Knows nothing of connections.

use actix_web::ResponseError;
use actix_web::web::Bytes;

use super::problem::{Kind, Problem, log_refused};

const CLOSE: &[u8] = b"\r\nconnection: close\r\n";
/// The line comes first.
const HEAD: usize = 256;

/// Whether an answer to an error says that it is the last one of its connection.
pub(super) fn is_last(answer: &[u8]) -> bool {
    let head = &answer[..answer.len().min(HEAD)];
    matches!(answer.get(..10), Some(b"HTTP/1.1 4" | b"HTTP/1.1 5")) && has(head, CLOSE)
}

fn has(head: &[u8], line: &[u8]) -> bool {
    head.windows(line.len()).any(|part| part.eq_ignore_ascii_case(line))
}

/// What actix refuses by itself, after what is to be sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Where its answer begins; it goes on to the end.
    pub(super) at: usize,
    kind: Kind,
}

impl Refusal {
    /// The empty answer with which these bytes end: actix gives it last, perhaps in one piece with the answers before it.
    ///
    /// It is told by every byte that actix writes. No body of ours can end so: in JSON a carriage return is escaped, and
    /// metrics and texts have none. No head can: its length comes right behind its status.
    pub(super) fn ends(bytes: &[u8]) -> Option<Self> {
        let head = without_date(bytes)?;
        // It may say anything of the connection: actix goes by the request before, and closes it all the same.
        let said = [&b"\r\nconnection: close"[..], b"\r\nconnection: keep-alive"];
        let head = said.into_iter().find_map(|line| head.strip_suffix(line)).unwrap_or(head);
        let status = head.strip_suffix(b"\r\ncontent-length: 0")?;
        let (before, kind) = match status.strip_suffix(b" 400 Bad Request") {
            Some(before) => (before, Kind::MalformedRequest),
            None => (status.strip_suffix(b" 431 Request Header Fields Too Large")?, Kind::HeadersTooLarge),
        };
        // Of the version of the request before it.
        let before = before.strip_suffix(b"HTTP/1.1").or_else(|| before.strip_suffix(b"HTTP/1.0"))?;
        Some(Self { at: before.len(), kind })
    }

    /// What to send in its place.
    pub(super) fn document(self) -> Bytes {
        let detail =
            if self.kind == Kind::HeadersTooLarge { "The head of the request is too large." } else { MALFORMED };
        document(&Problem::new(self.kind, detail))
    }
}

/// A head that ends in its date, up to that line.
fn without_date(bytes: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"\r\ndate: ";
    const DATE: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();
    let rest = bytes.strip_suffix(b" GMT\r\n\r\n")?;
    rest.get(..rest.len().checked_sub(DATE - " GMT".len())?)?.strip_suffix(NAME)
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

    const DATE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";

    #[test]
    fn an_empty_refusal_becomes_a_document_and_what_is_before_it_stays() {
        let malformed = ("400 Bad Request", "malformed-request");
        let too_large = ("431 Request Header Fields Too Large", "headers-too-large");
        let answered = format!("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n{DATE}{{}}");
        for ((status, slug), before) in
            [(malformed, ""), (too_large, ""), (malformed, &answered), (too_large, &answered)]
        {
            for (version, close) in
                [("1.1", "connection: close\r\n"), ("1.1", ""), ("1.0", "connection: keep-alive\r\n")]
            {
                let bytes = format!("{before}HTTP/{version} {status}\r\ncontent-length: 0\r\n{close}{DATE}");
                let refusal = Refusal::ends(bytes.as_bytes()).unwrap();
                assert_eq!(refusal.at, before.len());
                let text = String::from_utf8(refusal.document().to_vec()).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with(&format!("HTTP/1.1 {}", &status[..3])), "{head}");
                assert!(head.contains("content-type: application/problem+json\r\n"), "{head}");
                assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
                let document: serde_json::Value = serde_json::from_str(body).unwrap();
                assert_eq!(document["type"], format!("urn:usher:problem:{slug}"));
            }
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
            &format!("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n{DATE}"),
            &format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n{DATE}{{}}"),
            &format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx: y\r\n{DATE}"),
            &format!("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n{DATE}"),
            &format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: HTTP/1.1 400 Bad Request\r\n{DATE}"),
            &format!("{{\"HTTP/1.1 400 Bad Request\": \"\\r\\ncontent-length: 0\\r\\n{DATE}\"}}"),
            &format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n{DATE}x"),
            DATE,
            " GMT\r\n\r\n",
            "HTTP/1.1 4",
            "",
        ] {
            assert_eq!(Refusal::ends(answer.as_bytes()), None, "{answer}");
        }
    }
}
